"""Fixtures: a private PostgreSQL for the session, a running city for each test file, and more when a test asks."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "client"))

from city import City  # noqa: E402
from history import History  # noqa: E402
from others import backport, go, node  # noqa: E402, F401
from server import ROOT, Cluster, Daemon, Server, small_file_system  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: left out where the programs are instrumented")


LONGEST = [f"test_{name}.py" for name in ("tampering", "race", "audit", "forgery", "incidents", "high_water", "continue",
                                          "rebuild", "crash", "meeting")]


def pytest_collection_modifyitems(items):
    """A file is one worker's: the longest go first, so that none is left alone with one at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What every server said last is part of a failure's report."""
    report = (yield).get_result()
    if report.failed:
        for daemon in Daemon.everyone:
            if daemon.process is not None:
                report.sections.append((f"log of {daemon.folder.name}", daemon.tail()))


@pytest.fixture(scope="session")
def work():
    """A folder with a path short enough for a socket, that postgres may enter."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mft", dir="/var/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def tls(work):
    subprocess.run([ROOT / "deploy/dev-certificate", work / "tls"], check=True, timeout=60)
    return work / "tls"


@pytest.fixture(scope="session")
def cluster(work):
    cluster = Cluster(work / "pg")
    yield cluster
    cluster.remove()


@pytest.fixture
def small_cluster(work):
    """A PostgreSQL on a file system of 160 MiB."""
    with small_file_system(work, "160m", "711") as folder:
        cluster = Cluster(folder / "pg")
        yield cluster
        cluster.remove()


class Maker:
    """Makes servers and cities and ends what it made."""

    def __init__(self, cluster, tls, work):
        self.cluster, self.tls, self.work = cluster, tls, work
        self.made, self.cities = [], []

    def folder(self):
        return pathlib.Path(tempfile.mkdtemp(prefix="s", dir=self.work)) / "d"

    def server(self, *, start=True, cluster=None, **options):
        server = Server(cluster or self.cluster, self.tls, self.folder(), **options)
        self.made.append(server)
        return server.start() if start else server

    def twin(self, server, **settings):
        daemon = server.twin(self.folder(), **settings)
        self.made.append(daemon)
        return daemon

    def city(self, server=None, **options):
        city = City(server or self.server(**options))
        self.cities.append(city)
        return city

    def close(self):
        for city in self.cities:
            city.close()
        for server in self.made:
            server.close()


@pytest.fixture
def make(cluster, tls, work):
    maker = Maker(cluster, tls, work)
    yield maker
    maker.close()


@pytest.fixture(scope="module")
def module_make(cluster, tls, work):
    maker = Maker(cluster, tls, work)
    yield maker
    maker.close()


@pytest.fixture(scope="module")
def city(module_make):
    """One city for the file's tests, each of which takes manifest numbers of its own."""
    return module_make.city()


@pytest.fixture(scope="module")
def history(module_make):
    """One log for the file's tests, in which everything has happened once."""
    return History(module_make)


@pytest.fixture
def copies(history, work):
    """Makes copies of the final log, or of an earlier one. They stay: each drop would wait for a checkpoint."""
    made = []

    def make(of=None):
        made.append(history.copy(pathlib.Path(tempfile.mkdtemp(prefix="c", dir=work)) / "d", of))
        return made[-1]
    yield make
    for copy in made:
        copy.close()


@pytest.fixture
def copy(copies):
    return copies()
