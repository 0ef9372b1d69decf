"""HTTP: what is open to all, what needs a token, and that a token shows what its role may see and no more."""
import base64
import http.client
import json

import manifest_pb2 as m
import pytest
from manifest_client import event
from manifest_client.connection import check_receipt


@pytest.fixture(scope="module")
def served(cluster, tls, work):
    from conftest import Maker
    maker = Maker(cluster, tls, work)
    city = maker.city(**{"http.enabled": "yes"})
    city.trail_of_flag = city.trail()
    city.office.submit(city.trail_of_flag.issued()[0])
    city.office.sign_and_submit(event("cancelled", number=city.trail_of_flag.number, reason="x"), [city.generator])
    city.office.submit(city.trail_of_flag.loaded()[0])
    yield city
    maker.close()


def get(server, path, token=None, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=20)
    try:
        connection.request(method, path, headers=headers | ({"Authorization": f"Bearer {token}"} if token else {}))
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def get_json(city, path, token):
    status, body, headers = get(city.server, path, token)
    assert headers["Content-Type"].startswith("application/json"), body
    return status, json.loads(body)


def token_of(city, device):
    with city.connect(device) as connection:
        token, = connection.query(token={"seconds": 600})
        return token.token


def test_open_to_all(served):
    assert get(served.server, "/healthz")[0] == 200
    status, body, _ = get(served.server, "/readyz")
    ready = json.loads(body)
    assert status == 200 and ready["ready"] is True
    assert all({"name", "ok", "warning", "detail"} <= set(c) for c in ready["checks"])
    status, body, headers = get(served.server, "/checkpoint")
    assert status == 200 and headers["Cache-Control"]
    answer, = served.office.query(checkpoint={})
    assert served.server.log.checkpoint(body.decode()) == served.server.log.checkpoint(answer.checkpoint)


def metrics(city):
    _, body, _ = get(city.server, "/metrics")
    values = {}
    for line in body.decode().splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            values[name] = float(value)
    return values


def test_metrics_count(served):
    """Prometheus' text format, and the counters move by what was done."""
    before = metrics(served)
    assert len(before) > 20
    served.connect(served.generator).submit(served.trail().issued()[0])
    after = metrics(served)
    assert set(before) == set(after)
    moved = [n for n in after if "accepted" in n and after[n] == before[n] + 1]
    assert moved, [n for n in after if after[n] != before[n]]


def test_a_token_is_needed(served):
    for path in ("/v1/flags", "/v1/manifests", f"/v1/manifests/{served.trail_of_flag.number}", "/v1/blocks"):
        assert get(served.server, path)[0] == 401
        assert get(served.server, path, "x" * 40)[0] == 401
    token = token_of(served, served.generator)
    spoilt = ("A" if token[0] != "A" else "B") + token[1:]
    assert get(served.server, "/v1/flags", spoilt)[0] == 401
    assert get(served.server, "/v1/flags", token)[0] == 200


def test_the_same_as_over_the_connection(served):
    token = token_of(served, served.generator)
    number = served.trail_of_flag.number
    c = served.connect(served.generator)
    status, found = get_json(served, f"/v1/manifests/{number}", token)
    summary, = c.query(search={"numbers": [number]})
    assert status == 200 and found["number"] == number and found["open_flags"] == summary.open_flags == 1
    assert found["cancelled"] is True and str(found["lines"][0]["shipped_grams"]) == "1000000"
    status, trail = get_json(served, f"/v1/manifests/{number}/trail", token)
    entries, = [v for v in trail.values() if isinstance(v, list)]
    receipts = [check_receipt(served.server.log, m.Receipt(entry=base64.b64decode(e["entry"]), index=int(e["index"]),
                                                          proof=e["proof"])) for e in entries]
    assert [r.entry for r in receipts] == [r.entry for r in c.entries(trail={"number": number})]
    c.settle([r.checkpoint for r in receipts])
    status, flags = get_json(served, "/v1/flags", token)
    listed, = [v for v in flags.values() if isinstance(v, list)]
    assert status == 200 and [f["number"] for f in listed] == [number]


def test_scope_of_a_token(served):
    """Another party's token sees nothing of it, an auditor's does, and a facility has no number blocks."""
    number = served.trail_of_flag.number
    stranger = token_of(served, served.enrol("generator", 60))
    assert get(served.server, f"/v1/manifests/{number}", stranger)[0] == 404
    assert get(served.server, f"/v1/manifests/{number}/trail", stranger)[0] == 404
    auditor = token_of(served, served.enrol("auditor", 61))
    assert get(served.server, f"/v1/manifests/{number}", auditor)[0] == 200
    assert get(served.server, "/v1/blocks", token_of(served, served.facility))[0] == 403
    assert get(served.server, "/v1/blocks", token_of(served, served.generator))[0] == 200


def test_a_token_of_a_revoked_key(served):
    device = served.enrol("generator", 62)
    token = token_of(served, device)
    assert get(served.server, "/v1/flags", token)[0] == 200
    served.enter("key_revoked", keyid=device.key.id, revoked_from=1_700_000_000_000_000, reason="丢失")
    assert get(served.server, "/v1/flags", token)[0] == 401


def test_pages(served):
    token = token_of(served, served.generator)
    c = served.connect(served.generator)
    numbers = []
    for _ in range(5):
        t = served.trail()
        c.submit(t.issued()[0])
        numbers.append(t.number)
    found, after = [], None
    while after != "0" and len(found) < 50:
        _, page = get_json(served, f"/v1/manifests?limit=2&numbers={','.join(numbers)}"
                           + (f"&after={after}" if after else ""), token)
        rows, = [v for v in page.values() if isinstance(v, list)]
        found += [row["number"] for row in rows]
        after = str(page.get("next") or "0")
    assert found == sorted(numbers, reverse=True)


@pytest.mark.parametrize("path, status", [
    ("/nothing", 404), ("/v1/flags?limit=501", 400), ("/v1/flags?kind=none", 400), ("/v1/flags?x=1", 400),
    ("/v1/flags?limit=1&limit=2", 400), ("/v1/manifests/1", 400), ("/v1/flags?from=2&until=1", 400),
    ("/v1/flags/", 404), ("/../etc/passwd", 404), ("/v1/manifests?numbers=%00", 400),
])
def test_requests_that_cannot_be(served, path, status):
    """Refused with every problem, in two languages, as over the connection."""
    code, body, _ = get(served.server, path, token_of(served, served.generator))
    assert code == status, body
    refusal = json.loads(body)
    problems, = [v for v in refusal.values() if isinstance(v, list)]
    assert problems and all(p["zh"] and p["en"] and p["rule"] and p["source"] and p["source_zh"] for p in problems)


def test_it_only_reads(served):
    token = token_of(served, served.generator)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert get(served.server, "/v1/flags", token, method)[0] == 405
    status, body, _ = get(served.server, "/v1/flags", token, "HEAD")
    assert (status, body) == (200, b"")


def test_not_ready_without_the_database(make):
    server = make.server(start=False, **{"http.enabled": "yes"})
    good = server.settings["database.writer"]
    server.start(ready=False, database__writer=good + " port=1", database__reader=good + " port=1")
    assert get(server, "/readyz")[0] == 503 and get(server, "/healthz")[0] == 200
    assert get(server, "/checkpoint")[0] == 503
    server.end()
    server.start(database__writer=good, database__reader=good)
    assert get(server, "/readyz")[0] == 200
