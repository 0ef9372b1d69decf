"""Chains: idempotency, replay, forks and their evidence, descendants, predecessors, and what a device carries."""
import hashlib
import random

import manifest_pb2 as m
import pytest
from manifest_client import Refused, event, seal
from manifest_client.connection import Receipt
from manifest_client.device import now, sign
from manifest_client.trail import quantity
from questions import flags_of, open_kinds, state


@pytest.fixture
def generator(city):
    return city.connect(city.generator)


def send(connection, *steps):
    return [connection.submit(envelope) for envelope, _ in steps]


def refused(connection, envelope):
    with pytest.raises(Refused) as e:
        connection.submit(envelope)
    return e.value


def test_sent_again(city, generator):
    """The stored entry comes back, to whoever sends it, under the same or a later checkpoint."""
    t = city.trail()
    envelope, _ = t.issued()
    first = generator.submit(envelope)
    again = generator.submit(envelope)
    assert again.repeated and not first.repeated
    assert (again.entry, again.index) == (first.entry, first.index)
    send(generator, t.loaded())
    carried = city.connect(city.transporter).submit(envelope)
    assert carried.repeated and carried.entry == first.entry and carried.checkpoint.size > first.checkpoint.size
    assert len(generator.query(trail={"number": t.number})) == 2


def test_sent_twice_at_once(city, generator):
    """Many copies under way together, on two connections: stored once."""
    envelope, _ = city.trail().issued()
    other = city.connect(city.transporter)
    requests = [(c, c.send_submit(envelope)) for c in (generator, other) * 10]
    receipts = [c.answer_to(i, envelope) for c, i in requests]
    assert {r.entry for r in receipts} == {receipts[0].entry}
    assert [r.repeated for r in receipts].count(False) == 1


def test_the_same_event_with_other_signatures_is_not_another(city, generator):
    """A copy whose signature was spoilt is refused, and does not disturb the good one."""
    t = city.trail()
    envelope, _ = t.issued()
    spoilt = m.Envelope.FromString(envelope)
    spoilt.signatures[0].sig = bytes(spoilt.signatures[0].sig[:-1]) + bytes([spoilt.signatures[0].sig[-1] ^ 1])
    assert refused(generator, spoilt.SerializeToString()).kind == "SIGNATURE"
    generator.submit(envelope)
    assert refused(generator, spoilt.SerializeToString()).kind == "SIGNATURE"


def test_a_signature_of_another_event_is_refused(city, generator):
    one, two = (m.Envelope.FromString(city.trail().issued()[0]) for _ in range(2))
    one.signatures[0].sig = two.signatures[0].sig
    assert refused(generator, one.SerializeToString()).kind == "SIGNATURE"


def test_a_fork_and_its_descendants(city, generator):
    t = city.trail()
    send(generator, t.issued(), t.loaded())
    before = t.head
    stands, _ = t.delivered()
    first = t.head
    t.head = before
    rival, rival_id = t.delivered(lines=[quantity(1, 999_000, 5)])
    after_rival, _ = t.received(lines=[dict(line=1, decision=1, accepted=quantity(1, 999_000, 5), method="R9")])
    generator.submit(stands)
    for _ in range(2):  # refused for good, however often it is sent
        answer = refused(generator, rival)
        assert answer.kind == "FORK" and answer.refusal.standing == first and answer.refusal.event == rival_id
    assert refused(generator, after_rival).kind == "DESCENDS"
    assert "FORK" in open_kinds(city.office, t.number)
    fork, = [f for f in flags_of(city.office, t.number) if f.kind == m.FLAG_KIND_FORK]
    raised = city.office.entries(entry={"index": fork.flag})[0].event().flag_raised
    assert raised.evidence_sha256 == hashlib.sha256(rival).digest()
    kept = city.server.sql("SELECT envelope FROM evidence WHERE flag = %s", fork.flag)
    assert [bytes(row[0]) for row in kept] == [rival]
    t.head = first
    send(generator, t.received(), t.treated())  # the standing chain goes on


def test_the_number_alone_decides_the_first(city, generator):
    t = city.trail()
    envelope, standing = t.issued()
    rival, _ = t.issued()
    generator.submit(envelope)
    answer = refused(generator, rival)
    assert answer.kind == "FORK" and answer.refusal.standing == standing


def test_predecessor_first(city, generator):
    t = city.trail()
    issued, loaded, delivered = t.issued(), t.loaded(), t.delivered()
    answer = refused(generator, loaded[0])
    assert answer.kind in ("PREDECESSOR", "RULE")
    send(generator, issued)
    answer = refused(generator, delivered[0])
    assert answer.kind == "PREDECESSOR" and answer.refusal.needed == loaded[1]
    send(generator, loaded, delivered)


def test_issued_first(city, generator):
    """Also the first event is asked for by its id when a successor arrives alone."""
    t = city.trail()
    issued, loaded = t.issued(), t.loaded()
    answer = refused(generator, loaded[0])
    assert answer.kind == "PREDECESSOR" and answer.refusal.needed == issued[1]


def test_a_chain_made_without_signal(city):
    """The vehicle carries the generator's events and its own, and delivers them whole, in order, all at once."""
    t = city.trail()
    steps = t.whole_life()
    carrier = city.connect(city.transporter)
    receipts = carrier.submit_all(steps)
    assert all(isinstance(r, Receipt) and not r.repeated for r in receipts)
    assert state(carrier, t.number).state == m.MANIFEST_STATE_CLOSED


def test_a_chain_in_any_order_arrives_in_the_end(city):
    """What comes before its predecessor is told so; sending again until all are there needs no knowledge of the order."""
    steps = city.trail().whole_life()
    random.Random(7).shuffle(steps)
    carrier = city.connect(city.transporter)
    left, rounds = steps, 0
    while left:
        results = carrier.submit_all(left)
        assert all(isinstance(r, Receipt) or r.kind == "PREDECESSOR" for r in results)
        left = [s for s, r in zip(left, results) if not isinstance(r, Receipt)]
        rounds += 1
        assert rounds <= len(steps)


def test_another_log(city, generator):
    """A replay of bytes signed for something else: the payload type is what was signed."""
    payload = m.Envelope.FromString(city.trail().issued()[0]).payload
    hello = seal(payload, [city.generator.key], "application/vnd.manifest.hello.v1+protobuf")
    assert refused(generator, hello).kind in ("MALFORMED", "SIGNATURE")


def test_from_the_future(city, generator):
    answer = refused(generator, city.trail().issued(now() + 3600 * 1_000_000)[0])
    assert answer.kind == "LATER" and answer.refusal.retry_after > 0


def test_confirmed_names_an_attested_event(city, generator):
    t = city.trail()
    send(generator, t.issued(), t.loaded())
    envelope, _ = sign(event("confirmed", number=t.number, attested=t.head), [city.facility])
    assert refused(generator, envelope).rules == ["attested.open"]
