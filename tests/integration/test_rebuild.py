"""`manifest log rebuild`: the database made again from a copy of its log, and a server that goes on from it."""
import json
import os
import subprocess

import pytest
from manifest_client import Refused
from server import BUILD, MANIFESTD
from test_audit import Eventful, audit, found
from test_http import token_of

MANIFEST = BUILD / "manifest"
# Not in the log: when the sweep looks, older checkpoints, the refused envelopes, and what persons' ids stand for.
TABLES = {
    "entry": "*", "registry_entry": "*", "running_number": "*", "tile": "*", "flag": "*", "flag_party": "*", "party": "*",
    "device_key": "*", "permit": "*", "vehicle": "*", "person": "*", "number_block": "*", "voided_number": "*",
    "setting": "*", "reference_file": "*", "manifest_term": "*", "log_head": "size, root, accepted_at",
    "manifest": "number, due_at, issued_at, changed_at, shipped_grams, accepted_grams, treated_grams, generator, "
                "transporter, facility, state, division_generator, division_facility, trail, body",
}


def rows(cluster, database, table):
    return sorted(str([bytes(v) if isinstance(v, memoryview) else v for v in row])
                  for row in cluster.sql(database, f"SELECT {TABLES[table]} FROM {table}"))


class Copied:
    """A city whose log was mirrored when it was quiet, and whose server has ended."""

    def __init__(self, make, folder):
        self.folder = folder
        self.city = make.city(**{"http.enabled": "yes"})
        self.server = self.city.server
        self.eventful = Eventful(self.city)
        c = self.city.connect(self.city.generator)
        self.receipts = c.submit_all([self.city.trail().issued()[0] for _ in range(300)])
        auditor = self.city.enrol("auditor", 61)
        (folder / "vkey").write_text(self.server.log.vkey)
        (folder / "token").write_text(token_of(self.city, auditor))
        self.run("mirror", folder / "copy", f"--url=http://127.0.0.1:{self.server.http}", f"--token={folder / 'token'}")
        self.server.end()

    def run(self, *arguments, status=0):
        done = subprocess.run([MANIFEST, "log", *arguments, "--json", "--lang=en", f"--log={self.folder / 'vkey'}"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
                              env=os.environ | {"HOME": str(self.folder)})
        assert done.returncode == status, (done.stdout, done.stderr)
        return json.loads(done.stdout)

    def rebuild(self, database, status=0):
        return self.run("rebuild", f"--from={self.folder / 'copy'}", "--database",
                        self.server.cluster.conninfo(database, "manifest_writer"), status=status)

    def prepare(self, make):
        """A new database, and a server's settings for it; migrated and empty."""
        cluster = self.server.cluster
        database = cluster.new_database()
        daemon = make.twin(self.server, **{
            f"database__{who}": cluster.conninfo(database, f"manifest_{who}") for who in ("owner", "writer", "reader")})
        daemon.database, daemon.cluster = database, cluster
        subprocess.run([MANIFESTD, "--config", daemon.conf, "migrate"], check=True, timeout=60, stdout=subprocess.DEVNULL)
        return daemon


@pytest.fixture
def copied(make, tmp_path):
    return Copied(make, tmp_path)


def test_the_database_made_again(copied, make):
    again = copied.prepare(make)
    report = copied.rebuild(again.database)
    assert report["evidence_missing"] == "1"
    for table in TABLES:
        assert rows(again.cluster, again.database, table) == rows(again.cluster, copied.server.database, table), table
    audited = audit(again, "--high-water", copied.server.folder / "high-water")
    assert set(found(audited)) == {("row.missing", "evidence", "")}  # it is not in the log, and nothing else is amiss

    # The server goes on from it.
    again.start()
    copied.city.server.port = again.port
    c = copied.city.connect(copied.city.generator)
    c.settle([r.checkpoint for r in copied.receipts])
    receipt = c.submit(copied.city.trail().issued()[0])
    assert receipt.index == int(report["size"])
    with pytest.raises(Refused) as e:  # the fork is still known
        c.submit(copied.eventful.rival)
    assert e.value.kind == "FORK"
    assert set(found(audit(again))) == {("row.missing", "evidence", "")}


def test_only_into_an_empty_database(copied):
    report = copied.rebuild(copied.server.database, status=1)
    assert report["failure"]["id"] == "rebuild.not_empty"


def test_a_copy_that_was_changed_writes_nothing(copied, make):
    again = copied.prepare(make)
    bundle = next((copied.folder / "copy/tile/entries").glob("000"))
    changed = bytearray(bundle.read_bytes())
    changed[-10] ^= 1
    bundle.write_bytes(changed)
    report = copied.rebuild(again.database, status=1)
    assert report["failure"]["id"] == "mirror.root"
    assert again.cluster.sql(again.database, "SELECT size FROM log_head") == [(0,)]
