"""What was ever given of one log, held against what is stored of it now."""
import hashlib
import re

import manifest_pb2 as m
from manifest_client import Connection, Device, dsse, merkle
from manifest_client.connection import envelope_in
from server import until

PAGE = 4096
TEXT = re.compile(rb"(manifest high-water v1\nsize (\d+)\nroot ([0-9a-f]{64})\n)check ([0-9a-f]{64})\n\0*")


def pages(path):
    content = path.read_bytes()
    return [content[at:at + PAGE] for at in range(0, len(content), PAGE)]


def slot(page):
    """(size, root); size 0: it is empty or torn."""
    found = TEXT.fullmatch(page)
    if found is None or hashlib.sha256(found[1]).hexdigest() != found[4].decode():
        return 0, b""
    return int(found[2]), bytes.fromhex(found[3].decode())


def size_of(page):
    return slot(page)[0]


def high_water(path):
    """The larger of the slots of a high-water file."""
    return max(map(slot, pages(path)))


class Ledger:
    """Receipts and checkpoints that clients were given, by whichever server of the log."""

    def __init__(self, server):
        self.server = server
        self.receipts = {}
        self.checkpoints = {}

    def take(self, receipt):
        """One receipt, whose proof the client has verified. An event has one index, whenever it is answered."""
        earlier = self.receipts.setdefault(receipt.envelope, receipt)
        assert (receipt.index, receipt.entry) == (earlier.index, earlier.entry)
        self.see(receipt.checkpoint)

    def see(self, checkpoint):
        assert self.checkpoints.setdefault(checkpoint.size, checkpoint).root == checkpoint.root

    def roots_of_what_is_stored(self):
        """By size, computed from the entries' bytes. What is stored beside them must say the same."""
        rows = self.server.sql("SELECT index, leaf, entry FROM entry ORDER BY index")
        entries = [bytes(r[2]) for r in rows]
        level = [merkle.leaf_hash(e) for e in entries]
        assert [(r[0], bytes(r[1])) for r in rows] == list(enumerate(level))
        events = [dsse.event_id(m.Envelope.FromString(envelope_in(e)).payload) for e in entries]
        assert len(set(events)) == len(events)
        for receipt in self.receipts.values():
            assert entries[receipt.index] == receipt.entry
        roots = [hashlib.sha256(b"").digest(), *merkle.roots(level)]
        (size, root), = self.server.sql("SELECT size, root FROM log_head")
        assert (size, bytes(root)) == (len(entries), roots[-1])
        tiles = {(r[0], r[1]): (bytes(r[2]), bytes(r[3])) for r in
                 self.server.sql("SELECT level, n, hashes, root FROM tile")}
        for height in range(8):
            full = [level[i:i + 256] for i in range(0, len(level) - 255, 256)]
            level = [merkle.root_of(t) for t in full]
            for n, tile in enumerate(full):
                assert tiles.pop((height, n)) == (b"".join(tile), level[n])
        assert not tiles
        return roots

    def holds(self, *high_water_files):
        """Everything given is of the stored history, which is one; and nothing was given that a high-water file does
        not know of."""
        roots = self.roots_of_what_is_stored()
        for checkpoint in self.checkpoints.values():
            assert roots[checkpoint.size] == checkpoint.root
        for size, root in map(high_water, high_water_files):
            assert size == 0 or roots[size] == root
        assert max(self.checkpoints) <= max(size for size, _ in map(high_water, high_water_files))

    def is_proven_by(self, server, registrar):
        """The server proves each checkpoint to be before its newest one. Nothing is trusted from before."""
        with Connection(server.address, self.server.tls / "ca.crt",
                        Device(self.server.log, registrar.role, key=registrar.key)) as c:
            given = list(self.checkpoints.values())
            for part in range(0, len(given), 50):  # a key may not ask for more at once
                c.settle(given[part:part + 50])
            self.see(c.device.kept)
