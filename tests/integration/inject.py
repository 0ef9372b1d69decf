"""System calls of a running process that fail, or at which it is killed or stopped."""
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest
from server import until

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def thread_of(pid, name):
    """The only thread of this name."""
    found = [t.parent.name for t in pathlib.Path(f"/proc/{pid}/task").glob("*/comm") if t.read_text().strip() == name]
    assert len(found) == 1, (name, found)
    return int(found[0])


class Inject:
    """`what` as strace's inject takes it: CALL:error=E, CALL:retval=N or CALL:signal=S, and :when=N. It concerns all
    threads of a process, or one thread when its id is given. A signal that kills comes in place of the call, one that
    stops comes after it."""

    def __init__(self, what, *more, process=None, thread=None):
        self.folder = tempfile.TemporaryDirectory(prefix="inject", dir="/var/tmp")
        self.out = pathlib.Path(self.folder.name, "out")
        said = pathlib.Path(self.folder.name, "said")
        target = ["-f", "-p", str(process)] if thread is None else ["-p", str(thread)]
        with open(said, "wb") as f:
            self.process = subprocess.Popen(["strace", *target, "-o", self.out, "-e", "trace=" + what.split(":")[0],
                                             "-e", "inject=" + what, *more], stderr=f)
        until(lambda: "attached" in said.read_text(), "attached")

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.process.terminate()
        self.process.wait(20)
        self.folder.cleanup()

    def calls(self):
        return self.out.read_text()

    def wait_injected(self):
        until(lambda: re.search(r"INJECTED|killed by|stopped by", self.calls()), "injected")

    def wait_stopped(self):
        until(lambda: "stopped by" in self.calls(), "stopped")
