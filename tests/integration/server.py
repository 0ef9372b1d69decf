"""The programs under test: PostgreSQL and manifestd as processes of ours, driven by what they log, never by waiting."""
import contextlib
import errno
import os
import pathlib
import re
import select
import signal
import subprocess
import time

import psycopg2
import pytest
from manifest_client import Key, Log

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MANIFEST_BUILD", ROOT / "build/release"))
MANIFESTD = os.environ.get("MANIFESTD", str(BUILD / "manifestd"))
ORIGIN = "test.example/210100"
AUTHORITY = "11210100MB1234568J-1"
PATIENCE = 30  # seconds until a condition that must come true is given up


def until(condition, what, seconds=PATIENCE):
    """The condition's first true value; fails when it does not come in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"in {seconds} s: not {what}")
        time.sleep(0.01)


@contextlib.contextmanager
def small_file_system(work, size, mode):
    """A folder that is a file system of its own."""
    folder = work / "small"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode={mode}", "none", folder],
                                           check=False, capture_output=True).returncode != 0:
        folder.rmdir()
        pytest.skip("a small file system can only be mounted as root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    folder.rmdir()


def fill(folder):
    """Takes all room that its file system has; the file to be removed again."""
    with open(folder / "filler", "wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(65536))
        except OSError as e:
            assert e.errno == errno.ENOSPC
    return folder / "filler"


class Cluster:
    """A private PostgreSQL; every database in it is a city's own."""

    def __init__(self, folder):
        self.folder = folder
        self.databases = 0
        self.idle = None
        self.uri = self._run("start")

    def _run(self, command, *more):
        return subprocess.run([ROOT / "deploy/private-postgres", command, self.folder, *more], check=True, timeout=120,
                              stdout=subprocess.PIPE, text=True).stdout.strip()

    def start(self):
        self._run("start")

    def kill(self):
        self._run("kill")

    def remove(self):
        self._run("remove")

    def socket(self):
        return f"{self.folder}/.s.PGSQL.5432"

    def conninfo(self, database, role=None, host=None):
        user = role or re.search(r"user=(\S+)", self.uri)[1]
        return f"host={host or self.folder} user={user} dbname={database}"

    def new_database(self, template="template0"):
        """An empty one, or a copy of another that nobody is connected to."""
        self.databases += 1
        name = f"city{self.databases}"
        self.sql("manifest", f"CREATE DATABASE {name} OWNER manifest_owner ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' "
                 f"TEMPLATE {template}")
        return name

    def sql(self, database, statement, *values):
        """Rows, or None when the statement has none. Connecting costs more than most statements: the last is kept."""
        connection, self.idle = self.idle, None
        if connection and (connection.info.dbname != database or not self._alive(connection)):
            connection.close()
            connection = None
        if connection is None:
            connection = psycopg2.connect(self.conninfo(database), connect_timeout=10, options="-c search_path=manifest")
            connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                rows = cursor.fetchall() if cursor.description else None
                cursor.execute("DISCARD ALL")
        except BaseException:
            connection.close()
            raise
        self.idle = connection
        return rows

    @staticmethod
    def _alive(connection):
        """Its server has not hung up: an idle one says nothing else."""
        return not select.select([connection], [], [], 0)[0]


class Line:
    """One line of the server's log: event, and its fields by name."""

    FIELD = re.compile(r'([\w.]+)=("(?:[^"\\]|\\.)*"|\S*)')

    def __init__(self, text):
        self.text = text
        self.fields = {k: v[1:-1] if v.startswith('"') else v for k, v in self.FIELD.findall(text)}
        self.event = self.fields.get("event", "")


class Daemon:
    """One manifestd process: its settings, its log, its end."""

    everyone = []

    def __init__(self, folder, settings):
        self.folder = pathlib.Path(folder)
        self.settings = dict(settings)
        self.conf = self.folder / "manifestd.conf"
        self.log_file = self.folder / "log"
        self.process = None
        self.started_at = 0
        Daemon.everyone.append(self)

    def write_conf(self, **changed):
        self.settings |= {k.replace("__", "."): v for k, v in changed.items()}
        self.conf.write_text("".join(f"{k} = {v}\n" for k, v in self.settings.items()))

    def start(self, *, ready=True, preexec=None, under=(), **changed):
        """`under` is a command that runs another in its own place."""
        self.write_conf(**changed)
        self.started_at = self.log_file.stat().st_size if self.log_file.exists() else 0
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([*under, MANIFESTD, "--config", self.conf, "run"], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, preexec_fn=preexec)
        self.port = int(self.wait("server.listening").fields["port"])
        self.http = int(self.wait("http.listening").fields["port"]) if self.settings["http.enabled"] == "yes" else None
        if ready:
            self.wait_writing()
        return self

    def lines(self):
        """What this process has logged."""
        with open(self.log_file, "rb") as log:
            log.seek(self.started_at)
            return [Line(t) for t in log.read().decode(errors="replace").splitlines()]

    def wait(self, event, seconds=PATIENCE, times=1, **fields):
        """The line of this event with these fields, when it has come `times` times."""
        def look():
            found = [ln for ln in self.lines() if ln.event == event
                     and all(re.search(v, ln.fields.get(k, "")) for k, v in fields.items())]
            if len(found) >= times:
                return found[times - 1]
            assert self.process.poll() is None, f"manifestd ended with {self.process.returncode}:\n{self.tail()}"
            return None
        return until(look, f"logged: {event} {fields}", seconds)

    def wait_writing(self, seconds=PATIENCE, times=1):
        return self.wait("server", seconds, times, what="^writing$")

    def tail(self, lines=40):
        return "\n".join(ln.text for ln in self.lines()[-lines:])

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """SIGKILL, as when power fails."""
        self.process.kill()
        self.process.wait()

    def end(self, seconds=PATIENCE):
        """SIGTERM, waited for; the exit status."""
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.process.wait(seconds) if self.process is not None else None

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        Daemon.everyone.remove(self)

    @property
    def address(self):
        return "127.0.0.1", self.port


class Server(Daemon):
    """A city's manifestd with a database, keys and a log of its own, as `manifestd init` makes them."""

    def __init__(self, cluster, tls, folder, law=(), host=None, **settings):
        self.cluster = cluster
        self.tls = tls
        self.database = cluster.new_database()
        folder.mkdir(mode=0o700)
        super().__init__(folder, {
            "listen.port": 0, "http.enabled": "no", "http.port": 0, "log.origin": ORIGIN,
            "tls.certificate": tls / "server.crt", "tls.key": tls / "server.key",
            "keys.log": folder / "log.key", "keys.server": folder / "server.key", "high_water": folder / "high-water",
            "database.owner": cluster.conninfo(self.database, "manifest_owner"),
            "database.writer": cluster.conninfo(self.database, "manifest_writer"),
            "database.reader": cluster.conninfo(self.database, "manifest_reader"),
            "schema": ROOT / "schema", "threads.verify": 2, "sweep.interval": "50 ms",
        })
        self.write_conf(**settings)
        self.registrar, self.recovery = Key(), Key()
        (folder / "registrar.pub").write_text(self.registrar.public_text())
        (folder / "recovery.pub").write_text(self.recovery.public_text())
        made = subprocess.run(
            [MANIFESTD, "--config", self.conf, "init", "--city", "210100", "--authority", AUTHORITY, "--authority-name",
             "沈阳市生态环境局", "--registrar", folder / "registrar.pub", "--recovery", folder / "recovery.pub",
             *(x for item in law for x in ("--law", item))], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=120, check=False)
        assert made.returncode == 0, made.stdout
        self.log = Log(made.stdout.splitlines()[-1])

    def sql(self, statement, *values):
        return self.cluster.sql(self.database, statement, *values)

    def twin(self, folder, **settings):
        """A second manifestd over the same database, keys and high-water file."""
        folder.mkdir(mode=0o700)
        other = Daemon(folder, self.settings)
        other.write_conf(**settings)
        return other
