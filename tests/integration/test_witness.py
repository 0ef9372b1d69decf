"""`manifest witness` as a process of its own, asked by a log that is written here from the specification alone."""
import base64
import concurrent.futures
import hashlib
import http.client
import os
import re
import signal
import socket
import struct
import subprocess
import time

import nacl.signing
import pytest
from inject import Inject, needs_strace
from manifest_client import Key, merkle
from server import BUILD

MANIFEST = BUILD / "manifest"
ORIGIN = "witnessed.example/log"
NAME = "witness.example/沈阳"


def b64(raw):
    return base64.b64encode(raw).decode()


def written_key(name, kind, public):
    raw = bytes([kind]) + public
    return f"{name}+{hashlib.sha256(name.encode() + bytes([10]) + raw).digest()[:4].hex()}+{b64(raw)}"


def subproof(m, leaves, whole):
    """RFC 6962, 2.1.2, word for word."""
    n = len(leaves)
    if m == n:
        return [] if whole else [merkle.root_of(leaves)]
    k = 1 << (n - 1).bit_length() - 1
    if m <= k:
        return subproof(m, leaves[:k], whole) + [merkle.root_of(leaves[k:])]
    return subproof(m - k, leaves[k:], False) + [merkle.root_of(leaves[:k])]


class TestLog:
    """A log of numbered leaves; `fork` changes all from leaf 5 on."""
    __test__ = False

    def __init__(self, origin=ORIGIN, key_name=None, key=None):
        self.origin, self.key_name, self.key = origin, key_name or origin, key or Key()
        self.vkey = written_key(self.key_name, 1, self.key.public)

    def leaves(self, size, fork=False):
        return [merkle.leaf_hash(b"%d%s" % (i, b"x" if fork and i >= 5 else b"")) for i in range(size)]

    def text(self, size, fork=False):
        return f"{self.origin}\n{size}\n{b64(merkle.root_of(self.leaves(size, fork)))}\n"

    def sign(self, text):
        key_id = bytes.fromhex(self.vkey.split("+")[1])
        return f"{text}\n\u2014 {self.key_name} {b64(key_id + self.key.sign(text.encode()))}\n"

    def request(self, old, size, fork=False, proof=None):
        if proof is None:
            proof = subproof(old, self.leaves(size, fork), True) if 0 < old <= size else []
        return f"old {old}\n" + "".join(b64(h) + "\n" for h in proof) + "\n" + self.sign(self.text(size, fork))


class Witness:
    def __init__(self, folder, *logs, new=True, more=()):
        self.folder, self.logs, self.more = folder, logs, more
        self.key = Key()
        (folder / "key").write_text(self.key.secret_text())
        (folder / "key").chmod(0o600)
        self.vkey = written_key(NAME, 4, self.key.public)
        self.process = None
        if new:
            self.start("--new")

    def command(self, *more):
        watch = [f"--watch={log.vkey}" + (f" {log.origin}" if log.origin != log.key_name else "") for log in self.logs]
        return [str(MANIFEST), "witness", "--lang=en", f"--key={self.folder / 'key'}", f"--state={self.folder}",
                f"--name={NAME}", "--listen=127.0.0.1:0", *watch, *self.more, *more]

    def start(self, *more, under=()):
        with open(self.folder / "errors", "ab") as errors:
            self.process = subprocess.Popen([*under, *self.command(*more)], stdout=subprocess.PIPE, stderr=errors,
                                            text=True, start_new_session=True)
        self.said = []
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            if line.startswith("listening on "):
                self.port = int(line.rsplit(":", 1)[1])
                return self
        raise AssertionError(f"{self.said} {(self.folder / 'errors').read_text()}")

    def refused(self, *more):
        """Standard error of a start that must fail."""
        done = subprocess.run(self.command(*more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20,
                              check=False)
        assert done.returncode in (2, 3)
        return done.stderr

    def stop(self, how=signal.SIGTERM):
        if self.process is not None:
            os.killpg(self.process.pid, how)
            self.process.wait(20)
            self.process.stdout.close()
            status, self.process = self.process.returncode, None
            return status
        return None

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, None if body is None else body.encode(), headers or {})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type"), answer.read().decode()
        finally:
            connection.close()

    def add(self, request):
        return self.ask("POST", "/add-checkpoint", request)

    def raw(self, data, shut=False):
        """Everything that is answered to these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as s:
            s.sendall(data)
            if shut:
                s.shutdown(socket.SHUT_WR)
            parts = []
            while part := s.recv(65536):
                parts.append(part)
            return b"".join(parts).decode()

    def path_of(self, log):
        return f"/{hashlib.sha256(log.origin.encode()).hexdigest()}/checkpoint"

    def stored(self, log):
        return (self.folder / "witness" / (hashlib.sha256(log.origin.encode()).hexdigest() + ".checkpoint")).read_text()

    def cosigned(self, line, text):
        """The time of a cosignature, verified by another library."""
        dash, name, value = line.rstrip("\n").split(" ")
        raw = base64.b64decode(value)
        assert (dash, name, raw[:4].hex()) == ("\u2014", NAME, self.vkey.split("+")[1]) and len(raw) == 76
        at, = struct.unpack(">Q", raw[4:12])
        nacl.signing.VerifyKey(self.key.public).verify(f"cosignature/v1\ntime {at}\n{text}".encode(), raw[12:])
        return at


@pytest.fixture
def log():
    return TestLog()


@pytest.fixture
def witness(tmp_path, log):
    w = Witness(tmp_path, log)
    yield w
    w.stop(signal.SIGKILL)


def accepted(witness, log, old, size, fork=False):
    status, _, body = witness.add(log.request(old, size, fork))
    assert status == 200, body
    assert abs(witness.cosigned(body, log.text(size, fork)) - time.time()) < 60
    assert witness.stored(log) == log.sign(log.text(size, fork)) + body
    return body


def test_it_grows_with_the_log(witness, log):
    assert witness.said[0] == witness.vkey
    assert f"watching {ORIGIN}, cosigned up to size 0" in witness.said
    assert witness.ask("GET", witness.path_of(log))[0] == 404
    for old, size in ((0, 3), (3, 3), (3, 4), (4, 11), (11, 64)):
        line = accepted(witness, log, old, size)
        assert witness.ask("GET", witness.path_of(log)) == (
            200, "text/plain; charset=utf-8", log.sign(log.text(size)) + line)


def test_no_place_is_taken_from_evidence(witness, log):
    """Anybody can send a checkpoint of the log's with a wrong proof, or what is evidence again and again."""
    accepted(witness, log, 0, 7)
    for size in range(8, 30):
        assert witness.add(log.request(7, size, proof=[bytes(32)]))[0] == 422
    for extra in range(20):
        fork = log.request(7, 9, fork=True) + f"\u2014 other{extra} {b64(bytes(68))}\n"
        assert witness.add(fork)[0] == 422
    assert witness.add(log.request(7, 10, fork=True))[0] == 422
    evidence = sorted((witness.folder / "witness").glob("*.evidence-*"))
    assert [e.read_text().split("\n\n")[1].split("\n")[1] for e in evidence] == ["9", "10"]
    accepted(witness, log, 7, 30)


def test_silence_keeps_nobody_out(witness, log):
    """More connections than there are places, each with half a request: the log is cosigned all the same, at once."""
    silent = []
    try:
        for _ in range(700):
            silent.append(socket.create_connection(("127.0.0.1", witness.port), timeout=5))
            silent[-1].sendall(b"POST /add-checkpoint HTTP/1.1\r\n")
        begun = time.monotonic()
        accepted(witness, log, 0, 7)
        assert time.monotonic() - begun < 3
    finally:
        for s in silent:
            s.close()


@pytest.mark.parametrize("last,old,size,fork,status", [
    (0, 3, 7, False, 409), (7, 0, 9, False, 409), (7, 3, 9, False, 409), (7, 8, 9, False, 409),
    (7, 9, 8, False, 400), (7, 7, 6, False, 400),
    (7, 7, 7, True, 422), (7, 7, 9, True, 422),
])
def test_outcomes(witness, log, last, old, size, fork, status):
    if last:
        accepted(witness, log, 0, last)
    before = witness.stored(log) if last else None
    got, kind, body = witness.add(log.request(old, size, fork))
    assert got == status
    if status == 409:
        assert (kind, body) == ("text/x.tlog.size", f"{last}\n")
    if last:
        assert witness.stored(log) == before
        accepted(witness, log, last, 20)  # and it goes on with the true history
    evidence = list((witness.folder / "witness").glob("*.evidence-*"))
    assert [e.read_text() for e in evidence] == ([log.request(old, size, fork)] if status == 422 else [])


def test_a_proof_where_there_is_none(witness, log):
    some = [merkle.leaf_hash(b"x")]
    assert witness.add(log.request(0, 7, proof=some))[0] == 422
    accepted(witness, log, 0, 7)
    assert witness.add(log.request(7, 7, proof=some))[0] == 422
    assert witness.add(log.request(7, 9, proof=[]))[0] == 422


def test_who_signed(witness, log):
    stranger = TestLog()
    assert witness.add(stranger.request(0, 7))[0] == 403
    assert witness.add(TestLog("other.example/log").request(0, 7))[0] == 404
    other_origin = TestLog("other.example/log", ORIGIN, log.key)
    assert witness.add(other_origin.request(0, 7))[0] == 404
    # the lines of strangers are not kept, nor what others say in this witness's name
    request = log.request(0, 7)
    status, _, body = witness.add(request + "\u2014 stranger.example AAAAAAAA\n")
    assert status == 200 and witness.stored(log) == log.sign(log.text(7)) + body
    forged = body[:-8] + ("A" if body[-8] != "A" else "B") + body[-7:]
    assert witness.add(log.request(7, 8) + forged)[0] == 403


@pytest.mark.parametrize("body", ["", "old 0\n", "old 0\n\n", "old 00\n\nx\n", "old 0\n\n" + ORIGIN + "\n7\n",
                                  "old 1\nAAAA\n\n" + ORIGIN + "\n"])
def test_malformed(witness, body):
    assert witness.add(body)[0] == 400


def test_an_extension_line_is_cosigned(witness, log):
    text = log.text(7) + "an extension\n"
    status, _, body = witness.add("old 0\n\n" + log.sign(text))
    assert status == 200
    witness.cosigned(body, text)
    witness.stop()
    witness.start()
    accepted(witness, log, 7, 9)


def test_several_logs_and_an_origin_that_is_not_the_name(tmp_path):
    logs = TestLog(), TestLog("go.sum database tree", "sum.example"), TestLog("third.example/log")
    policy = tmp_path / "policy"
    policy.write_text(f"log {logs[2].vkey}\nquorum none\n")
    witness = Witness(tmp_path, *logs[:2], more=[f"--policy={policy}"])
    try:
        for i, log in enumerate(logs):
            accepted(witness, log, 0, 3 + i)
        for i, log in enumerate(logs):
            accepted(witness, log, 3 + i, 9)
    finally:
        witness.stop(signal.SIGKILL)


# ---- what it remembers ----

def test_restart(witness, log):
    accepted(witness, log, 0, 7)
    assert witness.stop() == 0
    witness.start()
    assert f"watching {ORIGIN}, cosigned up to size 7" in witness.said
    assert witness.ask("GET", witness.path_of(log))[2] == witness.stored(log)
    assert witness.add(log.request(0, 9))[::2] == (409, "7\n")
    accepted(witness, log, 7, 9)


def test_two_requests_race(witness, log):
    """From one size to two sizes and two histories: one is cosigned, the others are told of it."""
    accepted(witness, log, 0, 7)
    requests = [log.request(7, 8 + i) for i in range(8)] + [log.request(7, 8, fork=True)] * 4
    with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
        answers = list(pool.map(witness.add, requests))
    good = [i for i, a in enumerate(answers) if a[0] == 200]
    assert len(good) == 1 and good[0] < 8
    assert {a[0] for a in answers[:8]} == {200, 409}
    assert witness.stored(log) == log.sign(log.text(8 + good[0])) + answers[good[0]][2]


@needs_strace
@pytest.mark.parametrize("call,when,stored", [("fsync", 1, False), ("rename", 1, False), ("fsync", 2, True)])
def test_killed_between_store_and_answer(witness, log, call, when, stored):
    """The signal comes in place of the system call: after the rename the new size is there; no answer was given."""
    accepted(witness, log, 0, 7)
    before = witness.stored(log)
    with Inject(f"{call}:signal=KILL:when={when}", process=witness.process.pid):
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            witness.add(log.request(7, 9))
    witness.stop(signal.SIGKILL)
    if stored:
        assert witness.stored(log).startswith(log.sign(log.text(9)))
    else:
        assert witness.stored(log) == before
    witness.start()
    last = 9 if stored else 7
    assert witness.add(log.request(0, 12))[::2] == (409, f"{last}\n")
    assert witness.add(log.request(last, 12, fork=True))[0] == 422
    accepted(witness, log, last, 12)


@needs_strace
@pytest.mark.parametrize("call,error", [("openat", "EMFILE"), ("write", "ENOSPC"), ("write", "EIO"), ("fsync", "EIO"),
                                        ("fsync", "EIO:when=2"), ("close", "EIO"), ("rename", "EROFS")])
def test_a_disk_that_fails(witness, log, tmp_path, call, error):
    """Nothing is cosigned that could not be stored; when the disk is well again, it goes on."""
    accepted(witness, log, 0, 7)
    aside = f"{tmp_path / 'witness' / hashlib.sha256(ORIGIN.encode()).hexdigest()}.checkpoint.{witness.process.pid}.new"
    only = () if call in ("fsync", "rename") else ("-P", aside)
    with Inject(f"{call}:error={error}", *only, process=witness.process.pid):
        status, _, body = witness.add(log.request(7, 9))
        assert status == 500 and "\u2014" not in body
    assert not os.path.exists(aside)
    assert witness.add(log.request(0, 9))[::2] == (409, "7\n")
    assert witness.ask("GET", witness.path_of(log))[2].startswith(log.sign(log.text(7)))
    accepted(witness, log, 7, 9)


# ---- when it does not start ----

def test_refusals_to_start(witness, log, tmp_path):
    accepted(witness, log, 0, 7)
    assert "another program uses" in witness.refused()
    witness.stop()
    assert "already" in witness.refused("--new")
    file = next((tmp_path / "witness").glob("*.checkpoint"))
    good = file.read_text()
    for bad in ("", good[:-20], good.replace("\n7\n", "\n6\n"), log.sign(log.text(7)), good + "\n"):
        file.write_text(bad)
        assert "altered" in witness.refused()
    file.write_text(good)
    os.rename(tmp_path / "witness", tmp_path / "lost")
    assert "not there" in witness.refused()
    os.rename(tmp_path / "lost", tmp_path / "witness")
    (tmp_path / "key").chmod(0o640)
    assert "others can read" in witness.refused()
    (tmp_path / "key").write_text(Key().secret_text())
    (tmp_path / "key").chmod(0o600)
    assert "another witness" in witness.refused()


@pytest.mark.parametrize("more,words", [
    (["--watch=x"], "not a log's key"), (["--listen=localhost:0"], "in numbers"), (["--listen=1"], "in numbers"),
    (["--policy=/nowhere"], "/nowhere"), (["--name=a b"], "no space"),
])
def test_wrong_options(tmp_path, log, more, words):
    witness = Witness(tmp_path, log, new=False)
    assert words in witness.refused("--new", *more)


def test_no_log_and_a_bad_policy(tmp_path):
    witness = Witness(tmp_path, new=False)
    assert "no log is named" in witness.refused("--new")
    (tmp_path / "policy").write_text("quorum none\nquorum none\n")
    assert "policy:2" in witness.refused("--new", f"--policy={tmp_path / 'policy'}")


def test_print(tmp_path):
    witness = Witness(tmp_path, new=False)
    printed = subprocess.run([MANIFEST, "witness", f"--key={tmp_path / 'key'}", f"--name={NAME}", "--print"], check=True,
                             timeout=20, stdout=subprocess.PIPE, text=True).stdout
    assert printed == witness.vkey + "\n"


# ---- HTTP at its worst ----

@pytest.mark.parametrize("request_head,status", [
    ("GET / HTTP/1.1\r\n", 404), ("GET /add-checkpoint HTTP/1.1\r\n", 405), ("POST /add-checkpoint HTTP/1.1\r\n", 411),
    ("POST /add-checkpoint/ HTTP/1.1\r\nContent-Length: 0\r\n", 404),
    ("POST /add-checkpoint?x HTTP/1.1\r\nContent-Length: 0\r\n", 404),
    ("POST /add-checkpoint HTTP/1.1\r\nContent-Length: 262145\r\n", 413),
    ("POST /add-checkpoint HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n", 400),
    ("POST /add-checkpoint HTTP/1.1\r\nContent-Length: -1\r\n", 400),
    ("POST /add-checkpoint HTTP/1.1\r\nContent-Length: +1\r\n", 400),
    ("POST /add-checkpoint HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0\r\n", 400),
    ("POST /add-checkpoint HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", 501),
    ("POST /add-checkpoint HTTP/2.0\r\n", 505), ("POST /add-checkpoint\r\n", 400), ("\r\n", 400),
    ("GET  / HTTP/1.1\r\n", 400), ("GET / HTTP/1.1\r\n folded: x\r\n", 400), ("GET / HTTP/1.1\r\nA : x\r\n", 400),
    ("GET / HTTP/1.1\nA: x\r\n", 400), ("GET / HTTP/1.1\r\nA: " + "x" * 9000 + "\r\n", 431),
])
def test_heads(witness, request_head, status):
    answer = witness.raw(request_head.encode() + b"\r\n")
    assert int(re.match(r"HTTP/1.1 (\d+) ", answer)[1]) == status
    assert witness.ask("GET", "/")[0] == 404  # and it is well


def test_a_client_that_waits_for_leave(witness, log):
    body = log.request(0, 7).encode()
    with socket.create_connection(("127.0.0.1", witness.port), timeout=20) as s:
        s.sendall(b"POST /add-checkpoint HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert s.recv(100).startswith(b"HTTP/1.1 100 ")
        s.sendall(body)
        assert s.recv(100).startswith(b"HTTP/1.1 200 ")


def test_slow_and_many(witness, log):
    """Idle and dripping clients do not keep others out, and are cut off by one deadline."""
    idle = [socket.create_connection(("127.0.0.1", witness.port), timeout=40) for _ in range(40)]
    for s in idle[:20]:
        s.sendall(b"POST /add-checkpoint HTTP/1.1\r\n")
    accepted(witness, log, 0, 7)
    begun = time.monotonic()
    drip = idle[0]
    with pytest.raises((ConnectionError, AssertionError)):
        while True:
            drip.sendall(b"a")
            assert time.monotonic() - begun < 14
            drip.settimeout(0.5)
            try:
                assert drip.recv(1) != b""
            except TimeoutError:
                pass
    assert time.monotonic() - begun < 14
    for s in idle:
        s.close()


def test_a_client_that_shuts_its_side(witness, log):
    body = log.request(0, 7).encode()
    answer = witness.raw(b"POST /add-checkpoint HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body), shut=True)
    assert answer.startswith("HTTP/1.1 200 ")
    half = witness.raw(b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 10\r\n\r\nold", shut=True)
    assert half == ""


def test_head_and_unknown_methods(witness, log):
    accepted(witness, log, 0, 7)
    assert witness.ask("HEAD", witness.path_of(log)) == (200, "text/plain; charset=utf-8", "")
    assert witness.ask("PUT", witness.path_of(log), "x")[0] == 405
    assert witness.ask("GET", witness.path_of(log).upper())[0] == 404
