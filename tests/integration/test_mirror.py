"""`manifest log`: a whole copy by HTTP alone, from servers that are honest, cut short, busy, spoilt or lying."""
import base64
import hashlib
import http.server
import json
import os
import struct
import subprocess
import threading

import pytest
from manifest_client import Key, merkle, tiles
from server import BUILD
from test_http import token_of

MANIFEST = BUILD / "manifest"
ORIGIN = "mirrored.example/log"


class PaperLog:
    """A log written here from the specification: every tile and bundle of every size, from a list of entries."""

    def __init__(self, key=None):
        self.key = key or Key()
        raw = b"\x01" + self.key.public
        self.key_id = hashlib.sha256(ORIGIN.encode() + b"\n" + raw).digest()[:4]
        self.vkey = f"{ORIGIN}+{self.key_id.hex()}+{base64.b64encode(raw).decode()}"

    def note(self, entries):
        root = base64.b64encode(merkle.root_of([merkle.leaf_hash(e) for e in entries])).decode()
        text = f"{ORIGIN}\n{len(entries)}\n{root}\n"
        signature = base64.b64encode(self.key_id + self.key.sign(text.encode())).decode()
        return f"{text}\n\u2014 {ORIGIN} {signature}\n".encode()

    def files(self, entries, sizes=()):
        """Paths and their bytes, for the whole list and for earlier sizes."""
        files = {"/checkpoint": self.note(entries)}
        leaves = [merkle.leaf_hash(e) for e in entries]
        for size in {len(entries), *sizes}:
            level, row = 0, leaves[:size]
            while row:
                for n, w in tiles.widths(0, len(row)):
                    files[tiles.path(level, n, w)] = b"".join(row[n * 256:n * 256 + w])
                row = [merkle.root_of(row[i:i + 256]) for i in range(0, len(row) - 255, 256)]
                level += 1
            for n, w in tiles.widths("entries", size):
                files[tiles.path("entries", n, w)] = b"".join(
                    struct.pack(">H", len(e)) + e for e in entries[n * 256:n * 256 + w])
        return files


class Web:
    """Serves paths from a dictionary; `before` may say something else instead."""

    def __init__(self):
        self.files, self.asked, self.tokens = {}, [], set()
        self.before = lambda path, count: None
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                web.asked.append(self.path)
                status, body = web.answer(self.path, self.headers.get("Authorization"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, authorization):
        instead = self.before(path, len(self.asked))
        if instead is not None:
            return instead
        if path.startswith("/tile/entries/"):
            if authorization != "Bearer good":
                return 401, b"no token"
        elif authorization is not None:
            return 400, b"a token where none is needed"
        return (200, self.files[path]) if path in self.files else (404, b"nothing here")

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def web():
    web = Web()
    yield web
    web.close()


@pytest.fixture
def run(tmp_path):
    log = PaperLog()
    (tmp_path / "log.vkey").write_text(log.vkey + "\n")
    (tmp_path / "token").write_text("good\n")

    def run(*arguments, status=0):
        done = subprocess.run([MANIFEST, "log", arguments[0], "--json", "--lang=en", f"--log={tmp_path / 'log.vkey'}",
                               *arguments[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120,
                              check=False, env=os.environ | {"HOME": str(tmp_path)}, cwd=tmp_path)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)
    run.log = log
    run.folder = tmp_path / "copy"
    run.mirror = lambda web, *more, status=0: run("mirror", f"--url={web.url}", f"--token={tmp_path / 'token'}",
                                                  run.folder, *more, status=status)
    return run


def entries_of(n, mark=b""):
    return [b"entry %d" % i + mark for i in range(n)]


def copied(folder):
    """Every file of a copy, by the path under which a server has it."""
    return {"/" + str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 1000])
def test_a_whole_copy(web, run, size):
    web.files = run.log.files(entries_of(size))
    result = run.mirror(web)
    assert copied(run.folder) == web.files
    assert (result["size"], result["entries"], result["repaired"]) == (str(size), str(size), "0")
    assert len(set(web.asked)) == len(web.files)


def test_three_levels(web, run):
    """A tile of level 2 exists from 65,536 entries on; a copy may be of the hashes alone, and get the rest later."""
    web.files = run.log.files(entries_of(65536 + 300))
    run.mirror(web, "--hashes")
    assert copied(run.folder) == {p: b for p, b in web.files.items() if not p.startswith("/tile/entries")}
    assert "/tile/2/000.p/1" in web.files and "/tile/1/000" in web.files
    run.mirror(web)
    assert copied(run.folder) == web.files


def test_only_what_is_new(web, run):
    """What an earlier run has finished is not asked for again, and partial tiles go when the full one is there."""
    web.files = run.log.files(entries_of(600))
    run.mirror(web)
    web.files = run.log.files(entries_of(800), [600])
    web.asked.clear()
    run.mirror(web)
    assert copied(run.folder) == run.log.files(entries_of(800)) | {
        p: b for p, b in run.log.files(entries_of(600)).items() if p.startswith("/tile/1/")}
    assert not {tiles.path(0, 0), tiles.path(0, 1), tiles.path("entries", 0), tiles.path("entries", 1)} & set(web.asked[3:])
    web.asked.clear()
    assert run.mirror(web)["fetched"] == "0"


@pytest.mark.parametrize("after", [1, 2, 3, 5, 9, 12])
def test_goes_on_where_it_ended(web, run, after):
    """The server breaks off at any request: what was checked is kept, and not asked for again."""
    web.files = run.log.files(entries_of(1500))
    web.before = lambda path, count: (410, b"") if count > after else None
    run.mirror(web, status=3)
    assert not (run.folder / "checkpoint").exists()
    before = copied(run.folder)
    assert all(web.files[p] == b for p, b in before.items())
    web.before = lambda path, count: None
    web.asked.clear()
    result = run.mirror(web)
    assert copied(run.folder) == web.files and result["kept"] == str(len(before))
    assert not [p for p in before if p in web.asked[9:]]  # after the checkpoint and the right edge


def test_a_busy_server_is_asked_again(web, run):
    web.files = run.log.files(entries_of(300))
    refused = set()

    def once(path, _):
        if path in refused:
            return None
        refused.add(path)
        return 503, b"busy"
    web.before = once
    run.mirror(web)
    assert copied(run.folder) == web.files and refused == set(web.files)


def test_a_server_that_is_away(run, web):
    web.before = lambda path, count: (503, b"")
    run.mirror(web, status=3)
    assert copied(run.folder) == {}


@pytest.mark.parametrize("path", [tiles.path(0, 0), tiles.path(0, 2), tiles.path(1, 0, 3), tiles.path(0, 3, 232),
                                  tiles.path("entries", 1), tiles.path("entries", 3, 232)])
@pytest.mark.parametrize("spoil", ["flip", "short", "long", "other", "empty"])
def test_nothing_wrong_is_kept(web, run, path, spoil):
    """One flipped bit between hash and store, a cut file, another tile in its place: named, and not kept."""
    web.files = run.log.files(entries_of(1000))
    good = web.files[path]
    bad = {"flip": good[:50] + bytes([good[50] ^ 1]) + good[51:], "short": good[:-32], "long": good + bytes(32),
           "other": bytes(len(good)), "empty": b""}[spoil]
    web.before = lambda p, count: (200, bad) if p == path else None
    run.mirror(web, status=1)
    assert all(web.files[p] == b for p, b in copied(run.folder).items())
    assert path[1:] not in [p[1:] for p in copied(run.folder)] and "/checkpoint" not in copied(run.folder)


def test_a_spoilt_copy_is_repaired(web, run):
    web.files = run.log.files(entries_of(1000))
    run.mirror(web)
    for path in (tiles.path(0, 1), tiles.path("entries", 2)):
        file = run.folder / path[1:]
        file.write_bytes(file.read_bytes()[:-1] + b"\0")
    (run.folder / tiles.path("entries", 0)[1:]).unlink()
    assert run.mirror(web)["fetched"] == "0"  # finished parts are looked at only when asked
    result = run.mirror(web, "--check")
    assert (result["repaired"], result["fetched"]) == ("2", "3") and copied(run.folder) == web.files


def test_checkpoints_that_are_not_the_logs(web, run):
    files = run.log.files(entries_of(10))
    other = PaperLog()
    for note in (other.note(entries_of(10)), files["/checkpoint"].replace(b"\n10\n", b"\n11\n"), b"", b"x" * 600_000):
        web.files = files | {"/checkpoint": note}
        assert run.mirror(web, status=1)["status"]
    assert copied(run.folder) == {}


def test_entries_need_a_token(web, run, tmp_path):
    web.files = run.log.files(entries_of(10))
    (tmp_path / "token").write_text("bad\n")
    run.mirror(web, status=1)
    assert run("mirror", f"--url={web.url}", run.folder, status=2)


@pytest.mark.parametrize("url", ["foo", "", "localhost:7311", "ftp://h", "http://", "unix:x", "unix:", "unix:/" + 200 * "x"])
def test_what_is_no_url(run, tmp_path, url):
    done = subprocess.run([MANIFEST, "log", "mirror", "--lang=en", f"--log={tmp_path / 'log.vkey'}", "--hashes", f"--url={url}",
                           run.folder], stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "allowed is http://HOST:PORT" in done.stderr, done
    assert not run.folder.exists()


# two histories

def fork(n, at):
    return entries_of(at) + entries_of(n, b" changed")[at:]


@pytest.mark.parametrize("old,new,at", [(600, 800, 599), (600, 800, 0), (256, 257, 3), (600, 600, 10), (600, 500, 5),
                                        (1, 2, 0)])
def test_a_log_that_became_another(web, run, old, new, at):
    """A restored backup that grew on, longer, as long and shorter: evidence that holds for anyone, and nothing lost."""
    web.files = run.log.files(entries_of(old))
    run.mirror(web)
    before = copied(run.folder)
    web.files = run.log.files(fork(new, at), [old])
    result = run.mirror(web, status=1)
    assert result["history"] == "two" and sorted(result["sizes"]) == sorted([str(old), str(new)])
    after = copied(run.folder)
    evidence, = set(after) - set(before)
    assert {p: after[p] for p in before} == before
    assert run("evidence", run.folder / evidence[1:])["proves"] is True
    check_evidence(run.log, json.loads(after[evidence]))
    spoilt = json.loads(after[evidence])
    spoilt["larger"] = spoilt["smaller"]
    (run.folder / "spoilt").write_text(json.dumps(spoilt))
    assert run("evidence", run.folder / "spoilt", status=1)["proves"] is False


def check_evidence(log, e):
    """The same by the independent client: what a third party would do."""
    from manifest_client import Log
    known = Log(log.vkey)
    smaller, larger = known.checkpoint(e["smaller"]), known.checkpoint(e["larger"])
    if smaller.size == larger.size:
        assert smaller.root != larger.root
    else:
        root = bytes.fromhex(e["root"])
        assert root != smaller.root
        assert merkle.consistency_holds(smaller.size, larger.size, [bytes.fromhex(h) for h in e["consistency"]], root,
                                        larger.root)


def test_a_server_that_is_behind(web, run):
    """An old checkpoint of the same history is no evidence, and changes nothing."""
    web.files = run.log.files(entries_of(600))
    run.mirror(web)
    before = copied(run.folder)
    web.files = run.log.files(entries_of(500))
    result = run.mirror(web, status=1)
    assert "history" not in result and copied(run.folder) == before


@pytest.mark.parametrize("by", ["mirror", "url"])
def test_compare(web, run, tmp_path, by):
    whole = entries_of(700)
    web.files = run.log.files(whole, [300, 600])
    run.mirror(web)
    if by == "url":
        source = f"--url={web.url}"
    else:
        source = f"--mirror={run.folder}"

    def note(name, entries):
        (tmp_path / name).write_bytes(run.log.note(entries))
        return tmp_path / name
    a, b = note("a", whole[:300]), note("b", whole[:600])
    assert run("compare", a, b, source)["history"] == "one"
    assert run("compare", b, a, source)["history"] == "one"
    assert run("compare", a, a)["history"] == "one"
    assert run("compare", a, b, status=2)
    evidence = tmp_path / "e.json"
    for left, right in ((note("c", fork(300, 299)), b), (a, note("d", fork(600, 0))), (a, note("f", fork(300, 1))),
                        (note("g", fork(300, 5)), note("h", fork(600, 5))), (b, note("i", fork(700, 1)))):
        evidence.unlink(missing_ok=True)
        found = run("compare", left, right, source, f"--save={evidence}", status=1)
        assert found["history"] == "two", (left, right)
        assert run("evidence", evidence)["proves"] is True
        check_evidence(run.log, json.loads(evidence.read_text()))
    assert run("compare", a, note("j", entries_of(701)), source, status=3)


# the real server

def test_of_the_server(make, tmp_path):
    """With an auditor's key for the entries; run again after more was accepted; then served by any web server."""
    city = make.city(**{"http.enabled": "yes"})
    server = city.server
    auditor = city.enrol("auditor", 61)
    (tmp_path / "key").write_text(auditor.key.secret_text())
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "vkey").write_text(server.log.vkey)
    (tmp_path / "token").write_text(token_of(city, auditor))

    def run(*arguments, status=0):
        done = subprocess.run([MANIFEST, "log", *arguments, "--json", "--lang=en", f"--log={tmp_path / 'vkey'}"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
                              env=os.environ | {"HOME": str(tmp_path)})
        assert done.returncode == status, (done.stdout, done.stderr)
        return json.loads(done.stdout)
    url = f"--url=http://127.0.0.1:{server.http}"
    first = run("mirror", tmp_path / "copy", url, f"--key={tmp_path / 'key'}", f"--ca={server.tls / 'ca.crt'}",
                f"--server=localhost:{server.port}", f"--state={tmp_path / 'state'}")
    old = (tmp_path / "copy/checkpoint").read_text()
    connection = city.connect(city.generator)
    connection.submit_all([city.trail().issued()[0] for _ in range(300)])
    second = run("mirror", tmp_path / "copy", url, f"--token={tmp_path / 'token'}")
    assert int(second["size"]) >= int(first["size"]) + 300
    (tmp_path / "old").write_text(old)
    assert run("compare", tmp_path / "old", tmp_path / "copy/checkpoint", f"--mirror={tmp_path / 'copy'}")["history"] == "one"
    assert run("compare", tmp_path / "old", tmp_path / "copy/checkpoint", url)["history"] == "one"
    fetch = copied(tmp_path / "copy")
    checkpoint = server.log.checkpoint(fetch["/checkpoint"].decode())
    assert tiles.root(fetch.__getitem__, checkpoint.size) == checkpoint.root
    entries = [e for n, w in tiles.widths("entries", checkpoint.size)
               for e in tiles.entries_in(fetch[tiles.path("entries", n, w)], w)]
    assert merkle.root_of([merkle.leaf_hash(e) for e in entries]) == checkpoint.root
