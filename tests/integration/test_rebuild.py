"""`manifest log rebuild`: the database made again from a copy of its log, and a server that goes on from it."""
import json
import os
import subprocess

import pytest
from manifest_client import Refused
from server import BUILD, MANIFESTD, fill, until
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

    def begin(self, *arguments):
        return subprocess.Popen([MANIFEST, "log", *arguments, "--json", "--lang=en", f"--log={self.folder / 'vkey'}"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=os.environ | {"HOME": str(self.folder)})

    def run(self, *arguments, status=0):
        done = self.begin(*arguments)
        done.stdout, done.stderr = done.communicate(timeout=120)
        assert done.returncode == status, (done.stdout, done.stderr)
        return json.loads(done.stdout)

    def order(self, database, cluster=None):
        return ("rebuild", f"--from={self.folder / 'copy'}", "--database",
                (cluster or self.server.cluster).conninfo(database, "manifest_writer"))

    def rebuild(self, database, cluster=None, status=0):
        return self.run(*self.order(database, cluster), status=status)

    def prepare(self, make, cluster=None):
        """A new database, and a server's settings for it; migrated and empty."""
        cluster = cluster or self.server.cluster
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


def test_a_copy_of_the_hashes_alone(copied, make):
    again = copied.prepare(make)
    (copied.folder / "copy/tile/entries").rename(copied.folder / "kept")
    report = copied.rebuild(again.database, status=1)
    assert report["failure"]["id"] == "log.no_entries" and "--hashes" in report["failure"]["en"]


# cut short

def refuses(copied, again):
    """Whoever comes upon what is not finished is told what to do; also where no high-water file knows better."""
    again.start(ready=False, high_water=again.folder / "new")
    assert again.process.wait(30) == 1 and "manifest log rebuild" in again.tail()
    assert ("rebuild.unfinished", "unfinished_rebuild", "") in found(audit(again))
    began = subprocess.run(
        [MANIFESTD, "--config", again.conf, "init", "--city", "210100", "--authority", "11210100MB1234568J-1",
         "--authority-name", "x", "--registrar", copied.server.folder / "registrar.pub", "--recovery",
         copied.server.folder / "recovery.pub"], stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert began.returncode == 1 and "manifest log rebuild" in began.stderr


def is_whole(copied, again):
    for table in TABLES:
        assert rows(again.cluster, again.database, table) == rows(copied.server.cluster, copied.server.database, table), table
    assert set(found(audit(again, "--high-water", copied.server.folder / "high-water"))) == {("row.missing", "evidence", "")}
    assert copied.rebuild(again.database, again.cluster, status=1)["failure"]["id"] == "rebuild.not_empty"
    again.start(high_water=copied.server.folder / "high-water")


def stop_at(again, index, what):
    """Before this entry the database does so."""
    again.cluster.sql(again.database, f"""
        CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF NEW.index = {index} THEN {what}; END IF; RETURN NEW; END $$;
        CREATE TRIGGER stop BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION stop()""")


def go_on(again):
    again.cluster.sql(again.database, "DROP TRIGGER stop ON entry; DROP FUNCTION stop")


@pytest.mark.parametrize("index", [0, 256])
def test_killed_in_the_middle(copied, make, index):
    """Before the first entry, and after a group of them was stored."""
    again = copied.prepare(make)
    stop_at(again, index, "PERFORM pg_sleep(60)")
    process = copied.begin(*copied.order(again.database))
    sleeping = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    until(lambda: again.cluster.sql(again.database, sleeping), "stopped")
    process.kill()
    process.communicate()
    again.cluster.sql(again.database, f"SELECT pg_terminate_backend(pid, 10000) FROM ({sleeping}) s")
    go_on(again)
    assert (again.cluster.sql(again.database, "SELECT size > 0 FROM log_head") == [(True,)]) is (index > 0)
    refuses(copied, again)
    copied.rebuild(again.database)
    is_whole(copied, again)


def test_the_database_refuses_in_the_middle(copied, make):
    """Twice at different places: every run begins anew."""
    again = copied.prepare(make)
    for index in (300, 257):
        stop_at(again, index, "RAISE EXCEPTION 'no room' USING ERRCODE = '53100'")
        report = copied.rebuild(again.database, status=3)
        assert "no room" in report["failure"]["en"] and "run this again" in report["failure"]["en"]
        go_on(again)
        refuses(copied, again)
    copied.rebuild(again.database)
    is_whole(copied, again)


def test_the_disk_is_full_in_the_middle(copied, make, small_cluster):
    again = copied.prepare(make, small_cluster)
    filler = fill(small_cluster.folder.parent)
    os.truncate(filler, filler.stat().st_size - 262144)
    copied.rebuild(again.database, small_cluster, status=3)
    filler.unlink()
    small_cluster.start()  # where PostgreSQL itself gave up
    copied.rebuild(again.database, small_cluster)
    is_whole(copied, again)


def test_nobody_else_empties_a_database(copied):
    """The writer's role can neither mark nor empty a log that is there."""
    cluster, database = copied.server.cluster, copied.server.database
    before = rows(cluster, database, "entry")
    cluster.sql(database, "SET ROLE manifest_writer; UPDATE log_head SET size = 0; SELECT rebuild_begin(); SELECT rebuild_begin()")
    assert rows(cluster, database, "entry") == before
    assert cluster.sql(database, "SELECT count(*) FROM unfinished_rebuild") == [(0,)]
