"""Two servers over one database: whoever writes, and however the lease moves, there is one history.

Every checkpoint that a client was given by either is held against what is stored, and proven by both to be before the
newest one. Each server has a high-water file of its own.
"""
import signal
import threading
import time
import urllib.request

import pytest
from between import ANSWERED, ASKED, CARRIED_OUT, Between
from conftest import Maker
from inject import Inject, needs_strace, thread_of
from ledger import Ledger
from load import Load
from manifest_client import ConnectionEnded, Refused
from server import until

pytestmark = pytest.mark.slow

A_MINUTE = 61  # longer than any time that a server or PostgreSQL waits


def checkpoint(server, patience=10):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.http}/checkpoint", timeout=patience) as answer:
        return answer.read().decode()


class Pair:
    """Two servers, each with a wire of its own to PostgreSQL. The first of `servers` writes."""

    def __init__(self, maker, cluster, work):
        self.wires = {}
        self.first = maker.server(start=False)
        second = maker.twin(self.first, high_water=self.first.folder / "high-water-2")
        self.servers = [self.first, second]
        for n, server in enumerate(self.servers):
            wire = Between(work / f"wire-{self.first.database}-{n}", cluster.socket())
            self.wires[server] = wire
            conninfo = cluster.conninfo(self.first.database, "manifest_writer", wire.folder)
            server.start(ready=n == 0, database__writer=conninfo, http__enabled="yes", sweep__interval="1 h")
        self.city = maker.city(self.first)
        self.ledger = Ledger(self.first)

    def end_lease(self):
        """As an administrator does, or a network that has swallowed the connection."""
        self.first.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND "
                       "database = (SELECT oid FROM pg_database WHERE datname = current_database())")

    @staticmethod
    def times_writing(server):
        return sum(ln.fields.get("what") == "writing" for ln in server.lines())

    def move(self, by):
        """`by` makes the first lose the lease; the second takes it."""
        loser, winner = self.servers
        times = self.times_writing(winner) + 1
        by(loser)
        winner.wait_writing(times=times)
        self.servers.reverse()

    def both_race(self):
        """Both lose their connections, and come back at once: whoever is quicker writes."""
        before = {s: self.times_writing(s) for s in self.servers}
        for wire in self.wires.values():
            wire.go_away()
        for wire in self.wires.values():
            wire.away = False
        until(lambda: any(self.times_writing(s) > before[s] for s in self.servers), "one of them writes")
        self.servers.sort(key=lambda s: self.times_writing(s) == before[s])

    def tells_to_go(self, server):
        """It knows that it does not write."""
        def answer():
            try:
                with self.city.connect(self.city.facility, server) as c:
                    c.submit(self.city.trail().issued()[0])
            except Refused as e:
                return e.kind == "NOT_WRITER"
            except ConnectionEnded:
                return False
            raise AssertionError("a server that was deposed accepted an event")
        until(answer, "a server that was deposed says so")

    def one_history(self, *servers):
        (size,), = self.first.sql("SELECT size FROM log_head")
        for server in servers:
            until(lambda: self.first.log.checkpoint(checkpoint(server)).size >= size, "it has read all")
            self.ledger.is_proven_by(server, self.city.registrar)
        self.ledger.holds(*(self.first.folder / name for name in ("high-water", "high-water-2")))


class Paused:
    """The writer is stopped at a statement of a batch, and deposed: the other has taken over, and the same events."""

    def __init__(self, pair, statement, where):
        self.pair, self.city = pair, pair.city
        self.loser, self.winner = pair.servers
        self.connection = self.city.connect(self.city.generator, self.loser, timeout=120)
        self.stop = pair.wires[self.loser].stop_at(statement, where)
        trail = self.city.trail()
        self.requests = [(self.connection, self.connection.send_submit(e), e)
                         for e in (trail.issued()[0], trail.loaded()[0])]
        self.stop.wait()
        pair.move(self.depose)
        self.since = time.monotonic()
        with self.city.connect(self.city.facility, self.winner) as c:
            for envelope in (self.requests[0][2], self.city.trail().issued()[0]):
                pair.ledger.take(c.submit(envelope))

    def depose(self, loser):
        loser.signal(signal.SIGSTOP)
        self.pair.end_lease()

    def answers(self):
        """What the loser acknowledges, of what was with it."""
        for connection, request, envelope in self.requests:
            try:
                yield connection.answer_to(request, envelope)
            except Refused as e:
                assert e.kind in ("NOT_WRITER", "UNAVAILABLE")
            except ConnectionEnded:
                pass

    def wake(self, acknowledged):
        self.loser.signal(signal.SIGCONT)
        self.stop.release()
        receipts = list(self.answers())
        assert len(receipts) == acknowledged
        for receipt in receipts:
            self.pair.ledger.take(receipt)
        self.pair.tells_to_go(self.loser)
        with self.city.connect(self.city.facility, self.winner) as c:
            for _, _, envelope in self.requests:
                self.pair.ledger.take(c.submit(envelope))
        self.pair.one_history(self.winner)


@pytest.fixture(scope="module")
def paused_for_a_minute(cluster, tls, work):
    """It begins with the first test that asks for it, and is looked at in the last: the others run meanwhile."""
    maker = Maker(cluster, tls, work)
    yield Paused(Pair(maker, cluster, work), "commit", ASKED)
    maker.close()


@pytest.fixture(scope="module")
def pair(cluster, tls, work, paused_for_a_minute):
    maker = Maker(cluster, tls, work)
    yield Pair(maker, cluster, work)
    maker.close()


@pytest.mark.parametrize("statement,where,acknowledged", [
    ("load_manifests", ANSWERED, 0), ("begin", ASKED, 0), ("commit", ASKED, 0),
    # stored before the other took over, which PostgreSQL's answer says that comes to it late: it is true
    ("commit", CARRIED_OUT, 1), ("commit", ANSWERED, 1)])
def test_paused_in_the_middle_of_a_batch(pair, statement, where, acknowledged):
    Paused(pair, statement, where).wake(acknowledged)


@needs_strace
@pytest.mark.parametrize("call", ["recvfrom:signal=STOP:when=2", "pwrite64:signal=STOP:when=1",
                                  "fdatasync:signal=STOP:when=1"])
def test_paused_after_commit(pair, call):
    """Its batch is in the log, and in the history that the other goes on with: it may answer, under its own old size."""
    loser, winner = pair.servers
    c = pair.city.connect(pair.city.generator, loser)
    envelope = pair.city.trail().issued()[0]
    with Inject(call, thread=thread_of(loser.process.pid, "writer")) as inject:
        request = c.send_submit(envelope)
        inject.wait_stopped()
        (size,), = pair.first.sql("SELECT size FROM log_head")
        pair.move(lambda _: pair.end_lease())
        with pair.city.connect(pair.city.facility, winner) as other:
            for e in (envelope, pair.city.trail().issued()[0]):
                pair.ledger.take(other.submit(e))
        loser.signal(signal.SIGCONT)
        receipt = c.answer_to(request, envelope)
    assert receipt.checkpoint.size == size and not receipt.repeated
    pair.ledger.take(receipt)
    pair.tells_to_go(loser)
    pair.one_history(winner)


def killed(pair, server):
    server.kill()


def stopped(pair, server):
    server.signal(signal.SIGSTOP)
    pair.end_lease()


def cut(pair, server):
    pair.wires[server].go_away()


def shut_down(pair, server):
    assert server.end() == 0


def goes_on(pair, server):
    pair.wires[server].away = False
    if server.process.poll() is None:
        server.signal(signal.SIGCONT)
    else:
        server.start(ready=False)


def test_the_lease_moves_under_load(pair):
    """Devices send to both, and everything that they are shown is kept."""
    seen = []
    watching = True

    def watch():
        while watching:
            for server in list(pair.servers):
                try:
                    seen.append(checkpoint(server, 0.2))
                except OSError:  # it is stopped, or being started
                    pass
            time.sleep(0.02)

    watcher = threading.Thread(target=watch, daemon=True)
    load = Load(pair.city, events=3000, addresses=lambda: [s.address for s in pair.servers], patience=2, pace=0.1)
    pair.one_history(*pair.servers)  # also who does not write knows the new keys
    with load:
        watcher.start()
        for n, how in enumerate((killed, stopped, cut, shut_down, cut, stopped, killed, cut, stopped, killed)):
            load.reach(load.acknowledged() + 40)
            loser = pair.servers[0]
            pair.move(lambda server: how(pair, server))
            load.reach(load.acknowledged() + 40)
            goes_on(pair, loser)
            if n % 3 == 0:
                pair.both_race()
        load.stop()
    watching = False
    watcher.join()
    for receipt in load.receipts():
        pair.ledger.take(receipt)
    for note in seen:
        pair.ledger.see(pair.first.log.checkpoint(note))
    assert len({n.split()[1] for n in seen}) > 20 and len(pair.ledger.checkpoints) > 50
    pair.one_history(*pair.servers)
    load.nothing_lost()


def test_paused_for_a_minute(paused_for_a_minute):
    """The first of this file's tests has begun it. What it waited for has long been given up, by itself and by others."""
    time.sleep(max(0, paused_for_a_minute.since + A_MINUTE - time.monotonic()))
    paused_for_a_minute.wake(0)
