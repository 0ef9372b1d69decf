"""Tiles: the log whole, by HTTP alone, as other people's tools read it; and what must not be served."""
import concurrent.futures
import socket
import subprocess

import manifest_pb2 as m
import pytest
from manifest_client import Key, merkle, tiles
from manifest_client.connection import Receipt, envelope_in
from test_http import get, token_of
from test_witness import written_key

IMMUTABLE = "max-age=31536000, immutable"
FULL = 256


class Served:
    """A city whose log has more than one full tile, and every size that its clients were told of."""

    def __init__(self, city):
        self.city = city
        self.server = city.server
        self.auditor = token_of(city, city.enrol("auditor", 61))
        self.generator = token_of(city, city.generator)
        connection = city.connect(city.generator)
        self.published = {}
        while city.generator.kept.size < 2 * FULL + 20:
            batch = [city.trail().issued()[0] for _ in range(60)]
            for receipt in connection.submit_all(batch):
                assert isinstance(receipt, Receipt), receipt
                self.published[receipt.checkpoint.size] = receipt.checkpoint.root
        self.checkpoint = self.fetch_checkpoint()

    def fetch_checkpoint(self):
        status, body, _ = get(self.server, "/checkpoint")
        assert status == 200
        return self.server.log.checkpoint(body.decode())

    def fetch(self, path, token=None):
        status, body, headers = get(self.server, path, token)
        assert status == 200, (path, status, body)
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["Cache-Control"] == ("private, " if token else "public, ") + IMMUTABLE
        return body


@pytest.fixture(scope="module")
def served(cluster, tls, work):
    from conftest import Maker
    maker = Maker(cluster, tls, work)
    yield Served(maker.city(**{"http.enabled": "yes"}))
    maker.close()


def test_the_root_by_tiles_alone(served):
    assert served.checkpoint.size > 2 * FULL
    assert tiles.root(served.fetch, served.checkpoint.size) == served.checkpoint.root


def test_the_log_whole(served):
    """Every bundle's entries are the leaves of the tile beside it, and entries as the protocol says."""
    size = served.checkpoint.size
    seen = set()
    for n, width in tiles.widths("entries", size):
        entries = tiles.entries_in(served.fetch(tiles.path("entries", n, width), served.auditor), width)
        hashes = tiles.hashes_in(served.fetch(tiles.path(0, n, width)), width)
        assert [merkle.leaf_hash(e) for e in entries] == hashes
        for entry in entries:
            envelope = m.Envelope.FromString(envelope_in(entry))
            seen.add(m.Event.FromString(envelope.payload).WhichOneof("kind"))
    assert {"genesis", "party_registered", "issued"} <= seen


def test_every_published_size_is_served_for_ever(served):
    """Also those that the full tile has overtaken: a client may have begun with an earlier checkpoint."""
    assert len(served.published) > 5 and min(served.published) < FULL
    for size, root in served.published.items():
        assert tiles.root(served.fetch, size) == root


def test_every_partial_width(served):
    whole = served.fetch(tiles.path(0, 0))
    for width in range(1, FULL):
        assert served.fetch(tiles.path(0, 0, width)) == whole[:32 * width]
    bundle = served.fetch(tiles.path("entries", 0), served.auditor)
    for width in (1, 2, 127, 255):
        assert bundle.startswith(served.fetch(tiles.path("entries", 0, width), served.auditor))


def test_what_is_not_there(served):
    n, width = tiles.widths(0, served.checkpoint.size)[-1]
    for path in (tiles.path(0, n, width + 1), tiles.path(0, n), tiles.path(0, n + 1, 1), tiles.path(0, 10**9, 1),
                 tiles.path(1, 0, 3), tiles.path(1, 0), tiles.path(2, 0, 1), tiles.path(63, 0, 1),
                 "/tile/0/0", "/tile/0/000.p/0", "/tile/0/000.p/256", "/tile/0/x000/000", "/tile/64/000", "/tile/0",
                 "/tile/00/000", "/tile/0/000/", "/tile//000", "/tile/8/0/000"):
        status, _, headers = get(served.server, path)
        assert status == 404, path
        assert headers["Cache-Control"] == "no-store"
    assert get(served.server, tiles.path("entries", n + 1, 1), served.auditor)[0] == 404
    assert get(served.server, "/tile/0/000?x=1")[0] == 400
    assert get(served.server, tiles.path(0, 0), method="POST")[0] == 405
    status, body, headers = get(served.server, tiles.path(0, 0), method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", "8192")


def test_entries_are_for_auditors(served):
    path = tiles.path("entries", 0)
    assert get(served.server, path)[0] == 401
    assert get(served.server, path, "x" * 40)[0] == 401
    assert get(served.server, path, served.generator)[0] == 403
    assert get(served.server, path, token_of(served.city, served.city.registrar))[0] == 403


@pytest.mark.slow
def test_other_peoples_tool_agrees(served, go):
    """Go's sumdb library: signature, tiles against the root, a proof of every record, proofs between sizes."""
    program = go("tiles.go", ["golang.org/x/mod/sumdb"])

    def run(vkey, *more):
        return subprocess.run([program, f"http://127.0.0.1:{served.server.http}", vkey, *more], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=300, check=False)

    vkey = served.server.log.vkey
    done = run(vkey)
    assert done.returncode == 0, done.stdout
    assert int(done.stdout) >= served.checkpoint.size
    # and it can say no: to one bit of any tile, and to another log's key
    for level in ("0", "1"):
        done = run(vkey, f"/tile/{level}/")
        assert (done.returncode, "inconsistent" in done.stdout) == (1, True), done.stdout
    assert run(written_key(served.server.log.origin, 1, Key().public)).returncode == 1


READERS = 200


def read_whole(port, wanted):
    """One reader: tile after tile over a connection each, and what it got."""
    got = []
    for path in wanted:
        with socket.create_connection(("127.0.0.1", port), 60) as s:
            s.settimeout(60)
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            answer = b""
            while more := s.recv(1 << 16):
                answer += more
        head, _, body = answer.partition(b"\r\n\r\n")
        got.append((head.split(b" ")[1], body))
    return got


def test_two_hundred_readers(served):
    """They all get the same right bytes while events are accepted, and every receipt holds."""
    size = served.checkpoint.size
    wanted = [tiles.path(0, n, w) for n, w in tiles.widths(0, size)] + [tiles.path(1, 0, size >> 8)]
    right = [(b"200", served.fetch(p)) for p in wanted]
    connection = served.city.connect(served.city.generator)
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        readers = [pool.submit(read_whole, served.server.http, wanted) for _ in range(READERS)]
        accepted = 0
        while accepted < 120 or not all(r.done() for r in readers):
            results = connection.submit_all([served.city.trail().issued()[0] for _ in range(20)])
            assert all(isinstance(r, Receipt) for r in results), results
            accepted += len(results)
        assert all(r.result() == right for r in readers)
    assert get(served.server, "/readyz")[0] == 200
    after = served.fetch_checkpoint()
    assert after.size >= size + accepted
    assert tiles.root(served.fetch, after.size) == after.root
