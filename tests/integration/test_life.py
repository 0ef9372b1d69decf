"""The life of a manifest from end to end, and every kind of event: each is answered with a receipt that holds."""
import hashlib

import manifest_pb2 as m
import pytest
from city import FAR_AWAY, LONG_AGO
from manifest_client import Device, ROLES, Refused, event, merkle, party
from manifest_client.device import now
from manifest_client.dsse import signatures_hold
from manifest_client.trail import quantity
from questions import flags_of, kinds_of, open_kinds, state


@pytest.fixture
def generator(city):
    return city.connect(city.generator)


def send(connection, *steps):
    return [connection.submit(envelope) for envelope, _ in steps]


def test_a_whole_life(city, generator):
    t = city.trail()
    receipts = [generator.submit(e) for e in t.whole_life()]
    assert [r.index for r in receipts] == list(range(receipts[0].index, receipts[0].index + 5))
    assert all(a.accepted_at < b.accepted_at for a, b in zip(receipts, receipts[1:]))
    assert not any(r.remarks or r.repeated for r in receipts)
    s = state(generator, t.number)
    assert s.state == m.MANIFEST_STATE_CLOSED and s.head == t.head and s.open_flags == 0
    line, = s.lines
    assert (line.planned_grams, line.shipped_grams, line.delivered_grams, line.accepted_grams, line.treated_grams) == \
        (1_000_000,) * 5
    assert [r.entry for r in generator.entries(trail={"number": t.number})] == [r.entry for r in receipts]


def test_every_step_shows_its_state(city, generator):
    t = city.trail()
    for step, expected in ((t.issued, "ISSUED"), (t.loaded, "IN_TRANSIT"), (t.delivered, "DELIVERED"),
                           (t.received, "ACCEPTED"), (t.treated, "CLOSED")):
        send(generator, step())
        assert m.ManifestState.Name(state(generator, t.number).state) == "MANIFEST_STATE_" + expected


def test_two_transporters(city, generator):
    t = city.trail()
    send(generator, t.issued(), t.loaded(), t.handed_over())
    s = state(generator, t.number)
    assert s.transporter == city.later.party and s.plate == t.plate and s.plate != t.later_plate
    with pytest.raises(Refused) as e:  # the first transporter holds nothing any more
        t.transporter, t.later = t.later, t.transporter
        head = t.head
        send(generator, t.delivered())
    assert e.value.kind == "RULE"
    t.transporter, t.later, t.head = t.later, t.transporter, head
    send(generator, t.delivered(), t.received(), t.treated())
    assert state(generator, t.number).state == m.MANIFEST_STATE_CLOSED


def test_refused_and_returned(city, generator):
    t = city.trail()
    send(generator, t.issued(), t.loaded(), t.delivered(), t.refused())
    assert state(generator, t.number).state == m.MANIFEST_STATE_REFUSED
    send(generator, t.returned(m.RETURN_LEG_OUT))
    assert state(generator, t.number).state == m.MANIFEST_STATE_RETURNING
    send(generator, t.returned(m.RETURN_LEG_BACK))
    s = state(generator, t.number)
    assert s.state == m.MANIFEST_STATE_CLOSED
    assert (s.lines[0].refused_grams, s.lines[0].returned_grams, s.lines[0].accepted_grams) == (1_000_000, 1_000_000, 0)


def test_partly_accepted(city, generator):
    t = city.trail()
    send(generator, t.issued(), t.loaded(), t.delivered(), t.received(lines=[dict(
        line=1, decision=m.DECISION_PARTLY, accepted=quantity(1, 600_000, 3), refused=quantity(1, 400_000, 2),
        method="R9", difference="两桶混有溶剂")]))
    assert state(generator, t.number).state == m.MANIFEST_STATE_PARTLY_ACCEPTED
    send(generator, t.returned(m.RETURN_LEG_OUT, lines=[quantity(1, 400_000, 2)]),
         t.returned(m.RETURN_LEG_BACK, lines=[quantity(1, 400_000, 2)]))
    assert state(generator, t.number).state == m.MANIFEST_STATE_RETURNED
    send(generator, t.treated(lines=[dict(line=1, grams=250_000, containers=0, method="R9")]))
    assert state(generator, t.number).state == m.MANIFEST_STATE_RETURNED
    send(generator, t.treated(lines=[dict(line=1, grams=350_000, containers=3, method="R9")]))
    assert state(generator, t.number).state == m.MANIFEST_STATE_CLOSED


def test_one_side_alone_and_confirmed_later(city, generator):
    t = city.trail()
    send(generator, t.issued(), t.loaded())
    receipt, = send(generator, t.attested("delivered", city.transporter))
    assert receipt.remarks
    assert state(generator, t.number).state == m.MANIFEST_STATE_DELIVERED
    assert open_kinds(city.office, t.number) == ["ATTESTED"]
    confirmed = event("confirmed", number=t.number, attested=t.head)
    with pytest.raises(Refused):  # not by the side that signed already
        generator.sign_and_submit(confirmed, [city.transporter])
    generator.sign_and_submit(confirmed, [city.facility])
    flag, = flags_of(city.office, t.number)
    assert not flag.open and flag.closed_by > flag.flag
    cleared = city.office.entries(entry={"index": flag.closed_by})[0].event()
    assert cleared.flag_cleared.flag == flag.flag
    send(generator, t.received())
    assert state(generator, t.number).open_flags == 0


def test_an_inspector_resolves(city, generator):
    inspector = city.enrol("inspector", 20, "210100")
    elsewhere = city.enrol("inspector", 21, "210106")
    t = city.trail()
    send(generator, t.issued(), t.attested("loaded", city.generator, reason=m.ATTEST_REASON_CANNOT))
    flag, = flags_of(city.office, t.number)
    resolved = event("flag_resolved", flag=flag.flag, resolution=m.RESOLUTION_EXPLAINED, reason="现场核查，装车属实")
    with pytest.raises(Refused) as e:
        generator.sign_and_submit(resolved, [elsewhere])
    assert e.value.rules == ["flag.area"]
    receipt = generator.sign_and_submit(resolved, [inspector])
    flag, = flags_of(city.connect(inspector), t.number)
    assert not flag.open and flag.closed_by == receipt.index and flag.resolution == "现场核查，装车属实"
    with pytest.raises(Refused) as e:
        generator.sign_and_submit(resolved, [inspector])
    assert e.value.rules == ["flag.closed"]


def test_cancelled_and_loaded_all_the_same(city, generator):
    t = city.trail()
    send(generator, t.issued())
    generator.sign_and_submit(event("cancelled", number=t.number, reason="重复开具"))
    assert state(generator, t.number).cancelled
    assert not flags_of(city.office, t.number)
    receipt, = send(generator, t.loaded())
    assert receipt.remarks
    assert open_kinds(city.office, t.number) == ["CANCELLED_LOADED"]
    assert state(generator, t.number).state == m.MANIFEST_STATE_IN_TRANSIT


def test_voided_numbers(city, generator):
    t = city.trail()
    generator.sign_and_submit(event("voided", manifest_number=t.number, reason="误填"))
    with pytest.raises(Refused) as e:
        send(generator, t.issued())
    assert e.value.rules == ["number.voided"]
    city.generator.next += 1  # a running number that was signed for nothing
    generator.sign_and_submit(event("voided", running_number=city.generator.next - 1, reason="终端断电"))
    with pytest.raises(Refused) as e:
        generator.sign_and_submit(event("voided", manifest_number=t.number, reason="误填"))
    assert e.value.rules == ["voided.already"]


def test_imported(city, generator):
    imported = event("imported", scheme="us-emanifest-json", foreign_number="100032437ELC", source_sha256=bytes(range(32)),
                     record=1, status="Signed", parties=[dict(role=ROLES["generator"], id="VATESTGEN001", name="A")],
                     lines=[dict(line=1, codes=["D001"], name="waste", planned="480 G (Gallons)", containers="12 DM")])
    receipt = generator.sign_and_submit(imported)
    assert receipt.event().imported == imported.imported and not receipt.remarks


def test_the_registry(make):
    """Every kind of registry event, in a city of its own since registrars change."""
    city = make.city(law=["collect.grace=1 h"])
    second = Device(city.server.log, ROLES["registrar"])
    city.enter("registrar_added", second, key=second.key.public, name="第二登记室")
    third = Device(city.server.log, ROLES["registrar"])
    with pytest.raises(Refused) as e:  # from now on two must sign
        city.enter("registrar_added", third, key=third.key.public, name="第三登记室")
    assert "signers.count" in e.value.rules or "registrar.quorum" in e.value.rules
    city.enter("registrar_added", second, third, key=third.key.public, name="第三登记室")
    city.enter("registrar_removed", second, keyid=third.key.id, reason="撤销")
    ref = party(50)
    city.register("transporter", ref)
    city.enter("party_changed", party=dict(ref=ref, name="沈阳新运输", roles=[2], division="210103", address="沈阳",
                                           generator_class=1, valid_from=LONG_AGO), reason="搬迁")
    device = city.key_for("transporter", ref)
    city.enter("person_registered", person="D-0001", party=ref, digest=bytes(range(32)))
    city.vehicle("辽A00001", device)
    permit = dict(number="SY-0002", facility=city.facility.party, waste_codes=["900-249-08"], methods=["R9"],
                  grams_per_year=10**9, valid_from=LONG_AGO, valid_until=FAR_AWAY)
    city.enter("permit_granted", permit=permit)
    city.enter("permit_changed", permit=permit | dict(methods=["R9", "D10"]), reason="增加方式")
    city.enter("permit_revoked", number="SY-0002", revoked_from=now(), reason="违规")
    city.enter("key_revoked", keyid=device.key.id, revoked_from=now(), reason="终端丢失")
    with pytest.raises(Refused):
        city.connect(device)
    city.enter("setting_changed", key="collect.grace", value="2 h", reason="节假日")
    with pytest.raises(Refused) as e:
        city.enter("setting_changed", key="listen.port", value="1", reason="不属裁判")
    assert e.value.rules == ["setting.unknown"]
    # The recovery key replaces all registrars.
    new = Device(city.server.log, ROLES["registrar"])
    recovery = Device(city.server.log, ROLES["registrar"], key=city.server.recovery)
    carrier = city.connect(city.facility)
    carrier.sign_and_submit(event("registrar_added", key=new.key.public, name="重建"), [recovery, new])
    with pytest.raises(Refused) as e:  # the old one is out of office: it signs nothing and asks nothing
        carrier.sign_and_submit(event("person_registered", person="D-0002", party=ref, digest=bytes(range(1, 33))),
                                [city.registrar])
    assert e.value.rules == ["key.revoked"]
    with pytest.raises(Refused) as e:
        city.office.query(flags={})
    assert e.value.kind == "FORBIDDEN"
    city.connect(new).sign_and_submit(event("person_registered", person="D-0002", party=ref, digest=bytes(range(1, 33))))


REGISTRY_ELSEWHERE = {"registrar_added", "registrar_removed", "party_changed", "key_revoked", "person_registered",
                      "permit_changed", "permit_revoked", "setting_changed"}


def test_the_whole_log_is_what_it_says(city):
    """An auditor reads every entry and computes everything again: signatures, links, tree. Runs last in this file."""
    auditor = city.connect(city.enrol("auditor", 23))
    size = auditor.device.kept.size
    publics = {}
    kinds = set()
    leaves = []
    accepted = 0
    heads = {}
    for index in range(size):
        receipt, = auditor.entries(entry={"index": index})
        e = receipt.event()
        kind = e.WhichOneof("kind")
        body = getattr(e, kind)
        kinds.add(kind)
        if kind == "genesis":
            keys = [body.server_key, body.registrar_key, body.recovery_key]
            publics |= {hashlib.sha256(k).digest(): k for k in keys}
        if kind in ("key_enrolled", "registrar_added"):
            publics[hashlib.sha256(body.key).digest()] = body.key
        assert signatures_hold(m.Envelope.FromString(receipt.envelope), publics), (index, kind)
        assert [bytes.fromhex(s.keyid) for s in m.Envelope.FromString(receipt.envelope).signatures] == \
            [s.keyid for s in e.signers]
        step = getattr(body, body.WhichOneof("step")) if kind == "attested" else body
        if hasattr(step, "previous") or kind == "issued":
            assert heads.get(step.number, b"") == getattr(step, "previous", b"")
            heads[step.number] = receipt.event_id()
        assert receipt.accepted_at > accepted and receipt.index == index
        accepted = receipt.accepted_at
        leaves.append(merkle.leaf_hash(receipt.entry))
    answer, = auditor.query(checkpoint={})
    assert city.server.log.checkpoint(answer.checkpoint).size == size
    assert merkle.root_of(leaves) == city.server.log.checkpoint(answer.checkpoint).root
    assert kinds == set(kinds_of(m.Event)) - REGISTRY_ELSEWHERE
