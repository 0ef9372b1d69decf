"""A witness's folder, at every system call that concerns it: nothing is cosigned that is not stored, nothing forgotten."""
import os
import re
import subprocess

import pytest
from inject import needs_strace
from server import until
from test_witness import TestLog, Witness, accepted

pytestmark = [pytest.mark.slow, needs_strace]  # the leak checker does not run under strace

WAYS = {
    "access": ("EIO",), "newfstatat": ("EIO",), "mkdir": ("EIO", "ENOSPC"), "openat": ("EIO", "ENOSPC", "EMFILE"),
    "flock": ("EIO", "ENOLCK"), "read": ("EIO", "EINTR"), "write": ("EIO", "ENOSPC", "EINTR"), "fsync": ("EIO", "ENOSPC"),
    "close": ("EIO",), "rename": ("EIO", "ENOSPC"), "unlink": ("EIO",),
}


class Traced(Witness):
    """A witness that is started under strace."""

    def __init__(self, folder, log):
        super().__init__(folder, log, new=False)
        self.log = log
        self.trace = folder / "trace"

    def run(self, *more, inject=None):
        """Starts it; what it says when it does not start, with its exit status."""
        self.stop(9)
        (self.folder / "errors").unlink(missing_ok=True)
        what = ["-e", f"inject={inject}"] if inject else []
        try:
            self.start(*more, under=["strace", "-D", "-y", "-o", self.trace, "-e", "trace=" + ",".join(WAYS), *what])
        except AssertionError:
            self.process.wait(20)
            self.process.stdout.close()
            status, self.process = self.process.returncode, None
            return status, (self.folder / "errors").read_text()
        return None

    def calls(self):
        """Those that concern the folder, as (name, which of its name)."""
        counts, found = {}, []
        for line in self.trace.read_text().splitlines():
            if call := re.match(r"(\w+)\(", line):
                counts[call[1]] = counts.get(call[1], 0) + 1
                if f"{self.folder}/witness" in line:
                    found.append((call[1], counts[call[1]]))
        return found


@pytest.fixture
def traced(tmp_path):
    witness = Traced(tmp_path, TestLog())
    yield witness
    witness.stop(9)


def must_say(failure, folder):
    status, said = failure
    assert status in (2, 3)
    assert f"{folder}/witness" in said and "check the path, its disk" in said


def test_each_call_of_the_first_start(traced):
    """Whatever of the folder is there afterwards: with --new or without it starts."""
    traced.run("--new")
    calls = traced.calls()
    assert {"mkdir", "openat", "flock", "write", "fsync", "rename"} <= {name for name, _ in calls}
    for name, nth in calls:
        for error in WAYS[name]:
            traced.stop(9)
            subprocess.run(["rm", "-r", traced.folder / "witness"], check=True)
            failure = traced.run("--new", inject=f"{name}:error={error}:when={nth}")
            assert "INJECTED" in traced.trace.read_text()
            if failure is not None:
                must_say(failure, traced.folder)
                assert traced.run("--new") is None or traced.run() is None
            accepted(traced, traced.log, 0, 3)


def test_each_call_of_a_start(traced):
    traced.run("--new")
    accepted(traced, traced.log, 0, 3)
    assert traced.run() is None
    size = 3
    for name, nth in traced.calls():
        for error in WAYS[name]:
            failure = traced.run(inject=f"{name}:error={error}:when={nth}")
            assert "INJECTED" in traced.trace.read_text()
            if failure is not None:
                must_say(failure, traced.folder)
                for advice in ("new key", "another program", "altered", "another witness"):
                    assert advice not in failure[1], (name, nth, error)
                assert traced.run() is None
            assert traced.add(traced.log.request(0, size + 1))[::2] == (409, f"{size}\n")
            accepted(traced, traced.log, size, size + 1)
            size += 1


class Request:
    """A request to the running witness, with what concerns the file it writes traced, and one call of it injected."""

    def __init__(self, traced, name):
        self.traced = traced
        base = f"{traced.folder}/witness/{traced.path_of(traced.log)[1:65]}.{name}"
        self.paths = [base, f"{base}.{traced.process.pid}.new", f"{traced.folder}/witness"]

    def send(self, body, inject=None):
        out, said = self.traced.folder / "request", self.traced.folder / "said"
        only = [x for p in self.paths for x in ("-P", p)]
        with open(said, "wb") as f:
            strace = subprocess.Popen(["strace", "-p", str(self.traced.process.pid), "-o", out, *only, "-e", "trace=" +
                                       ",".join(WAYS), *(["-e", f"inject={inject}"] if inject else [])], stderr=f)
        until(lambda: "attached" in said.read_text(), "attached")
        answer = self.traced.add(body)
        strace.terminate()
        strace.wait(20)
        names = re.findall(r"^(\w+)\(", out.read_text(), re.M)
        assert inject is None or "INJECTED" in out.read_text()
        return answer, [(n, names[:i + 1].count(n)) for i, n in enumerate(names)]


def test_each_call_of_a_cosignature(traced):
    """No cosignature is answered that is not in the file, then and after a crash; whichever call failed."""
    traced.start("--new")
    log, size = traced.log, 5
    accepted(traced, log, 0, size)
    _, calls = Request(traced, "checkpoint").send(log.request(size, size + 1))
    size += 1
    assert {"openat", "write", "fsync", "close", "rename"} <= {name for name, _ in calls}
    for name, nth in calls:
        for error in WAYS[name]:
            request = Request(traced, "checkpoint")
            (status, _, body), _ = request.send(log.request(size, size + 1), f"{name}:error={error}:when={nth}")
            if status == 200:
                size += 1
                assert traced.stored(log) == log.sign(log.text(size)) + body
            else:
                assert status == 500 and "\u2014" not in body
                said = (traced.folder / "errors").read_text()
                assert f"{traced.folder}/witness/" in said and "check that disk" in said
            traced.stop(9)
            traced.start()
            stored = int(traced.stored(log).split("\n")[1])
            assert size <= stored <= size + 1
            assert traced.add(log.request(stored, stored + 1, fork=True))[0] == 422
            accepted(traced, log, stored, stored + 1)
            size = stored + 1


def test_each_call_of_evidence(traced):
    """Evidence is kept or it is not, and what was kept before stays as it is."""
    traced.start("--new")
    log = traced.log
    accepted(traced, log, 0, 7)
    assert traced.add(log.request(7, 9, fork=True))[0] == 422
    first, = (traced.folder / "witness").glob("*.evidence-0")
    kept = first.read_text()
    (status, _, _), calls = Request(traced, "evidence-1").send(log.request(7, 10, fork=True))
    assert status == 422 and "rename" in dict(calls)
    os.unlink(str(first)[:-1] + "1")
    for name, nth in calls + [("access", 1)]:
        for error in WAYS[name]:
            (status, _, body), _ = Request(traced, "evidence-0" if name == "access" else "evidence-1").send(
                log.request(7, 10, fork=True), f"{name}:error={error}:when={nth}")
            assert status == 422 and "\u2014" not in body
            assert first.read_text() == kept
            for other in (traced.folder / "witness").glob("*.evidence-[1-9]*"):
                assert other.read_text() == log.request(7, 10, fork=True)
                other.unlink()
    accepted(traced, log, 7, 9)
