"""The table of what is tampered with in test_tampering: by hand in the database, by a superuser whom nothing binds."""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Found:
    """One finding of `manifest log audit`; what is empty may be anything."""
    what: str
    table: str = ""
    key: str = ""
    column: str = ""
    entry: str = ""


@dataclass(frozen=True)
class Case:
    """`gain`: what an operator would have of it. `sql` runs with every trigger and constraint off; names in braces are
    places of the history. Then who notices: `audit` must find these and name nothing else but `also`; `start` is what the
    server says that does not start; None: it starts, since what it judges by is whole."""
    name: str
    gain: str
    sql: str
    audit: tuple = ()
    start: str = None
    also: tuple = field(default=())


def changed(table, key, column, **more):
    return (Found("row.changed", table, key, column, **more),)


def missing(table, key, **more):
    return (Found("row.missing", table, key, **more),)


def unexplained(table, key, **more):
    return (Found("row.unexplained", table, key, **more),)


# The one bit is of a signature: the entry can still be read.
FLIP = "set_byte(entry, octet_length(entry) - 90, get_byte(entry, octet_length(entry) - 90) # 1)"
RECOMPUTE = "UPDATE entry SET leaf = sha256('\\x00'::bytea || entry) WHERE index = {0}; "

# Whoever saw the tree as it was says so in what was signed later; and later steps do not fit any more.
LATER = ("flag.missing", "rule", "checkpoint", "tree.tile", "tree.root", "row.changed", "row.missing", "row.unexplained")

ENTRIES = [
    Case("an entry's bytes, below a full tile", "another weight, another party: what was signed says something else",
         "UPDATE entry SET entry = " + FLIP + " WHERE index = {issued}; " + RECOMPUTE.format("{issued}"),
         (Found("entry.signature", entry="{issued}"), Found("checkpoint", entry="{issued}")), also=LATER),
    Case("an entry's bytes, its leaf left as it was", "the same, and the tree's hashes still fit each other",
         "UPDATE entry SET entry = " + FLIP + " WHERE index = {issued}",
         (Found("entry.bytes", entry="{issued}"),), also=("entry.signature",)),
    Case("an entry's bytes, at the tree's right edge", "the same, for what has just come in",
         "UPDATE entry SET entry = " + FLIP + " WHERE index = {late_issued}; " + RECOMPUTE.format("{late_issued}"),
         (Found("entry.signature", entry="{late_issued}"), Found("checkpoint", entry="{late_issued}")),
         "root of the stored tree is not the root of the log's head", also=LATER),
    Case("accepted_at, in its column alone", "a step that came too late was in time",
         "UPDATE entry SET accepted_at = accepted_at - 86400000000 WHERE index = {treated}",
         (Found("entry.time", "entry", "{treated}", "accepted_at"),)),
    Case("which manifest an entry is about", "a step is shown with another manifest",
         "UPDATE entry SET number = {transit} WHERE index = {treated}", changed("entry", "{treated}", "number")),
    Case("which kind an entry is", "a step is shown as another",
         "UPDATE entry SET kind = 41 WHERE index = {treated}", changed("entry", "{treated}", "kind")),
    Case("two entries change places", "who was first",
         "UPDATE entry SET index = 4000000 WHERE index = {treated}; "
         "UPDATE entry SET index = {treated} WHERE index = {treated} + 1; "
         "UPDATE entry SET index = {treated} + 1 WHERE index = 4000000",
         (Found("checkpoint", entry="{treated}"), Found("entry.time", entry="{treated1}")), also=LATER),
    Case("an entry is deleted in the middle", "a step that never was",
         "DELETE FROM entry WHERE index = {treated}", (Found("entry.gap", entry="{treated}"),), also=LATER),
    Case("an entry is deleted at the right edge", "a step that never was",
         "DELETE FROM entry WHERE index = {late_treated}", (Found("entry.gap", entry="{late_treated}"),),
         "hashes of level 0 from 256 on 69 are stored: restore", also=LATER),
    Case("an entry is there twice", "whoever looks finds the one or the other",
         "ALTER TABLE entry DROP CONSTRAINT entry_pkey; INSERT INTO entry SELECT * FROM entry WHERE index = {treated}",
         (Found("entry.order", "entry", "{treated}"),), also=(*LATER, "schema", "head")),
    Case("the last entry is deleted", "the last step that never was",
         "DELETE FROM entry WHERE index = {size} - 1",
         (Found("head", "log_head", column="size"), Found("head", "log_head", column="accepted_at")), "the head counts",
         also=LATER),
]

HEAD = [
    Case("the head's size", "the next entry takes the last one's place",
         "UPDATE log_head SET size = size - 1", (Found("head", "log_head", column="size"),), "the head counts"),
    Case("the head's root", "another history is signed from now on",
         "UPDATE log_head SET root = sha256('x')", (Found("tree.root", "log_head", column="root"),),
         "root of the stored tree is not the root of the log's head"),
    Case("the head's accepted_at", "the next entries are dated before those that are there",
         "UPDATE log_head SET accepted_at = accepted_at - 3600000000", (Found("head", "log_head", column="accepted_at"),),
         "the head counts"),
    Case("a hash in a tile", "an entry can be changed, and its proof fits",
         "UPDATE tile SET hashes = set_byte(hashes, 32 * {issued}, get_byte(hashes, 32 * {issued}) # 1)",
         (Found("tree.tile", "tile"),), "or the tree's hashes beside it were changed"),
    Case("a tile's root", "the tree above does not hang on the one below",
         "UPDATE tile SET root = sha256('x')", (Found("tree.tile", "tile"),), "root of the stored tree is not the root"),
    Case("a tile is deleted", "nobody can prove an old entry any more",
         "DELETE FROM tile", missing("tile", "0,0"), "hashes of level 1 from 0 on 0 are stored: restore"),
    Case("a tile of entries that are not there", "room for a history to come",
         "INSERT INTO tile SELECT 7, level, hashes, root FROM tile", unexplained("tile", "0,7")),
    Case("a signature of a stored checkpoint", "the log's own word from that time cannot be shown",
         "UPDATE checkpoint SET note = overlay(note PLACING 'AAAA' FROM length(note) - 20) WHERE size = {some_checkpoint}",
         changed("checkpoint", "{some_checkpoint}", "note")),
    Case("a stored checkpoint is deleted", "nobody remembers what was signed then",
         "DELETE FROM checkpoint WHERE size = {seen_checkpoint}",
         missing("checkpoint", "{seen_checkpoint}", entry="{quantity_flag}")),
    Case("a running number is removed", "an event that was accepted is taken once more",
         "DELETE FROM running_number WHERE index = {treated}", missing("running_number", "")),
    Case("a running number leads elsewhere", "who sends an event again is shown another",
         "UPDATE running_number SET index = {issued} WHERE index = {treated}", changed("running_number", "", "index")),
    Case("a revocation is left out of the registry's list", "a key that was revoked is trusted again from the next start",
         "DELETE FROM registry_entry WHERE index = {revoked}", missing("registry_entry", "{revoked}")),
    Case("an entry is slipped into the registry's list", "what is no registry event is applied to it",
         "INSERT INTO registry_entry VALUES ({issued})", unexplained("registry_entry", "{issued}")),
]

MANIFESTS = [
    Case("a manifest's state", "a load that never arrived is shown as treated",
         "UPDATE manifest SET state = 9 WHERE number = {transit}", changed("manifest", "{transit}", "state")),
    Case("what was shipped", "less left the generator than was signed for",
         "UPDATE manifest SET shipped_grams = shipped_grams - 1000 WHERE number = {closed}",
         changed("manifest", "{closed}", "shipped_grams")),
    Case("what was accepted", "more stands in the facility's sum than came",
         "UPDATE manifest SET accepted_grams = accepted_grams + 1000 WHERE number = {closed}",
         changed("manifest", "{closed}", "accepted_grams")),
    Case("what was treated", "what lies in the yard is treated on paper",
         "UPDATE manifest SET treated_grams = treated_grams + 1 WHERE number = {transit}",
         changed("manifest", "{transit}", "treated_grams")),
    Case("a deadline is moved", "the load is not yet overdue, for a month more",
         "UPDATE manifest SET due_at = due_at + 2592000000000, look_at = look_at + 2592000000000 WHERE number = {transit}",
         changed("manifest", "{transit}", "due_at"), also=("row.changed",)),
    Case("a deadline is removed", "the load is never overdue",
         "UPDATE manifest SET due_at = NULL, look_at = NULL WHERE number = {transit}",
         changed("manifest", "{transit}", "due_at"), also=("row.changed",)),
    Case("when the sweep looks", "the deadline stands, and the sweep never comes to it",
         "UPDATE manifest SET look_at = due_at + 2592000000000 WHERE number = {transit}",
         changed("manifest", "{transit}", "look_at")),
    Case("a manifest's trail", "one step is not shown",
         "UPDATE manifest SET trail = substring(trail FROM 1 FOR octet_length(trail) - 8) WHERE number = {closed}",
         changed("manifest", "{closed}", "trail")),
    Case("what the next step is judged by", "a load that was refused may go on",
         "UPDATE manifest SET body = (SELECT body FROM manifest WHERE number = {closed}) WHERE number = {late}",
         changed("manifest", "{late}", "body")),
    Case("whose district it is", "the inspector of the district does not see it",
         "UPDATE manifest SET division_generator = '210106' WHERE number = {transit}",
         changed("manifest", "{transit}", "division_generator")),
    Case("who generated it", "another company's load",
         "UPDATE manifest SET generator = facility WHERE number = {transit}",
         changed("manifest", "{transit}", "generator")),
    Case("when it was last heard of", "it seems younger",
         "UPDATE manifest SET changed_at = changed_at + 1 WHERE number = {overdue}",
         changed("manifest", "{overdue}", "changed_at")),
    Case("a manifest is deleted", "the load never was",
         "DELETE FROM manifest WHERE number = {overdue}", missing("manifest", "{overdue}")),
    Case("a manifest is invented", "a load that nobody signed for covers one that is gone",
         "CREATE TEMPORARY TABLE one AS SELECT * FROM manifest WHERE number = {closed}; UPDATE one SET number = number + 900; "
         "INSERT INTO manifest SELECT * FROM one", unexplained("manifest", "{invented}")),
    Case("a manifest cannot be found", "a search by its parties does not show it",
         "DELETE FROM manifest_term WHERE number = {closed}", missing("manifest_term", "")),
    Case("a manifest is found by another plate", "the vehicle's history is another's",
         "UPDATE manifest_term SET plate = '辽A00001' WHERE number = {closed} AND plate IS NOT NULL",
         missing("manifest_term", ""), also=("row.unexplained",)),
    Case("a number is not given up after all", "a number that was reported as spoilt is used",
         "DELETE FROM voided_number WHERE number = {voided}", missing("voided_number", "{voided}")),
]

FLAGS = [
    Case("a flag is deleted", "no inspector sees that the load is overdue",
         "DELETE FROM flag WHERE flag = {overdue_flag}; DELETE FROM flag_party WHERE flag = {overdue_flag}",
         missing("flag", "{overdue_flag}"), also=("row.missing",)),
    Case("a flag is closed by hand", "the difference in weight is explained, by nobody",
         "UPDATE flag SET closed_at = raised_at + 1, closed_by = {treated}, resolution = '已核查' WHERE flag = {quantity_flag}",
         changed("flag", "{quantity_flag}", "closed_at"), also=("row.changed",)),
    Case("a flag is opened again", "a company is pursued for what was cleared",
         "UPDATE flag SET closed_at = NULL, closed_by = NULL WHERE flag = {cleared_flag}",
         changed("flag", "{cleared_flag}", "closed_at")),
    Case("a flag's kind", "a fork is shown as a clock that was wrong",
         "UPDATE flag SET kind = 13 WHERE flag = {fork_flag}", changed("flag", "{fork_flag}", "kind")),
    Case("a flag's parties", "another company stands in it",
         "UPDATE flag SET parties = parties[2:] WHERE flag = {quantity_flag}",
         changed("flag", "{quantity_flag}", "parties")),
    Case("when a flag was raised", "it was noticed in time",
         "UPDATE flag SET raised_at = raised_at - 86400000000 WHERE flag = {overdue_flag}",
         changed("flag", "{overdue_flag}", "raised_at")),
    Case("what a flag says", "300 kg less are 30",
         "UPDATE flag SET detail = 'x' WHERE flag = {quantity_flag}", changed("flag", "{quantity_flag}", "detail")),
    Case("what an inspector wrote", "the reason is a better one",
         "UPDATE flag SET resolution = '无异常' WHERE flag = {attested_flag}",
         changed("flag", "{attested_flag}", "resolution")),
    Case("a flag is invented", "a rival's load is suspicious",
         "CREATE TEMPORARY TABLE one AS SELECT * FROM flag WHERE flag = {quantity_flag}; UPDATE one SET flag = {issued}; "
         "INSERT INTO flag SELECT * FROM one", unexplained("flag", "{issued}")),
    Case("a flag does not lead to a party", "the company's list of flags is clean",
         "DELETE FROM flag_party WHERE flag = {quantity_flag} AND party = (SELECT parties[1] FROM flag "
         "WHERE flag = {quantity_flag})",
         missing("flag_party", "")),
    Case("an evidence row is erased", "the flag stays, and what it rests on is gone",
         "DELETE FROM evidence WHERE flag = {fork_flag}", missing("evidence", "", entry="{fork_flag}")),
    Case("an evidence row is replaced", "the rival event says something harmless",
         "UPDATE evidence SET envelope = set_byte(envelope, 60, get_byte(envelope, 60) # 1) WHERE flag = {fork_flag}",
         changed("evidence", "{fork},{fork_flag}", ""), also=("row.unexplained",)),
]

REGISTRY = [
    Case("a party's key", "the operator signs as a company, and shows the key",
         "UPDATE device_key SET public_key = sha256('x') WHERE keyid = '\\x{lost_key}'",
         changed("device_key", "", "public_key")),
    Case("a revocation is undone", "what a stolen device signed was good",
         "UPDATE device_key SET revoked_from = NULL WHERE keyid = '\\x{lost_key}'",
         changed("device_key", "", "revoked_from")),
    Case("a key is another party's", "a step was signed by somebody else",
         "UPDATE device_key SET party = 1 WHERE keyid = '\\x{lost_key}'", changed("device_key", "", "party")),
    Case("a permit is prolonged", "the facility was allowed to take it",
         "UPDATE permit SET valid_until = valid_until + 31536000000000 WHERE number = 'SY-0002'",
         changed("permit", "SY-0002", "valid_until")),
    Case("a permit's codes are widened", "the facility was allowed to take that too",
         "UPDATE permit SET waste_codes = waste_codes || ARRAY['HW29'] WHERE number = 'SY-0002'",
         changed("permit", "SY-0002", "waste_codes")),
    Case("a permit is invented", "a facility without one has one",
         "CREATE TEMPORARY TABLE one AS SELECT * FROM permit WHERE number = 'SY-0002'; UPDATE one SET number = 'SY-0003'; "
         "INSERT INTO permit SELECT * FROM one", unexplained("permit", "SY-0003")),
    Case("a party's name", "a company that did not do it",
         "UPDATE party SET name = '沈阳某某有限公司' WHERE no = 2", changed("party", "", "name")),
    Case("a vehicle's capacity", "the load was not too heavy for it",
         "UPDATE vehicle SET capacity_grams = capacity_grams * 2 WHERE plate = '辽A12345'",
         changed("vehicle", "辽A12345", "capacity_grams")),
    Case("a person's hash", "the driver was another",
         "UPDATE person SET digest = sha256('x') WHERE person = 'D-0007'", changed("person", "D-0007", "digest")),
    Case("a setting", "the time to bring a refused load back is longer",
         "UPDATE setting SET value = '200' WHERE key = 'return.days'", changed("setting", "return.days", "value")),
    Case("a number block", "numbers that were never granted are the company's",
         "UPDATE number_block SET last = last + 1000 WHERE first = (SELECT max(first) FROM number_block)",
         changed("number_block", "", "last")),
    Case("a number block is deleted", "numbers that were granted are not the company's",
         "DELETE FROM number_block WHERE first = (SELECT max(first) FROM number_block)", missing("number_block", "")),
    Case("a reference file", "a waste that is on the list is not",
         "UPDATE reference_file SET content = convert_to(replace(convert_from(content, 'UTF8'), '900-249-08', '900-299-08'), "
         "'UTF8') WHERE kind = 1; UPDATE reference_file SET sha256 = sha256(content)",
         (Found("rule", "entry", entry="{codes_loaded}"),), "another file: restore the database",
         also=(*LATER, "entry.signature", "flag.unexplained")),  # nothing that it would have let in is
]

CASES = ENTRIES + HEAD + MANIFESTS + FLAGS + REGISTRY
