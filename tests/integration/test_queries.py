"""Queries: who sees what, every filter, pages that end, and answers that are checked like receipts."""
import manifest_pb2 as m
import pytest
from city import LATER_PLATE, PLATE, City
from manifest_client import Refused, event, party
from manifest_client.device import now
from questions import flags, state

ROLES_ALL = ("generator", "transporter", "facility", "registrar", "inspector", "auditor")


class Two:
    """Two groups of parties in two districts, one manifest of each, both flagged; and a third party of each role."""

    def __init__(self, city):
        self.city = city
        self.generator = city.enrol("generator", 101, "210106")
        self.facility = city.enrol("facility", 104, "210106")
        self.inspector = city.enrol("inspector", 105, "210106")
        self.whole = city.enrol("inspector", 106, "210100")
        self.auditor = city.enrol("auditor", 107)
        city.enter("permit_granted", permit=dict(
            number="SY-0104", facility=self.facility.party, waste_codes=["HW08"], methods=["R9"], grams_per_year=10**12,
            valid_from=1, valid_until=now() + 10**15))
        city.office.settle([])
        self.near = self.flagged(city.trail())
        city.grant(self.generator)
        self.far = self.flagged(city.trail(generator=self.generator, facility=self.facility, transporter=city.later,
                                           plate=LATER_PLATE, permit="SY-0104"))

    def flagged(self, trail):
        self.city.office.submit(trail.issued()[0])
        self.city.office.sign_and_submit(event("cancelled", number=trail.number, reason="x"), [trail.generator])
        self.city.office.submit(trail.loaded()[0])
        return trail

    def device(self, role):
        return {"registrar": self.city.registrar, "inspector": self.inspector, "auditor": self.auditor}.get(
            role, getattr(self.city, role, None))


@pytest.fixture(scope="module")
def two(city):
    return Two(city)


def seen(connection, two):
    """Which of the two manifests the asking key sees, and of which it sees the flag."""
    numbers = [two.near.number, two.far.number]
    by_search = {s.number for s in connection.query(search={"numbers": numbers})}
    by_flags = {f.number for f in flags(connection)} & set(numbers)
    by_trail = set()
    for number in numbers:
        try:
            if connection.entries(trail={"number": number}):
                by_trail.add(number)
        except Refused as e:
            assert e.kind == "NOT_FOUND"
    assert by_search == by_trail
    return tuple([name for name, t in (("near", two.near), ("far", two.far)) if t.number in found]
                 for found in (by_search, by_flags))


def test_scopes(city, two):
    """The flag (cancelled, and loaded all the same) concerns generator and transporter, and not the facility."""
    near, far, both = ["near"], ["far"], ["near", "far"]
    for device, manifests, flagged in (
            (city.generator, near, near), (city.transporter, near, near), (city.facility, near, []),
            (two.generator, far, far), (city.later, far, far), (two.facility, far, []), (two.inspector, far, far),
            (two.whole, both, both), (two.auditor, both, both), (city.registrar, both, both)):
        with city.connect(device) as connection:
            assert seen(connection, two) == (manifests, flagged), m.Role.Name(device.role)


ALLOWED = {
    "flags": ROLES_ALL, "trail": ROLES_ALL, "search": ROLES_ALL, "summary": ROLES_ALL, "checkpoint": ROLES_ALL,
    "entry": ROLES_ALL, "blocks": ("generator",), "token": ROLES_ALL, "watch": ("inspector", "registrar"),
}


@pytest.mark.parametrize("role", ROLES_ALL)
def test_the_table_of_roles(city, two, role):
    """proto/README.md, section 6, cell by cell."""
    assert set(ALLOWED) == {f.name for f in m.Query.DESCRIPTOR.fields}
    own = two.device(role)
    asked = {"trail": {"number": two.near.number if role != "inspector" else two.far.number},
             "summary": {"party": own.party or city.generator.party}, "token": {"seconds": 60}}
    with city.connect(own) as connection:
        for kind, roles in ALLOWED.items():
            if role in roles:
                connection.query(**{kind: asked.get(kind, {})})
            else:
                with pytest.raises(Refused) as e:
                    connection.query(**{kind: asked.get(kind, {})})
                assert e.value.kind == "FORBIDDEN"


def test_what_was_imported_is_shown_to_its_party(city, two):
    """An imported record concerns no manifest: the importing party's keys still get it, also those that did not sign it."""
    with city.connect(two.generator) as connection:
        receipt = connection.sign_and_submit(event("imported", scheme="x", foreign_number="1", record=1,
                                                   source_sha256=bytes(range(32)), lines=[dict(line=1, name="x")]))
    second = city.key_for("generator", two.generator.party)
    for device, shown in (two.generator, True), (second, True), (two.auditor, True), (city.generator, False), (
            two.inspector, False):
        with city.connect(device) as connection:
            if shown:
                found, = connection.entries(entry={"index": receipt.index})
                assert found.entry == receipt.entry
            else:
                with pytest.raises(Refused) as e:
                    connection.query(entry={"index": receipt.index})
                assert e.value.kind == "NOT_FOUND"


def test_pages_end_and_never_repeat(city):
    """Flags raised while paging do not shift the pages, and beyond the last page there is nothing."""
    connection = city.connect(city.generator)
    numbers = []
    for _ in range(11):
        t = city_trail(city)
        connection.submit(t.issued()[0])
        numbers.append(t.number)
    found, after, pages = [], 0, 0
    while True:
        found += [s.number for s in connection.query(search={"numbers": numbers, "limit": 3, "after": after})]
        if pages == 1:
            connection.submit(city_trail(city).issued()[0])
        after, pages = connection.next, pages + 1
        if after == 0:
            break
        assert pages < 10
    assert found == sorted(numbers, reverse=True)
    assert connection.query(search={"numbers": numbers, "after": 1}) == [] and connection.next == 0


def city_trail(city):
    """A trail of the city's first generator, whatever other blocks were granted since."""
    if not hasattr(city, "own"):
        city.grant(city.generator)
        city.own = True
    return city.trail()


def test_flags_page_by_page(city, two):
    connection = city.connect(two.auditor)
    everything = flags(connection)
    one_by_one, after = [], 0
    while True:
        page = connection.query(flags={"limit": 1, "after": after})
        assert len(page) <= 1
        one_by_one += page
        after = connection.next
        if after == 0:
            break
        assert len(one_by_one) <= len(everything)
    assert one_by_one == everything == sorted(everything, key=lambda f: -f.flag) and len(everything) >= 2


def test_filters_of_flags(city, two):
    c = city.connect(two.auditor)
    far, = [f for f in flags(c) if f.number == two.far.number]
    near, = [f for f in flags(c) if f.number == two.near.number]
    assert flags(c, kinds=[m.FLAG_KIND_FORK]) == []
    assert far in flags(c, kinds=[m.FLAG_KIND_FORK, m.FLAG_KIND_CANCELLED_LOADED])
    assert [f.number for f in flags(c, party=two.generator.party)] == [two.far.number]
    assert far in flags(c, division="210106") and near not in flags(c, division="210106")
    assert near in flags(c, division="210100") and far in flags(c, division="210100")
    assert far not in flags(c, until=far.raised_at) and far in flags(c, until=far.raised_at + 1)
    assert far in flags(c, **{"from": far.raised_at}) and far not in flags(c, **{"from": far.raised_at + 1})
    inspector = two.inspector
    c.sign_and_submit(event("flag_resolved", flag=far.flag, resolution=1, reason="查明"), [inspector])
    assert far.number not in [f.number for f in flags(c, open_only=True)]
    assert near.number in [f.number for f in flags(c, open_only=True)]


@pytest.mark.parametrize("filters, near, far", [
    (dict(plate=PLATE), True, False), (dict(plate=LATER_PLATE), False, True), (dict(plate="京A00000"), False, False),
    (dict(waste_code="900-249-08"), True, True), (dict(waste_code="900-041-49"), False, False),
    (dict(state=m.MANIFEST_STATE_IN_TRANSIT), True, True), (dict(state=m.MANIFEST_STATE_CLOSED), False, False),
    (dict(party=party(104)), False, True), (dict(until=1), False, False), ({"from": 1}, True, True),
])
def test_filters_of_search(city, two, filters, near, far):
    found = {s.number for s in city.connect(two.auditor).query(search=filters)}
    assert (two.near.number in found, two.far.number in found) == (near, far)


def test_summary_and_blocks(make):
    city = make.city()
    c = city.connect(city.generator)
    for t in (city.trail(), city.trail()):
        for envelope in t.whole_life()[:3 if t.number.endswith("2") else 5]:
            c.submit(envelope)
    own, = c.query(summary={"party": city.generator.party})
    assert own.party.ref == city.generator.party and own.shipped_grams == 2_000_000
    assert {(s.state, s.count) for s in own.manifests} == {(m.MANIFEST_STATE_DELIVERED, 1), (m.MANIFEST_STATE_CLOSED, 1)}
    facility, = city.connect(city.facility).query(summary={"party": city.facility.party})
    assert (facility.received_grams, facility.treated_grams, facility.stock_grams) == (1_000_000, 1_000_000, 0)
    with pytest.raises(Refused) as e:
        c.query(summary={"party": city.facility.party})
    assert e.value.kind in ("FORBIDDEN", "NOT_FOUND")
    block = [b for b in c.query(blocks={}) if b.first[:4] == City.this_year()][0]
    assert (block.used, block.next) == (2, f"{block.first[:8]}000003")


def test_a_trail_longer_than_a_frame(city, two):
    """Pages are cut by bytes: many entries arrive in as many frames as they need."""
    c = city.connect(city.generator)
    t = city_trail(city)
    c.submit(t.issued(emergency="急" * 300)[0])
    for _ in range(3):
        t.transporter, t.later = city.transporter, city.later
    c.submit(t.loaded()[0])
    for _ in range(12):
        c.submit(t.handed_over()[0])
    found = c.entries(trail={"number": t.number})
    assert len(found) == 14 and found[-1].event_id() == t.head == state(c, t.number).head


@pytest.mark.parametrize("query, path", [
    (dict(flags={"limit": 501}), "limit"), (dict(search={"numbers": ["1"]}), "numbers"),
    (dict(token={"seconds": 59}), "seconds"), (dict(trail={"number": ""}), "number"), (dict(search={"state": 99}), "state"),
    (dict(flags={"division": "21"}), "division"), ({}, ""),
])
def test_queries_that_cannot_be(city, query, path):
    """What cannot be read is refused field by field; the connection goes on."""
    connection = city.connect(city.registrar)
    with pytest.raises(Refused) as e:
        connection.query(**query)
    assert any(path in p.path for p in e.value.problems) and all(p.zh and p.en for p in e.value.problems)
    connection.query(flags={"limit": 1})


def test_nothing_there(city):
    with pytest.raises(Refused) as e:
        city.office.entries(trail={"number": "20262101999999"})
    assert e.value.kind == "NOT_FOUND"
    with pytest.raises(Refused) as e:
        city.office.entries(entry={"index": 10**12})
    assert e.value.kind == "NOT_FOUND"
    assert city.office.query(search={"numbers": ["20262101999999"]}) == []
