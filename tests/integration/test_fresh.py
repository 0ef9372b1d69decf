"""The first commands of somebody new: without the packages and the right to install them, and `make serve` twice."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import urllib.request

import pytest

from server import BUILD, ROOT

pytestmark = pytest.mark.slow  # what is looked at here is make and the shell's part

GROUPS = {"all": ("libpq-dev",), "demo": ("libpq-dev", "postgresql"), "test": ("libpq-dev", "postgresql", "clang")}


@pytest.fixture(name="bare")
def fixture_bare(tmp_path):
    """The environment of a user without rights on a bare machine."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, script in ("dpkg-query", "exit 1"), ("sudo", "exit 1"), ("id", "echo 1000"):
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    return kept | {"PATH": f"{tools}:{os.environ['PATH']}"}


@pytest.mark.parametrize("goal", GROUPS)
def test_one_command(bare, tmp_path, goal):
    """Whatever the goal, one command installs all it needs: nobody is sent to the administrator twice."""
    done = subprocess.run(["make", "-C", ROOT, f"BUILD={tmp_path / 'build'}", "FLAVOR=release", goal], env=bare, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 2, done
    commands = [line for line in done.stderr.splitlines() if line.startswith("sh -c '")]
    assert len(commands) == 1 and commands[0].endswith("'") and commands[0].count("'") == 2, done.stderr
    names = commands[0].rstrip("'").split("--no-install-recommends ")[1].split()
    assert len(names) == len(set(names))
    for group, wanted in GROUPS.items():
        if group in ("all", goal):
            assert set(wanted) <= set(names)
    assert ("clang" in names) == (goal == "test")
    assert ("no-main-cluster" in commands[0]) == ("postgresql" in names)


@contextlib.contextmanager
def serving(folder, ends=0):
    """deploy/serve in the folder, and its HTTP address. It ends with this status, of itself or when it is interrupted."""
    ports = {"MANIFESTD_LISTEN_PORT": "0", "MANIFESTD_HTTP_PORT": "0"}
    process = subprocess.Popen([ROOT / "deploy/serve", BUILD, folder], env=os.environ | ports, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        said, port = "", None
        while "what=writing" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
            port = port or re.search(r"http.listening .*port=(\d+)", line)
        yield f"http://127.0.0.1:{port[1]}"
    finally:
        if ends == 0:
            os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == ends


def test_serve_twice(work):
    """A second server in the same folder is refused, and takes nothing from the first; a third takes up what is there."""
    folder = work / "serve"
    with serving(folder) as url:
        second = subprocess.run([ROOT / "deploy/serve", BUILD, folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, timeout=60, check=False)
        assert second.returncode == 3 and "end it first" in second.stderr, second
        with urllib.request.urlopen(url + "/readyz", timeout=10) as answer:
            assert answer.status == 200
    with serving(folder):
        pass


def test_serve_whose_server_is_killed(work):
    """It ends with the server, however that ends, and stops the database."""
    folder = work / "serve"
    with serving(folder, ends=128 + signal.SIGKILL):
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"--config\0{folder}/manifestd.conf\0run" in (process / "cmdline").read_text():
                    os.kill(int(process.name), signal.SIGKILL)
    assert not (folder / "pg" / "data" / "postmaster.pid").exists()


def test_serve_without_a_witness_that_was_asked_for(work):
    """Who asks for witnesses is not served without one of them: it is said which, and nothing is left behind."""
    folder = work / "serve"

    def serve(names):
        return subprocess.run([ROOT / "deploy/serve", BUILD, folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=120, check=False,
                              env=os.environ | {"MANIFEST_WITNESSES": names, "MANIFESTD_LISTEN_PORT": "0", "MANIFESTD_HTTP_PORT": "0"})

    for bad in ("../x", "two two", "keys", "A", "log", "registrar"):
        done = serve(bad)
        assert done.returncode == 2 and "each name once" in done.stderr, done
    (folder / "south" / "witness").mkdir(parents=True)  # it has lost what it cosigned
    done = serve("north south")
    assert done.returncode == 3 and "the witness south does not start" in done.stderr, done
    assert "server.listening" not in done.stderr
    assert not (folder / "pg" / "data" / "postmaster.pid").exists()
    with contextlib.suppress(ProcessLookupError):
        os.kill(int((folder / "north" / "pid").read_text()), 0)
        raise AssertionError("a witness is left behind")
