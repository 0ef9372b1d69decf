"""What a superuser who has stolen the server's keys can do: change history and make everything fit again."""
import base64

import manifest_pb2 as m
from manifest_client import Key, event, merkle, tiles
from manifest_client.device import now
from manifest_client.dsse import event_id, seal


def stolen(file):
    return Key(base64.b64decode(file.read_text().strip().split(":")[1]))


class Forger:
    """Works on a copy's database. `entries` may be changed at will; settle() makes tree, head and checkpoints of them."""

    def __init__(self, copy):
        self.copy = copy
        self.log_key, self.server_key = stolen(copy.folder / "log.key"), stolen(copy.folder / "server.key")
        self.stored = [bytes(e) for e, in copy.sql("SELECT entry FROM entry ORDER BY index")]
        self.entries = list(self.stored)

    def read(self, index):
        return m.LogEntry.FromString(self.entries[index])

    def change(self, index, edit):
        """`edit` is given the LogEntry to change."""
        entry = self.read(index)
        edit(entry)
        self.entries[index] = entry.SerializeToString()

    def sign(self, kind, /, **fields):
        """An event signed with the server's key, under its next running number."""
        made = event(kind, **fields)
        made.occurred_at = now()
        number, = self.copy.sql("SELECT max(number) + 1 FROM running_number WHERE key_no = (SELECT no FROM device_key "
                                "WHERE keyid = %s)", self.server_key.id)[0]
        made.signers.add(keyid=self.server_key.id, number=number)
        payload = made.SerializeToString()
        return made, seal(payload, [self.server_key])

    def append(self, kind, about=0, /, **fields):
        """One more entry, and the rows that every event has. Returns its index."""
        made, envelope = self.sign(kind, **fields)
        index, at = len(self.entries), self.read(-1).accepted_at + 1
        entry = m.LogEntry(envelope=m.Envelope.FromString(envelope), accepted_at=at).SerializeToString()
        self.entries.append(entry)
        self.stored.append(entry)
        eid = event_id(made.SerializeToString())
        self.copy.sql("INSERT INTO entry VALUES (%s, %s, %s, %s, %s, %s)", index, at, about,
                      m.Event.DESCRIPTOR.fields_by_name[kind].number, merkle.leaf_hash(entry), entry)
        self.copy.sql("INSERT INTO running_number (number, tag, index, key_no, event) SELECT %s, %s, %s, no, %s FROM "
                      "device_key WHERE keyid = %s", made.signers[0].number,
                      int.from_bytes(eid[:8], "big", signed=True), index, eid, self.server_key.id)
        return index

    def cut(self, size):
        """Everything from this entry on is gone, as if it had never been. Tables that it changed stay as they are."""
        del self.entries[size:], self.stored[size:]
        self.copy.as_superuser(f"DELETE FROM entry WHERE index >= {size}; DELETE FROM running_number WHERE index >= {size}; "
                               f"DELETE FROM registry_entry WHERE index >= {size}; "
                               f"DELETE FROM checkpoint WHERE size > {size}; DELETE FROM tile WHERE (n + 1) * 256 > {size}")

    def note(self, size, root):
        log = self.copy.log
        text = f"{log.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(log.key_id + self.log_key.sign(text.encode())).decode()
        return f"{text}\n\u2014 {log.origin} {signature}\n"

    def settle(self):
        """Leaves, tiles, the head and every signed checkpoint fit the entries."""
        sql = self.copy.sql
        self.copy.as_superuser("")
        leaves = [merkle.leaf_hash(e) for e in self.entries]
        for index, (old, new) in enumerate(zip(self.stored, self.entries)):
            if old != new:
                sql("UPDATE entry SET entry = %s, leaf = %s, accepted_at = %s WHERE index = %s", new, leaves[index],
                    m.LogEntry.FromString(new).accepted_at, index)
        for n, width in tiles.widths(0, len(leaves)):
            if width == 256:
                part = leaves[n * 256:n * 256 + 256]
                sql("UPDATE tile SET hashes = %s, root = %s WHERE level = 0 AND n = %s", b"".join(part),
                    merkle.root_of(part), n)
        for size, in sql("SELECT size FROM checkpoint"):
            sql("UPDATE checkpoint SET note = %s WHERE size = %s", self.note(size, merkle.root_of(leaves[:size])), size)
        root = merkle.root_of(leaves)
        sql("UPDATE log_head SET size = %s, root = %s, accepted_at = %s", len(leaves), root, self.read(-1).accepted_at)
        self.stored = list(self.entries)
        return root

    def forget(self):
        """No high-water file."""
        (self.copy.folder / "high-water").unlink()
