"""A database that answers an audit in one way and an inspector in another: nothing in the rows is wrong, but what stands
before them. Each case first shows that the inspectors are deceived, then that the audit is not."""
import pytest
from manifest_client import Connection
from questions import flags
from server import until

# True when the audit asks, which reads in one snapshot, and false when the server does.
AUDIT = "current_setting('transaction_isolation') = 'repeatable read'"

VIEW = ("ALTER TABLE flag RENAME TO flag_kept; CREATE VIEW {schema}.flag AS SELECT * FROM flag_kept WHERE " + AUDIT +
        " OR flag <> {flag}; GRANT SELECT ON {schema}.flag TO manifest_reader; ")

# What stands before the rows; the key of the finding that names it.
DISGUISES = {
    "a view in a table's place": (VIEW.replace("{schema}", "manifest"), "flag"),
    "a policy whose condition may change": (
        "CREATE FUNCTION seen(flag bigint) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT " + AUDIT + " OR $1 <> {flag} $$; "
        "ALTER TABLE flag ENABLE ROW LEVEL SECURITY; CREATE POLICY seen ON flag USING (seen(flag)); ALTER TABLE flag DISABLE ROW LEVEL SECURITY",
        "flag.seen"),
    "a function answers for a table": (
        "CREATE OR REPLACE FUNCTION manifest_trail(of bigint) RETURNS TABLE (index bigint, \"position\" integer) LANGUAGE sql "
        "STABLE AS $$ SELECT index, 0 FROM entry WHERE number = $1 AND false $$", "manifest_trail"),
    "a trigger waits for a row": (
        "CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; "
        "CREATE TRIGGER never BEFORE INSERT ON flag FOR EACH ROW WHEN (NEW.kind = 3) EXECUTE FUNCTION never()",
        "flag.never"),
    "a rule waits for a row": ("CREATE RULE never AS ON INSERT TO flag DO INSTEAD NOTHING", "flag.never"),
    "an operator of one's own": (
        "CREATE FUNCTION never(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false'; "
        "CREATE OPERATOR <> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = never)", "<>"),
}


def put(copy, sql):
    copy.as_superuser(sql.replace("{flag}", str(copy.history.at["overdue_flag"])))


def shown(copy):
    """Does an inspector see the flag?"""
    copy.start()
    with Connection(copy.address, copy.tls / "ca.crt", copy.history.inspector_device()) as c:
        seen = copy.history.at["overdue_flag"] in [f.flag for f in flags(c)]
    assert copy.end() == 0
    return seen


@pytest.mark.parametrize("name", DISGUISES)
def test_what_stands_before_the_rows_is_named(copy, name):
    sql, key = DISGUISES[name]
    put(copy, sql)
    report = copy.audit()
    assert [f for f in report["findings"] if (f["what"], f["key"]) == ("schema.changed", key)], report
    assert report["exit"] == 1


def test_an_inspector_is_deceived_by_a_view(copy):
    """So that the cases above are about something."""
    assert shown(copy) is True
    put(copy, VIEW.replace("{schema}", "manifest"))
    assert shown(copy) is False


def test_rows_are_not_hidden_from_a_role(copy):
    """A policy of row security: neither the audit nor the server takes the rest for the whole."""
    put(copy, "ALTER TABLE flag ENABLE ROW LEVEL SECURITY; CREATE POLICY seen ON flag USING (" + AUDIT + " OR flag <> {flag})")
    copy.start(ready=False)
    until(lambda: [ln for ln in copy.lines() if "row-level security" in ln.fields.get("detail", "")], "told why")
    copy.end()
    done = copy.manifest("log", "audit", f"--database={copy.cluster.conninfo(copy.database)}")
    assert done.returncode == 3 and "row-level security" in done.stdout + done.stderr


def test_the_names_of_tables_lead_nowhere_else(copy):
    """Neither a search path of the database's nor a function that is found before PostgreSQL's own."""
    put(copy, "CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO manifest_reader, manifest_writer; " +
        VIEW.replace("{schema}", "evil") +
        "ALTER TABLE flag_kept RENAME TO flag; CREATE OR REPLACE VIEW evil.flag AS SELECT * FROM manifest.flag WHERE " + AUDIT +
        " OR flag <> {flag}; CREATE FUNCTION evil.set_config(name text, value text, here boolean) RETURNS text LANGUAGE sql AS "
        "$$ SELECT pg_catalog.set_config(name, CASE name WHEN 'search_path' THEN 'evil, manifest, pg_catalog' ELSE value END, here) $$; "
        f"ALTER DATABASE {copy.database} SET search_path = evil, pg_catalog")
    assert shown(copy) is True
