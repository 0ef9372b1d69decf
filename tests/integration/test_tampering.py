"""Evidence against tampering: whatever a superuser of the database or root in the files changes, somebody notices."""
import re

import pytest
from tampering import CASES


def apply(copy, sql):
    """How many rows it changed must not be none."""
    copy.as_superuser(sql.format_map(copy.history.at))


def matches(found, expected, at):
    return all(not getattr(expected, part) or found.get(part) == getattr(expected, part).format_map(at)
               for part in ("what", "table", "key", "column", "entry"))


def audited(copy, case):
    """The audit finds what it must, with its place, and nothing beside it that is not a consequence."""
    at = copy.history.at
    report = copy.audit()
    assert report["exit"] == 1 and report["holds"] is False
    for expected in case.audit:
        assert [f for f in report["findings"] if matches(f, expected, at)], (expected, report["findings"])
    for f in report["findings"]:
        assert f["en"] and f["zh"]
        assert f["what"] in case.also or any(matches(f, e, at) for e in case.audit), f


def test_each_case_says_what_is_gained_and_who_notices():
    assert [case.name for case in CASES if not case.gain or not (case.audit or case.start)] == []


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_by_hand(copy, case):
    before = copy.fingerprint()
    apply(copy, case.sql)
    assert copy.fingerprint() != before, "the case changes something"
    said = copy.refuses_to_start()
    if case.start is None:
        assert said is None
    else:
        assert said and re.search(case.start, said), said
    audited(copy, case)


def test_nothing_is_wrong_with_a_copy(copy):
    """The control: nobody complains when nothing was changed."""
    assert copy.refuses_to_start() is None

    report = copy.audit("--high-water=high-water")
    assert (report["exit"], report["findings"]) == (0, [])


# How a value of each type becomes another one.
OTHER = {"bigint": "coalesce({c}, 0) + 1", "integer": "coalesce({c}, 0) + 1", "smallint": "({c} + 1)::smallint",
         "text": "{c} || 'x'", "boolean": "NOT {c}", "ARRAY": "{c} || {c}[1]",
         "bytea": "coalesce(set_byte({c}, octet_length({c}) / 2, get_byte({c}, octet_length({c}) / 2) # 1), '\\x00')"}

# What the log does not say, and why it need not.
NOT_OF_THE_LOG = {
    "log_head": {"single", "epoch"},  # which server writes
    "manifest": {"look_at"},  # any moment up to due_at will do: a later one is a case of the table above
    "reference_file": {"sha256"},  # read by migrate alone, which loads nothing over a file that differs
    "person_secret": {"person", "salt", "value"},  # may be erased; `manifestd person show` compares it
    "cosigned_checkpoint": {"size", "note"},  # empty without witnesses
    "unfinished_rebuild": {"single", "begun_at"},  # empty, or it is a finding
    "schema_migration": {"number", "name", "sha256", "applied_at"},  # migrate compares them
}


def columns_of(copy):
    return copy.sql("SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_class c JOIN pg_attribute a ON "
                    "a.attrelid = c.oid WHERE relnamespace = 'manifest'::regnamespace AND relkind IN ('r', 'p') AND NOT "
                    "relispartition AND attnum > 0 AND NOT attisdropped ORDER BY 1, attnum")


def unbound(copy):
    """No constraint forbids any value."""
    for table, name in copy.sql("SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c' AND "
                                "connamespace = 'manifest'::regnamespace AND conislocal AND coninhcount = 0"):
        copy.sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def found_when(copy, table, change):
    """The tables of which the audit says something after the change, which is then undone."""
    copy.sql(f"SET session_replication_role = replica; CREATE TABLE kept AS SELECT * FROM {table}; {change}")
    findings = copy.audit()["findings"]
    copy.sql(f"SET session_replication_role = replica; DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept; "
             "DROP TABLE kept")
    return {f["table"] for f in findings}


@pytest.mark.slow
def test_every_column_and_every_row(copy):
    """Also what no case above thought of: each column of each table, changed in one row, and one row of each deleted."""
    unbound(copy)
    columns = columns_of(copy)
    checked = [c for c in columns if c[1] not in NOT_OF_THE_LOG.get(c[0], ())]
    assert len(checked) > 100
    assert {(t, c) for t, columns_left_out in NOT_OF_THE_LOG.items() for c in columns_left_out} <= {c[:2] for c in columns}
    one = "WHERE ctid = (SELECT max(ctid) FROM {})"
    for table, column, kind in checked:
        other = OTHER["ARRAY" if kind.endswith("[]") else kind].format(c=column)
        said = found_when(copy, table, f"UPDATE {table} SET {column} = {other} " + one.format(table))
        assert said & {table, "entry"}, (table, column)
    left_out = {"checkpoint", "log_head"}  # of the first, those the log states are a case above
    for table in sorted({c[0] for c in checked} - left_out):
        assert found_when(copy, table, f"DELETE FROM {table} " + one.format(table)) & {table, "entry", "log_head"}, table
    assert copy.audit()["findings"] == []


def test_the_head_row_is_deleted(copy):
    """Nothing starts as if there had never been a log; the audit names what is missing, and what to do."""
    copy.as_superuser("DELETE FROM log_head")
    assert "the head row is missing" in copy.refuses_to_start()
    finding, = copy.audit()["findings"]
    assert finding["what"] == "head" and "the head row is missing" in finding["en"] and "log rebuild" in finding["en"]
