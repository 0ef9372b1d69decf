"""Evidence against tampering: whatever a superuser of the database or root in the files changes, somebody notices."""
import re
import tempfile
from pathlib import Path

import pytest
from conftest import Maker
from history import History
from tampering import CASES


@pytest.fixture(scope="module")
def history(cluster, tls, work):
    maker = Maker(cluster, tls, work)
    history = History(maker)
    for case in CASES:
        assert case.gain and (case.audit or case.start), case.name
    yield history
    maker.close()


@pytest.fixture
def copy(history, work):
    made = history.copy(Path(tempfile.mkdtemp(prefix="c", dir=work)) / "d")
    yield made
    made.close()
    history.cluster.sql("manifest", f"DROP DATABASE {made.database} WITH (FORCE)")


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
    AUDIT and audited(copy, case)


def test_nothing_is_wrong_with_a_copy(copy):
    """The control: nobody complains when nothing was changed."""
    assert copy.refuses_to_start() is None

    report = copy.audit("--high-water=high-water")
    assert (report["exit"], report["findings"]) == (0, [])
AUDIT = True
