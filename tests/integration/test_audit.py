"""`manifest log audit`: the log of a database judged again; clean under load, and every change by hand is named."""
import hashlib
import json
import subprocess

import manifest_pb2 as m
import pytest
from city import DAY, HOUR
from load import Load
from manifest_client import Refused
from manifest_client.device import now
from questions import open_kinds
from server import BUILD, until

MANIFEST = BUILD / "manifest"


def audit(server, *options, role="manifest_reader"):
    done = subprocess.run([MANIFEST, "log", "audit", "--json", "--database",
                           server.cluster.conninfo(server.database, role), *options],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["holds"] is (done.returncode == 0)
    return report


def found(report):
    return [(f["what"], f["table"], f["column"]) for f in report["findings"]]


def send(connection, *steps):
    for envelope, _ in steps:
        connection.submit(envelope)


class Eventful:
    """A city with an overdue load, a whole life, a fork with its evidence, and a deadline set anew."""

    def __init__(self, city):
        self.city, self.server = city, city.server
        c = city.connect(city.generator)
        late = now() - 3 * DAY
        self.overdue = city.trail(at=late)
        send(c, self.overdue.issued(late), self.overdue.loaded(late + HOUR))
        until(lambda: open_kinds(city.office, self.overdue.number) == ["OVERDUE"], "overdue")
        send(c, self.overdue.delivered())
        self.whole = city.trail()
        for envelope in self.whole.whole_life():
            c.submit(envelope)
        self.forked = city.trail()
        send(c, self.forked.issued())
        head = self.forked.head
        first = self.forked.loaded()
        self.forked.head = head
        self.rival, _ = self.forked.loaded()
        send(c, first)
        with pytest.raises(Refused):
            c.submit(self.rival)
        until(lambda: open_kinds(city.office, self.forked.number) == ["FORK"], "forked")
        self.waiting = city.trail(at=now() - 30 * HOUR)
        send(c, self.waiting.issued(now() - 30 * HOUR, collect_by=now() - 28 * HOUR))
        until(lambda: open_kinds(city.office, self.waiting.number) == ["NOT_COLLECTED"], "not collected")
        city.enter("setting_changed", key="collect.grace", value="72 h", reason="大雪")
        until(lambda: open_kinds(city.office, self.waiting.number) == [], "in time after all")

    def sql(self, statement, *values):
        """As a superuser would, with the guards off."""
        return self.server.sql(statement, *values)


@pytest.fixture
def eventful(make):
    return Eventful(make.city())


def test_a_log_with_flags_is_clean(eventful):
    report = audit(eventful.server)
    assert report["holds"], report["findings"]
    assert int(report["entries"]) == eventful.sql("SELECT size FROM log_head")[0][0]
    assert int(report["signatures"]) > int(report["entries"])
    # Of the overdue load one more when the sweep looks before it is loaded.
    flags = eventful.sql("SELECT count(*) FROM flag")[0][0]
    assert int(report["rows"]["evidence"]) == 1 and int(report["rows"]["flag"]) == flags >= 3
    high_water = eventful.server.folder / "high-water"
    assert audit(eventful.server, "--high-water", high_water)["holds"]


def test_it_runs_while_devices_send(make):
    city = make.city()
    with Load(city, events=300) as load:
        load.reach(50)
        for _ in range(3):
            report = audit(city.server)
            assert report["holds"], report["findings"]
        load.finish()
    report = audit(city.server)
    assert report["holds"] and int(report["rows"]["manifest"]) == 900


# One in each of several tables, in the order in which they are told of.
EVERYWHERE = [
    ("UPDATE party SET name = 'x' WHERE no = 2", ("row.changed", "party", "name")),
    ("UPDATE device_key SET revoked_from = 1 WHERE no = 5", ("row.changed", "device_key", "revoked_from")),
    ("UPDATE permit SET waste_codes = array['HW01']", ("row.changed", "permit", "waste_codes")),
    ("INSERT INTO setting VALUES ('clock.skew', '1 h', 3)", ("row.unexplained", "setting", "")),
    ("UPDATE manifest SET state = 9 WHERE number = {overdue}", ("row.changed", "manifest", "state")),
    ("UPDATE flag SET detail = 'x' WHERE flag = (SELECT min(flag) FROM flag)", ("row.changed", "flag", "detail")),
    ("UPDATE running_number SET index = index + 1 WHERE key_no = 5 AND number = 1",
     ("row.changed", "running_number", "index")),
]


@pytest.mark.parametrize("statement, what", [
    *EVERYWHERE,
    ("UPDATE manifest SET look_at = NULL WHERE number = {waiting}", ("row.changed", "manifest", "look_at")),
    ("DELETE FROM manifest WHERE number = {whole}", ("row.missing", "manifest", "")),
    ("DELETE FROM flag WHERE number = {overdue}", ("row.missing", "flag", "")),
    ("UPDATE flag SET closed_at = raised_at, closed_by = flag WHERE number = {forked}",
     ("row.changed", "flag", "closed_at")),
    ("DELETE FROM evidence", ("row.missing", "evidence", "")),
    ("DELETE FROM checkpoint WHERE size < 0; UPDATE log_head SET root = sha256('x')", ("tree.root", "log_head", "root")),
    ("UPDATE entry SET number = 0 WHERE number = {whole}", ("row.changed", "entry", "number")),
    ("UPDATE entry SET accepted_at = accepted_at - 1 WHERE index = 9", ("entry.time", "entry", "accepted_at")),
])
def test_a_row_changed_by_hand_is_named(eventful, statement, what):
    numbers = {name: getattr(eventful, name).number for name in ("overdue", "waiting", "whole", "forked")}
    eventful.server.end()
    eventful.sql(statement.format(**numbers))
    report = audit(eventful.server)
    assert what in found(report), report["findings"]
    assert not {t for _, t, _ in found(report)} - {what[1]}, report["findings"]


def test_entries_changed_by_hand_are_named(eventful):
    eventful.server.end()
    index, entry = eventful.sql("SELECT index, entry FROM entry WHERE number = %s ORDER BY index LIMIT 1",
                                eventful.whole.number)[0]
    changed = bytes(entry)
    changed = changed[:200] + bytes([changed[200] ^ 1]) + changed[201:]
    eventful.sql("ALTER TABLE entry DROP CONSTRAINT entry_leaf")
    eventful.sql("UPDATE entry SET entry = %s WHERE index = %s", changed, index)
    report = audit(eventful.server)
    first = report["findings"][0]
    assert first["what"] in ("entry.bytes", "entry.signature") and first["entry"] == str(index)


def test_the_cause_is_told_before_what_follows_from_it(eventful):
    """Entries are judged several at a time: what is wrong with one comes first all the same, in the order of the log."""
    eventful.server.end()
    (index, stored), *_ = eventful.sql("SELECT index, entry FROM entry WHERE number = %s ORDER BY index",
                                       eventful.whole.number)
    entry = m.LogEntry.FromString(bytes(stored))
    event = m.Event.FromString(entry.envelope.payload)
    event.occurred_at -= 1_000_000
    entry.envelope.payload = event.SerializeToString()
    changed = entry.SerializeToString()
    eventful.sql("UPDATE entry SET entry = %s, leaf = %s WHERE index = %s", changed,
                 hashlib.sha256(b"\0" + changed).digest(), index)
    # Of a later step of the same manifest, in the same group.
    eventful.sql("UPDATE entry SET accepted_at = accepted_at - 1 WHERE index = %s", index + 2)
    findings = audit(eventful.server)["findings"]
    assert (findings[0]["what"], findings[0]["entry"]) == ("entry.signature", str(index)), findings
    of_log = [int(f["entry"]) for f in findings if f["what"].partition(".")[0] in ("entry", "rule", "flag")]
    assert len(of_log) > 2 and of_log == sorted(of_log), findings


def test_each_reference_file_is_named_once(eventful):
    """Though what follows one that is refused is judged again."""
    eventful.server.end()
    eventful.sql("ALTER TABLE reference_file DROP CONSTRAINT reference_file_check; UPDATE reference_file SET content = 'x'")
    files = [f["entry"] for f in audit(eventful.server)["findings"] if f["table"] == "reference_file"]
    assert len(files) > 1 and files == sorted(set(files), key=int), files


@pytest.fixture
def damaged(eventful):
    """In several tables at once."""
    eventful.server.end()
    for statement, _ in EVERYWHERE:
        eventful.sql(statement.format(overdue=eventful.overdue.number))
    return eventful


def test_tables_are_told_of_in_their_order(damaged):
    """However many threads compare them."""
    one = audit(damaged.server, "--threads=1")
    assert found(one) == [what for _, what in EVERYWHERE]
    for _ in range(5):
        four = audit(damaged.server, "--threads=4")
        assert all(four[part] == one[part] for part in ("findings", "rows", "consequences")), four


def test_no_connection_to_spare(damaged):
    """One for the snapshot and two for the log: whoever would compare beside it does without, and the rest is done."""
    taken, = damaged.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'manifest_reader'")[0]
    damaged.sql(f"ALTER ROLE manifest_reader CONNECTION LIMIT {taken + 3}")
    try:
        assert found(audit(damaged.server, "--threads=4")) == [what for _, what in EVERYWHERE]
    finally:
        damaged.sql("ALTER ROLE manifest_reader CONNECTION LIMIT -1")


def test_a_deleted_tail_is_seen_by_whoever_kept_a_checkpoint(eventful, tmp_path):
    eventful.server.end()
    size = eventful.sql("SELECT max(size) FROM checkpoint")[0][0]
    note = tmp_path / "kept"
    note.write_text(eventful.sql("SELECT note FROM checkpoint WHERE size = %s", size)[0][0])
    assert audit(eventful.server, "--checkpoint", note)["holds"]
    eventful.sql("DELETE FROM entry WHERE index >= %s", size - 1)
    report = audit(eventful.server, "--checkpoint", note, "--high-water", eventful.server.folder / "high-water")
    assert ("head", "log_head", "size") in found(report)
    assert {"checkpoint", "high_water"} <= {w for w, _, _ in found(report)}


def test_what_cannot_be_read_is_no_finding(cluster):
    done = subprocess.run([MANIFEST, "log", "audit", "--database", "host=/nowhere dbname=x"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 3 and "PostgreSQL" in done.stderr


@pytest.mark.parametrize("statement, what", [
    ("DELETE FROM log_head", ("head", "log_head", "")),
    ("UPDATE log_head SET size = 1", ("head", "log_head", "size")),
])
def test_a_head_that_is_not_the_logs(eventful, statement, what):
    """It is one finding, with what to do; everything else is judged all the same."""
    eventful.server.end()
    eventful.sql(statement)
    report = audit(eventful.server)
    assert found(report) == [what] and int(report["entries"]) > 20
    assert what[2] or "log rebuild" in report["findings"][0]["en"]


def test_a_grace_of_nothing(make):
    """0 means 0: a deadline that has just passed, before the sweep has looked."""
    city = make.city(**{"sweep.interval": "1 h"})
    c = city.connect(city.generator)
    late = now() - 3 * DAY
    trail = city.trail(at=late)
    send(c, trail.issued(late), trail.loaded(late + HOUR))
    due = city.server.sql("SELECT due_at FROM manifest WHERE number = %s", trail.number)[0][0]
    head = city.server.sql("SELECT accepted_at FROM log_head")[0][0]
    city.server.end()
    age = (head - due) // 1_000_000
    assert age > 0
    assert found(audit(city.server, "--grace=0")) == [("flag.missing", "manifest", "")]
    assert audit(city.server, f"--grace={age + 1}")["holds"]


def test_no_findings_listed(eventful):
    eventful.server.end()
    eventful.sql("DELETE FROM evidence")
    report = audit(eventful.server, "--limit=0")
    assert report["findings"] == [] and int(report["more"]) == 1


@pytest.mark.parametrize("value", ["100 h", "0 s"])
def test_a_clock_that_was_changed(make, value):
    """Deadlines of loads that nobody touches are computed again behind the setting: right before, and right after."""
    city = make.city()
    c = city.connect(city.generator)
    trail = city.trail()
    send(c, trail.issued(), trail.loaded())
    row = "SELECT due_at, body FROM manifest WHERE number = %s"
    before = city.server.sql(row, trail.number)[0]
    city.enter("setting_changed", key="transit.grace", value=value, reason="大雪")
    until(lambda: city.server.sql(row, trail.number)[0] != before, "computed again")
    report = audit(city.server)
    assert report["holds"] and report["under_way"] == "0", report["findings"]
    city.server.end()
    after = city.server.sql(row, trail.number)[0]
    put = "UPDATE manifest SET due_at = %s, body = %s WHERE number = %s"
    city.server.sql(put, *before, trail.number)
    report = audit(city.server)
    assert report["holds"] and report["under_way"] == "1", report["findings"]
    city.server.sql(put, after[0] + 1, after[1], trail.number)
    assert found(audit(city.server)) == [("row.changed", "manifest", "due_at")]
