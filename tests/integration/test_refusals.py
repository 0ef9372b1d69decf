"""Refusals say everything that is wrong, at once, in two languages; and what is refused leaves nothing behind."""
import re
import time

import manifest_pb2 as m
import pytest
from city import SECOND
from manifest_client import Device, Key, ROLES, Refused, event, party, seal
from manifest_client.device import sign
from manifest_client.trail import quantity
from server import until


@pytest.fixture
def generator(city):
    return city.connect(city.generator)


def refused(connection, envelope):
    """The refusal; every one of them is complete, whatever it is for."""
    with pytest.raises(Refused) as e:
        connection.submit(envelope)
    refusal = e.value
    assert refusal.problems
    for p in refusal.problems:
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)*", p.rule)
        assert re.search("[\u4e00-\u9fff]", p.zh) and p.en.isascii() and p.en.endswith(".")
        assert p.source.isascii() and re.search("[\u4e00-\u9fff]", p.source_zh)
    return refusal


def where(refusal):
    return sorted((p.path, p.rule) for p in refusal.problems)


def test_every_problem_at_once(city, generator):
    t = city.trail()
    t.number = "20012102000000"
    envelope, _ = t.issued(
        generator=m.PartyRef(credit_code="912101000000000018", site=1), plate="京A00000", edition="1998",
        lines=[dict(t.lines[0], code="999-999-99", method="Z1"), dict(t.lines[0], line=3, grams=2_000_000_000)],
        permit="none", arrive_by=1, destination="")
    found = where(refused(generator, envelope))
    paths = {path for path, _ in found}
    assert {"issued.destination", "issued.lines[1].grams"} <= paths
    assert len(found) == len(set(found)) and len(found) >= 3


def test_every_rule_at_once(city, generator):
    """What is well-formed is judged by all rules that need no state."""
    t = city.trail()
    t.number = "20012102000001"
    envelope, _ = t.issued(
        facility=m.PartyRef(credit_code="912101000000000018", site=1), plate="京A00000",
        lines=[dict(t.lines[0], code="999-999-99"), dict(t.lines[0], line=2, method="Z1")], permit="none")
    rules = {rule for _, rule in where(refused(generator, envelope))}
    assert len(rules) >= 4
    assert {"credit_code", "number.year", "number.city"} <= rules


@pytest.mark.parametrize("change, path, rule", [
    (dict(plate="京A00000"), "issued.plate", "vehicle.unknown"),
    (dict(permit="none"), "issued.permit", "permit.unknown"),
    (dict(edition="1998"), "issued.edition", None),
    (dict(transporter=party(999)), "issued.transporter", "party.unknown"),
    (dict(facility=party(2)), "issued.facility", None),
    (dict(arrive_by=1), "issued.arrive_by", None),
    (dict(lines=[]), "issued.lines", "field.count"),
    (dict(emergency="a\nb"), "issued.emergency", "field.text"),
    (dict(number="2026210100001"), "issued.number", None),
])
def test_one_thing_wrong(city, generator, change, path, rule):
    t = city.trail()
    found = where(refused(generator, t.issued(**change)[0]))
    assert any(p.startswith(path) and (rule is None or r == rule) for p, r in found), found


@pytest.mark.parametrize("change", [dict(code="999-999-99"), dict(code="900-041-49", method="D1"), dict(method="D9"),
                                    dict(code="336-050-17")])
def test_what_the_permit_does_not_cover(city, generator, change):
    t = city.trail()
    answer = refused(generator, t.issued(lines=[t.lines[0] | change])[0])
    assert all(p.path.startswith("issued.lines[0]") for p in answer.problems)


def test_signers(city, generator):
    t = city.trail()
    send = generator.submit
    # the taker in the giver's place
    send(t.issued()[0])
    head = t.head
    envelope, _ = t._step("loaded", [city.transporter, city.generator], t._loaded(), {})
    assert set(refused(generator, envelope).rules) & {"signers.order", "key.role", "key.party"}
    # one signature too few, one too many
    for signers in ([city.generator], [city.generator, city.transporter, city.facility]):
        t.head = head
        envelope, _ = t._step("loaded", signers, t._loaded(), {})
        assert "signers.count" in refused(generator, envelope).rules
    # another party's key, of the right role
    t.head = head
    envelope, _ = t._step("loaded", [city.generator, city.later], t._loaded(), {})
    assert "key.party" in refused(generator, envelope).rules
    # a key that nobody enrolled
    stranger = Device(city.server.log, ROLES["transporter"], city.transporter.party)
    t.head = head
    envelope, _ = t._step("loaded", [city.generator, stranger], t._loaded(), {})
    answer = refused(generator, envelope)
    assert answer.kind == "SIGNATURE" and "key.not_enrolled" in answer.rules
    t.head = head
    send(t.loaded()[0])


def test_not_canonical(city, generator):
    """The signature holds, but the bytes could have been written otherwise."""
    good = m.Envelope.FromString(city.trail().issued()[0]).payload
    changed = m.Event.FromString(good)
    assert changed.SerializeToString() == good
    for payload in (good + b"\xf8\x07\x01",           # a field that does not exist
                    b"\x10\x80\x80\x00" + good,        # occurred_at twice, the first of them zero and too long
                    good[:-1] + bytes([good[-1]]) + b"\x10\x01"):  # a field out of order
        answer = refused(generator, seal(payload, [city.generator.key]))
        assert answer.kind == "MALFORMED"
        assert set(answer.rules) <= {"wire.canonical", "wire.unknown_field", "wire.malformed"}


@pytest.mark.parametrize("kind, fields", [
    ("flag_cleared", dict(flag=1, cause=bytes(range(32)))),
    ("flag_raised", dict(kind=m.FLAG_KIND_FORK, detail="x")),
    ("party_registered", dict(party=dict(ref=party(70), name="x", roles=[1], division="210102", address="x",
                                         generator_class=2, valid_from=1))),
])
def test_not_for_this_key(city, generator, kind, fields):
    answer = refused(generator, sign(event(kind, **fields), [city.generator])[0])
    assert answer.kind in ("RULE", "SIGNATURE")
    assert set(answer.rules) & {"event.server_only", "key.role"}


def test_a_step_that_the_state_does_not_allow(city, generator):
    t = city.trail()
    generator.submit(t.issued()[0])
    answer = refused(generator, t.treated()[0])
    assert answer.rules == ["state.event"] and "loaded" in answer.problems[0].allowed


def test_grams_that_do_not_add_up(city, generator):
    t = city.trail()
    for step in (t.issued, t.loaded, t.delivered):
        generator.submit(step()[0])
    head = t.head
    envelope, _ = t.received(lines=[dict(line=1, decision=2, accepted=quantity(1, 600_000, 3),
                                         refused=quantity(1, 300_000, 2), method="R9", difference="x")])
    assert refused(generator, envelope).rules == ["quantity.sum"]
    t.head = head
    envelope, _ = t.received()
    generator.submit(envelope)
    answer = refused(generator, t.treated(lines=[dict(line=1, grams=1_000_001, containers=5, method="R9")])[0])
    assert "quantity.exceeds" in answer.rules


def test_a_number_is_used_once(city, generator):
    t = city.trail()
    for number in (f"{t.number[:8]}999999", city.trail().number[:4] + "2102000001"):
        t.number = number
        assert any(rule.startswith("number.") for rule in refused(generator, t.issued()[0]).rules)


def test_a_refusal_is_not_remembered(city, generator):
    """The same bytes are accepted once what was missing is there."""
    t = city.trail(plate="辽A77777")
    envelope, _ = t.issued()
    assert refused(generator, envelope).rules == ["vehicle.unknown"]
    city.vehicle("辽A77777", city.transporter)
    assert not generator.submit(envelope).repeated


def test_nothing_of_a_refused_event_is_stored(city, generator):
    before = city.server.sql("SELECT size FROM log_head")
    t = city.trail()
    refused(generator, t.issued(plate="京A00000")[0])
    assert city.server.sql("SELECT size FROM log_head") == before
    assert city.office.query(search={"numbers": [t.number]}) == []


def test_too_long(city, generator):
    e = event("imported", scheme="x", foreign_number="1", source_sha256=bytes(range(32)), record=1, lines=[
        dict(line=i + 1, name="废" * 160) for i in range(120)])
    answer = refused(generator, sign(e, [city.generator])[0])
    assert answer.kind == "MALFORMED"


def test_keys_are_enrolled_once(city):
    with pytest.raises(Refused) as e:
        city.enter("key_enrolled", city.generator, key=city.generator.key.public, party=city.generator.party,
                   role=ROLES["generator"], device="again", valid_from=1)
    assert "key.exists" in e.value.rules
    device = Device(city.server.log, ROLES["generator"], city.generator.party, Key())
    with pytest.raises(Refused) as e:  # not shown to be possessed
        city.enter("key_enrolled", city.generator, key=device.key.public, party=city.generator.party,
                   role=ROLES["generator"], device="stolen", valid_from=1)
    assert "key.possession" in e.value.rules


def test_too_fast(make):
    """Beyond its bucket a key is told when to come back; then the same bytes are accepted."""
    city = make.city(**{"limit.key.events": 4, "limit.key.events_burst": 40})
    generator = city.connect(city.generator)
    envelopes = [city.trail().issued()[0] for _ in range(60)]
    results = generator.submit_all(envelopes)
    late = [(e, r) for e, r in zip(envelopes, results) if isinstance(r, Refused)]
    assert 0 < len(late) <= 20
    assert all(r.kind == "LATER" and r.rules == ["limit.rate"] for _, r in late)
    assert all(0 < r.refusal.retry_after <= 5 * SECOND for _, r in late)
    envelope, refusal = late[0]
    told = time.monotonic() + refusal.refusal.retry_after / SECOND
    until(lambda: time.monotonic() >= told, "the time that was told", 6)
    assert not generator.submit(envelope).repeated
