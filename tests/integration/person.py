"""Somebody at a terminal: a home with a configuration file, a key, and nothing but the program `manifest`."""
import json
import os
import subprocess
import threading

from server import BUILD

MANIFEST = (BUILD / "manifest").resolve()


class Done:
    """How a command ended: its exit status, what it printed, and what it said on standard error."""

    def __init__(self, words, process, out, err):
        self.words, self.status, self.out, self.err = words, process.returncode, out, err

    def __repr__(self):
        return f"$ manifest {' '.join(map(str, self.words))}\n{self.out}{self.err}[{self.status}]"

    def __contains__(self, text):
        return text in self.out or text in self.err


class Person:
    def __init__(self, home, server, role, key_text=None):
        self.home, self.role, self.key = home, role, home / "key"
        folder = home / ".config/manifest"
        folder.mkdir(parents=True)
        self.config = folder / "config"
        (home / "log.vkey").write_text(server.log.vkey + "\n")
        self.config.write_text(f"server = 127.0.0.1:{server.port}\nca = {server.tls / 'ca.crt'}\nlog = {home / 'log.vkey'}\n"
                               f"key = {self.key}\nrole = {role}\n")
        if key_text is None:
            self.does("key", "new", self.key)
        else:
            self.key.write_text(key_text)
            self.key.chmod(0o600)

    def environment(self, **more):
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")}
        return kept | {"HOME": str(self.home), "LANG": "en_GB.UTF-8"} | more

    def begin(self, *words, seconds=30):
        """A command that goes on; ended after so many seconds, so that nobody waits for a line that does not come."""
        process = subprocess.Popen([MANIFEST, *words], cwd=self.home, env=self.environment(), text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        timer = threading.Timer(seconds, process.kill)
        timer.daemon = True
        timer.start()
        return process

    def types(self, *words, typed=None, **environment):
        """Runs the command as it is typed; the end of it."""
        process = subprocess.Popen([MANIFEST, *words], cwd=self.home, env=self.environment(**environment), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return Done(words, process, *process.communicate(typed or "", timeout=60))

    def does(self, *words, **more):
        """The same, and it must be done (0)."""
        done = self.types(*words, **more)
        assert done.status == 0, done
        return done

    def json(self, *words, status=0):
        """The same with --json: the object it printed."""
        done = self.types(*words, "--json")
        assert done.status == status, done
        value = json.loads(done.out)
        assert value["status"] == status
        return value

    def card(self, name="card"):
        """A card for the other side of a step."""
        self.does("key", "card", "--out", name)
        return self.home / name
