"""The life of a manifest from end to end, every kind of event, each answered with a receipt that holds."""


def send(connection, steps):
    return [connection.submit(envelope) for envelope, _ in steps]


def state(connection, number):
    found, = connection.query(search={"numbers": [number]})
    return found


def test_a_whole_life(city):
    t = city.trail()
    c = city.connect(city.generator)
    receipts = [c.submit(e) for e in t.whole_life()]
    assert [r.index for r in receipts] == list(range(receipts[0].index, receipts[0].index + 5))
    assert all(a.accepted_at < b.accepted_at for a, b in zip(receipts, receipts[1:]))
    assert not any(r.remarks or r.repeated for r in receipts)
    s = state(c, t.number)
    assert s.state == 9 and s.head == t.head and s.open_flags == 0
    line, = s.lines
    assert (line.planned_grams, line.shipped_grams, line.delivered_grams, line.accepted_grams, line.treated_grams) == \
        (1_000_000,) * 5
    assert [r.entry for r in c.entries(trail={"number": t.number})] == [r.entry for r in receipts]
