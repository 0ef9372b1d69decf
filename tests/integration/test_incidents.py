"""What ended real logs, done to this one. Each test says what happened elsewhere, and shows what happens here."""
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest
from between import Between
from city import HOUR, SECOND
from forger import Forger
from ledger import Ledger
from load import Load
from manifest_client import Connection, Device, Refused, event
from manifest_client.device import now, sign
from server import ROOT, fill

pytestmark = pytest.mark.slow


@pytest.fixture
def copy(history, work):
    made = history.copy(Path(tempfile.mkdtemp(prefix="c", dir=work)) / "d")
    yield made
    made.close()


def of_generator(copy, history):
    """A connection of the generator's device, which has seen nothing."""
    device = history.city.generator
    fresh = Device(device.log, device.role, device.party, device.key)
    connection = Connection(copy.address, copy.tls / "ca.crt", fresh)
    fresh.next = connection.welcome.next_number
    return connection


def imported(device, record=1):
    return sign(event("imported", scheme="csv", foreign_number="needle-in-the-hay", source_sha256=bytes(range(32)),
                      record=record), [device])[0]


# ---- a database that was restored


def test_a_database_is_restored(history, copy, work):
    """In November 2020 the log Trust Asia 2021 had signed two trees of which not both could be one log's; nothing could
    mend it, and a log with another key had to be begun. Here a dump is restored, as of an hour ago: the server does not
    sign for it, says which file knows better, and goes on when the true database is back."""
    cluster = history.cluster
    tools = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    user = cluster.uri.split("user=")[1].split()[0]
    dump = subprocess.run([tools / "pg_dump", "-h", cluster.folder, "-U", user, "--create", history.early],
                          capture_output=True, check=True, timeout=60).stdout
    restored = cluster.new_database()
    cluster.sql("manifest", f"DROP DATABASE {restored}")
    dump = dump.replace(history.early.encode(), restored.encode())
    subprocess.run([tools / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", cluster.folder, "-U", user, "postgres"],
                   input=dump, capture_output=True, check=True, timeout=60)
    true = dict(copy.settings)
    copy.settings = {k: str(v).replace(f"dbname={copy.database}", f"dbname={restored}") for k, v in true.items()}
    said = copy.refuses_to_start()
    assert "it went backwards. Restore the database as it was last, or make it again from a copy of the log" in said
    copy.settings = true
    assert copy.refuses_to_start() is None


# ---- a flipped bit


class Bits:
    """A server whose bytes on the way to PostgreSQL are changed once, in one bit."""

    def __init__(self, maker, work):
        self.between = Between(Path(tempfile.mkdtemp(prefix="b", dir=work)) / "d", maker.cluster.socket())
        self.between.folder.parent.chmod(0o711)
        self.city = maker.city()
        server = self.city.server
        self.city.close()
        self.city.connections.clear()
        assert server.end() == 0
        server.start(database__writer=maker.cluster.conninfo(server.database, "manifest_writer", self.between.folder),
                     sweep__interval="1 h")
        self.server, self.ledger = server, Ledger(server)
        self.flipped = 0

    def flip(self, statement, after, at):
        """The lowest bit of the byte that is `at` bytes behind the first `after` in the next Bind of the statement."""
        def change(name, message):
            place = message.find(after) if name == statement else -1
            if place < 0:
                return message
            self.between.change = lambda _, m: m
            self.flipped += 1
            place += len(after) + at
            return message[:place] + bytes([message[place] ^ 1]) + message[place + 1:]
        self.between.change = change

    def send(self, n=1):
        with self.city.connect(self.city.generator) as c:
            for i in range(n):
                envelope = imported(self.city.generator, i + 1)
                try:
                    self.ledger.take(c.submit(envelope))
                except Refused as e:  # "try again later": the same bytes
                    assert e.kind == "FAULT" and self.flipped == 1
                    self.ledger.take(c.submit(envelope))


@pytest.fixture
def bits(make, work):
    return Bits(make, work)


HASH, TILE = struct.pack(">I", 32), struct.pack(">I", 8192)
LEAVES = struct.pack(">IIII", 17, 1, 1, 32)  # the end of an array's head: of bytea, one of them, from 1 on; its length


@pytest.mark.parametrize("after", [b"needle-in-the-hay", LEAVES], ids=["in the entry", "in its leaf hash"])
def test_one_bit_of_an_entry_flips(bits, after):
    """In June 2021 one flipped bit ended the log Yeti 2022: the hash that went into the signed tree was not that of the
    entry. Here PostgreSQL computes the hash once more and refuses what does not fit: the device is told of a fault, sends
    the event again, and the log has no trace of it."""
    bits.flip("entry", after, 0)
    bits.send(3)
    assert bits.flipped == 1
    bits.ledger.holds(bits.server.folder / "high-water")
    bits.server.end()
    bits.server.start()


def test_one_bit_of_a_root_flips(bits):
    """The same, in the head that is stored: what clients get is signed from memory and true; the next start sees it."""
    bits.flip("advance", HASH, 5)
    bits.send()
    assert bits.flipped == 1
    bits.server.end()
    with pytest.raises(AssertionError, match="the root of the stored tree is not the root of the log's head"):
        bits.server.start()


def test_one_bit_of_a_tile_flips(bits):
    """The same, in the hashes that proofs are made of. The tree in memory knows better: whoever would be given a proof made
    with it is told of the damage instead, and so is the operator. The registry's entries are proven at every start."""
    bits.send(250 - bits.server.sql("SELECT size FROM log_head")[0][0])
    bits.flip("tile", TILE, 32 * 3)
    with pytest.raises(Refused, match="FAULT.*server.damaged"):  # that the sender's next checkpoint continues the last
        bits.send(20)
    assert bits.flipped == 1
    registrar = bits.city.registrar
    with bits.city.connect(Device(registrar.log, registrar.role, key=registrar.key)) as c, \
            pytest.raises(Refused, match="FAULT.*server.damaged"):
        c.entries(entry={"index": 2})
    bits.server.wait("server", what="what is stored is damaged")
    bits.server.end()
    with pytest.raises(AssertionError, match="the tree's hashes beside it were changed"):
        bits.server.start()


def test_one_bit_of_a_table_flips(bits, history):
    """The same, in what is computed from the log: the audit names the row and the column."""
    bits.flip("manifest_new", b"210102", -1)
    with bits.city.connect(bits.city.generator) as c:
        trail = bits.city.trail()
        bits.ledger.take(c.submit(trail.issued()[0]))
    assert bits.flipped == 1
    assert bits.server.end() == 0
    report = history.audit_of(bits.server)
    assert [(f["what"], f["table"], f["key"]) for f in report["findings"]] == [("row.changed", "manifest", trail.number)]
    assert report["findings"][0]["column"].startswith("division_")


# ---- a migration


@pytest.mark.parametrize("loses,start,found", [
    ("DELETE FROM entry WHERE index >= {last} - 2", "the head counts", ("head", "log_head", "")),
    ("DELETE FROM entry WHERE index = {treated}", None, ("entry.gap", "entry", "{treated}")),
    ("DELETE FROM running_number WHERE index = {issued}", None, ("row.missing", "running_number", "")),
    ("DELETE FROM manifest WHERE number = {late}", None, ("row.missing", "manifest", "{late}")),
    ("DELETE FROM evidence", None, ("row.missing", "evidence", "")),
], ids=["of the newest entries", "of an old entry", "of a running number", "of a manifest", "of evidence"])
def test_a_migration_loses_rows(history, copy, loses, start, found):
    """In December 2021 tools that split the database of the log Oak left rows behind: entries sent again were then taken
    for new ones. Here a script that the program does not know is refused; and what the owner of the tables deletes by it
    all the same, the start or the audit names."""
    schema = copy.folder / "schema"
    shutil.copytree(ROOT / "schema", schema)
    last = max(int(p.name[:3]) for p in (schema / "migrations").iterdir())
    script = schema / "migrations" / f"{last + 1:03d}_tidy.sql"
    script.write_text(loses.format_map(history.at) + ";\n")
    done = copy.daemon("--set", f"schema={schema}", "migrate")
    assert done.returncode == 3 and "is not one of this program's" in done.stderr
    copy.cluster.sql(copy.database, f"SET ROLE manifest_owner; {script.read_text()}")
    said = copy.refuses_to_start()
    assert said is None if start is None else start in said
    report = copy.audit()
    what, table, key = (x.format_map(history.at) for x in found)
    assert [f for f in report["findings"] if f["what"] == what and f["table"] in ("", table)
            and key in ("", f["key"], f.get("entry"))], report


# ---- clocks


def ahead(copy, by):
    """The last entry was accepted by a server whose clock is so much before this one's."""
    forger = Forger(copy)
    forger.change(-1, lambda e: setattr(e, "accepted_at", now() + by))
    forger.settle()
    forger.forget()
    return forger.read(-1).accepted_at


def test_a_clock_far_behind(copy):
    """In June 2024 the log Mammoth 2025h1 signed a tree that was older than an entry in it: the clocks of two of its
    machines disagreed. Here a server whose clock is behind the log by more than the law's skew does not start."""
    ahead(copy, 2 * HOUR)
    said = copy.refuses_to_start()
    assert "s ahead of this machine's clock: set the clock, then start again" in said


def test_a_clock_a_little_behind(copy, history):
    """Within the skew it goes on, and every entry is later than the one before, whatever the clock says."""
    last = ahead(copy, HOUR // 2)
    copy.start()
    with of_generator(copy, history) as c:
        receipts = [c.submit(imported(c.device, i + 1)) for i in range(3)]
    times = [last, *(r.accepted_at for r in receipts), last + SECOND]
    assert all(a < b for a, b in zip(times, times[1:]))
    assert copy.end() == 0
    assert copy.refuses_to_start() is None


# ---- disks


def test_the_database_has_no_room(make, small_cluster):
    """In January 2024 the database of the log Mammoth 2024h1 had no room left: two entries that had been promised could
    never be added. Here nothing is promised before it is stored: with the disk full, clients are told to come again; with
    room, the server goes on by itself with every receipt true."""
    city = make.city(cluster=small_cluster, **{"request.timeout": "1 s"})
    with Load(city, workers=2, events=2500) as load:
        load.reach(200)
        filler = fill(small_cluster.folder.parent)
        city.server.wait("server", what="not writing")
        assert city.server.process.poll() is None
        filler.unlink()
        small_cluster.start()  # where PostgreSQL itself gave up
        load.finish()
    load.nothing_lost()
    assert city.server.process.poll() is None
