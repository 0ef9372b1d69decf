"""The high-water file, at every system call that concerns it: no error makes the server sign what a later start denies."""
import collections
import re

import pytest
from city import City
from inject import needs_strace
from ledger import Ledger, high_water
from server import until

pytestmark = [pytest.mark.slow, needs_strace]

# What each call may return without having done anything.
WAYS = {
    "openat": ("error=EIO", "error=ENOSPC", "error=EINTR", "error=EMFILE"),
    "fstat": ("error=EIO",),
    "newfstatat": ("error=EIO",),
    "flock": ("error=EIO", "error=ENOLCK"),
    "pread64": ("error=EIO", "error=EINTR", "retval=0", "retval=100"),
    "pwrite64": ("error=EIO", "error=ENOSPC", "error=EINTR", "retval=0", "retval=100"),
    "fsync": ("error=EIO", "error=ENOSPC", "error=EINTR"),
    "fdatasync": ("error=EIO", "error=ENOSPC", "error=EINTR"),
    "close": ("error=EIO",),
}


class Starts:
    """One log's server, started again and again."""

    def __init__(self, make):
        self.server = make.server(**{"sweep.interval": "1 h"})
        self.city = City(self.server)
        self.file = self.server.folder / "high-water"
        self.trace = self.server.folder / "trace"
        self.ledger = Ledger(self.server)
        self.known = {}

    def start(self, made, *more):
        """With every call traced that concerns the file or its folder. The file is there already, or must be made."""
        if self.server.process.poll() is None:
            self.server.kill()
        if made:
            self.file.unlink(missing_ok=True)
        self.trace.unlink(missing_ok=True)
        self.server.start(ready=False, under=["strace", "-D", "-f", "-o", self.trace, "-P", self.file, "-P",
                                              self.server.folder, *more])
        until(lambda: self.server.process.poll() is not None or any(
            ln.fields.get("what") == "writing" for ln in self.server.lines()), "writing or ended")

    def calls(self, made):
        """What a start and one batch call, by name."""
        if made not in self.known:
            self.start(made)
            self.submit()
            self.known[made] = collections.Counter(re.findall(r"^\d+ +(\w+)\(", self.trace.read_text(), re.M))
        return self.known[made]

    def submit(self):
        self.city.connections.clear()
        with self.city.connect(self.city.generator) as c:
            self.ledger.take(c.submit(self.city.trail().issued()[0]))
        self.ledger.holds(self.file)


@pytest.fixture(scope="module")
def starts(module_make):
    return Starts(module_make)


MADE = pytest.mark.parametrize("made", [True, False], ids=["made", "opened"])


@MADE
def test_the_table_has_every_call(starts, made):
    calls = set(starts.calls(made))
    assert calls <= set(WAYS)
    assert {"openat", "flock", "pread64", "pwrite64", "fdatasync"} | ({"fsync"} if made else set()) <= calls


@MADE
@pytest.mark.parametrize("call,way", [(c, w) for c, ways in WAYS.items() for w in ways])
def test_a_call_fails(starts, made, call, way):
    """The first of its kind, the second, ...: the server goes on, or ends and says what to do. It is started again."""
    server = starts.server
    for nth in range(1, starts.calls(made)[call] + 1):
        starts.start(made, "-e", f"inject={call}:{way}:when={nth}")
        if server.process.poll() is None:
            starts.submit()
        else:
            said = server.tail()
            assert server.process.returncode == 1
            assert f"high-water file {starts.file}: cannot " in said and "See to its disk" in said
        assert "INJECTED" in starts.trace.read_text()
        server.kill()
        server.start()
        starts.submit()
        assert server.sql("SELECT size FROM log_head")[0][0] == high_water(starts.file)[0]
