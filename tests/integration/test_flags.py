"""Flags: raised by the sweep when a deadline passes and by steps that give cause; cleared; resolved; pushed."""
import manifest_pb2 as m
import pytest
from city import DAY, HOUR, LATER_PLATE, SECOND
from manifest_client import Refused, event
from manifest_client.device import now
from manifest_client.trail import quantity
from questions import flags, flags_of, name_of, open_kinds, state
from server import until


@pytest.fixture
def generator(city):
    return city.connect(city.generator)


def send(connection, *steps):
    return [connection.submit(envelope) for envelope, _ in steps]


def wait_for(city, number, *kinds):
    """Until exactly these flags of the manifest are open."""
    until(lambda: open_kinds(city.office, number) == sorted(kinds), f"open: {kinds}")


def closed_by_event(city, number, kind):
    """The flag of this kind, which a FlagCleared entry closed."""
    flag, = [f for f in flags_of(city.office, number) if name_of(f) == kind]
    assert not flag.open
    receipt, = city.office.entries(entry={"index": flag.closed_by})
    assert receipt.event().flag_cleared.flag == flag.flag
    return flag, receipt.event().flag_cleared


def test_the_sweep_raises_at_its_time(make):
    """Nothing is flagged before its time; then the clock alone flags it; the event that removes the cause clears it."""
    city = make.city(law=["collect.grace=0 s"])
    generator = city.connect(city.generator)
    t = city.trail()
    due = now() + SECOND
    send(generator, t.issued(collect_by=due, arrive_by=due + DAY))
    assert not flags_of(city.office, t.number)
    assert state(generator, t.number).due_at == due
    wait_for(city, t.number, "NOT_COLLECTED")
    flag, = flags_of(city.office, t.number)
    assert flag.due_at == due and due <= flag.raised_at < due + 10 * SECOND
    raised = city.office.entries(entry={"index": flag.flag})[0].event()
    assert raised.flag_raised.due_at == due and raised.flag_raised.cause == b""
    send(generator, t.loaded())
    _, cleared = closed_by_event(city, t.number, "NOT_COLLECTED")
    assert cleared.cause == t.head


def test_a_longer_grace_clears_and_a_shorter_one_flags(make):
    city = make.city(law=["collect.grace=0 s"])
    generator = city.connect(city.generator)
    t = city.trail(at=now() - 2 * HOUR)
    send(generator, t.issued(now() - 2 * HOUR, collect_by=now() - HOUR))
    wait_for(city, t.number, "NOT_COLLECTED")
    city.enter("setting_changed", key="collect.grace", value="3 h", reason="大雪")
    wait_for(city, t.number)
    city.enter("setting_changed", key="collect.grace", value="1 min", reason="雪停")
    wait_for(city, t.number, "NOT_COLLECTED")


def test_overdue_in_transit(city, generator):
    start = now() - 3 * DAY
    t = city.trail(at=start)
    send(generator, t.issued(start), t.loaded(start + HOUR))
    wait_for(city, t.number, "OVERDUE")
    send(generator, t.delivered())
    closed_by_event(city, t.number, "OVERDUE")


def test_not_confirmed_in_time(city, generator):
    start = now() - 30 * DAY
    t = city.trail(at=start)
    send(generator, t.issued(start), t.loaded(start + HOUR), t.delivered(start + 2 * HOUR))
    wait_for(city, t.number, "NOT_CONFIRMED")
    send(generator, t.received())
    closed_by_event(city, t.number, "NOT_CONFIRMED")
    assert state(generator, t.number).open_flags == 0


def test_claimed_in_time_arrived_late(city, generator):
    """Only the facility says that it decided in time: the flag stays, marked, until an inspector looks."""
    start = now() - 30 * DAY
    t = city.trail(at=start)
    send(generator, t.issued(start), t.loaded(start + HOUR), t.delivered(start + 2 * HOUR))
    wait_for(city, t.number, "NOT_CONFIRMED")
    send(generator, t.received(start + 3 * HOUR))
    flag, = [f for f in flags_of(city.office, t.number) if name_of(f) == "NOT_CONFIRMED"]
    assert flag.open and flag.claimed_in_time


def test_refused_and_adrift(city, generator):
    start = now() - 60 * DAY
    t = city.trail(at=start)
    send(generator, t.issued(start), t.loaded(start + HOUR), t.delivered(start + 2 * HOUR), t.refused(start + 3 * HOUR))
    until(lambda: "REFUSED_ADRIFT" in open_kinds(city.office, t.number), "flagged as adrift")
    send(generator, t.returned(m.RETURN_LEG_OUT), t.returned(m.RETURN_LEG_BACK))
    closed_by_event(city, t.number, "REFUSED_ADRIFT")


def test_not_treated_in_time(make):
    city = make.city(law=["storage.days=1"])
    generator = city.connect(city.generator)
    start = now() - 4 * DAY
    t = city.trail(at=start)
    send(generator, t.issued(start), t.loaded(start + HOUR), t.delivered(start + 2 * HOUR), t.received(start + 3 * HOUR))
    until(lambda: "NOT_TREATED" in open_kinds(city.office, t.number), "flagged as not treated")
    send(generator, t.treated())
    closed_by_event(city, t.number, "NOT_TREATED")


def test_weights_and_containers(city, generator):
    t = city.trail()
    send(generator, t.issued(), t.loaded())
    t.moved = [quantity(1, 899_000, 4)]
    receipt, = send(generator, t.delivered())
    assert receipt.remarks
    assert open_kinds(city.office, t.number) == ["CONTAINERS", "QUANTITY"]
    detail = [f.detail for f in flags_of(city.office, t.number) if name_of(f) == "QUANTITY"][0]
    assert "1000000" in detail and "899000" in detail
    t = city.trail()
    send(generator, t.issued(), t.loaded())
    t.moved = [quantity(1, 900_000, 5)]  # just within a tenth
    send(generator, t.delivered())
    assert not flags_of(city.office, t.number)


def test_over_the_vehicles_capacity(city, generator):
    city.vehicle("辽A00007", city.transporter, capacity=500_000)
    t = city.trail(plate="辽A00007")
    send(generator, t.issued(), t.loaded())
    assert open_kinds(city.office, t.number) == ["OVER_CAPACITY"]


def test_a_permit_that_lapses_under_way(make):
    city = make.city()
    generator = city.connect(city.generator)
    t = city.trail()
    send(generator, t.issued(), t.loaded())
    city.enter("permit_revoked", number="SY-0001", revoked_from=now(), reason="违规")
    send(generator, t.delivered(now() + SECOND))
    assert open_kinds(city.office, t.number) == ["PERMIT_LAPSED"]
    with pytest.raises(Refused) as e:
        send(generator, city.trail().issued(now() + SECOND))
    assert any(rule.startswith("permit.") for rule in e.value.rules)


def test_a_key_revoked_under_way(make):
    city = make.city()
    generator = city.connect(city.generator)
    t, alone = city.trail(), city.trail()
    send(generator, t.issued())
    delayed, late = t.loaded(), alone.issued()
    until(lambda: now() > m.Event.FromString(m.Envelope.FromString(late[0]).payload).occurred_at + 1000, "a moment")
    observer = city.connect(city.transporter)
    city.enter("key_revoked", keyid=city.generator.key.id, revoked_from=now(), reason="终端丢失")
    observer.submit(delayed[0])  # two signatures, one of them good, made before the revocation
    assert open_kinds(city.office, t.number) == ["KEY_LAPSED"]
    with pytest.raises(Refused) as e:  # one signature alone
        observer.submit(late[0])
    assert e.value.rules == ["key.revoked"]


def test_a_clock_that_runs_back(city, generator):
    t = city.trail()
    send(generator, t.issued(), t.loaded(now() - 2 * HOUR))
    assert open_kinds(city.office, t.number) == ["CLOCK"]


def test_a_running_number_used_twice(city, generator):
    city.generator.next -= 1
    t = city.trail()
    receipt, = send(generator, t.issued())
    assert receipt.remarks
    reused = [f for f in flags(city.office) if name_of(f) == "NUMBER_REUSED"]
    assert any(f.keyid == city.generator.key.id for f in reused)


def test_two_histories(city, generator):
    """A signer saw a checkpoint that is not of this log: accepted, flagged, kept."""
    kept = city.generator.kept
    t = city.trail()
    city.generator.kept = type(kept)(kept.origin, kept.size - 1, bytes(range(32)))
    step = t.issued()
    city.generator.kept = kept
    receipt, = send(generator, step)
    assert receipt.remarks
    found = [f for f in flags(city.office) if name_of(f) == "TWO_HISTORIES"]
    assert any(f.keyid == city.generator.key.id for f in found)


def test_push_to_the_inspectors_concerned(city, generator):
    near = city.connect(city.enrol("inspector", 30, "210102"))
    far = city.connect(city.enrol("inspector", 31, "210106"))
    assert near.query(watch={}) == [] and far.query(watch={}) == []
    t = city.trail(plate=LATER_PLATE, transporter=city.later)
    send(generator, t.issued())
    generator.sign_and_submit(event("cancelled", number=t.number, reason="重复"))
    send(generator, t.loaded())
    pushed = near.next_push()
    assert name_of(pushed) == "CANCELLED_LOADED" and pushed.number == t.number and pushed.open
    assert pushed == flags_of(near, t.number)[0]
    far.query(summary={"party": far.device.party})
    assert not far.pushed


def test_a_setting_of_the_law_is_needed(make):
    """init refuses a setting that judging does not know."""
    with pytest.raises(AssertionError, match="no.such.setting|not"):
        make.server(law=["no.such.setting=1"])
