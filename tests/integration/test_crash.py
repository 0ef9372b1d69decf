"""Every step between batch and receipt, failing: what was carried out and what was not, with the server killed or alive.

Each case holds one batch of several events at one step. Afterwards every receipt ever given is of the one stored
history, nothing acknowledged is lost, and each event, sent again if nobody answered it, has one index. Whether an event
is answered as repeated tells on which side of COMMIT the fault was.
"""
import contextlib
import re
import signal
import urllib.request

import pytest
from between import ANSWERED, ASKED, CARRIED_OUT, HALF_ANSWERED, TOLD, Between
from city import LONG_AGO
from conftest import Maker
from inject import Inject, needs_strace, thread_of
from ledger import Ledger, high_water, pages, size_of
from manifest_client import ConnectionEnded, Device, Refused, ROLES, event
from manifest_client.device import sign
from questions import flags
from server import Cluster, until

pytestmark = pytest.mark.slow

STORED, NOT_STORED = True, False


class Scene:
    """A city, its PostgreSQL behind a wire that can be cut, and a batch that is about to be judged."""

    def __init__(self, maker, cluster, between):
        self.cluster, self.between = cluster, between
        self.server = maker.server(start=False, cluster=cluster)
        self.server.start(database__writer=cluster.conninfo(self.server.database, "manifest_writer", between.folder),
                          http__enabled="yes", sweep__interval="1 h", request__timeout="20 s")
        self.city = maker.city(self.server)
        self.ledger = Ledger(self.server)
        self.generator = self.city.generator
        self.first, self.second = [], []
        self.file = self.server.folder / "high-water"

    def verified(self):
        url = f"http://127.0.0.1:{self.server.http}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(re.search(rb"^manifestd_signatures_verified_total (\d+)", answer.read(), re.M)[1])

    @contextlib.contextmanager
    def batch_ahead(self):
        """In here a batch of one event is stored, and holds the writer up; the next one is verified and complete. At the
        end of this the writer goes on. The members of the next: a manifest issued and loaded, and a key enrolled."""
        city = self.city
        self.between.forget()
        if self.server.process.poll() is not None:  # of a case that failed
            self.server.start()
        city.close()
        city.connections.clear()
        a, b = city.connect(self.generator), city.connect(city.registrar)
        ahead, trail = city.trail(generator=self.generator), city.trail(generator=self.generator)
        key = Device(self.server.log, ROLES["generator"], self.generator.party)
        enrolled = event("key_enrolled", key=key.key.public, party=key.party, role=key.role, device="新终端",
                         valid_from=LONG_AGO)
        self.before = self.server.sql("SELECT size FROM log_head")[0][0]
        hold = self.between.stop_at("commit", TOLD)
        self.asked = [(a, a.send_submit(e), e) for e in [ahead.issued()[0]]]
        hold.wait()
        before, more = self.verified(), 0
        for connection, envelope, signatures in ((a, trail.issued()[0], 1), (a, trail.loaded()[0], 2),
                                                 (b, sign(enrolled, [city.registrar, key])[0], 2)):
            self.asked.append((connection, connection.send_submit(envelope), envelope))
            more += signatures
            until(lambda: self.verified() == before + more, "verified")
        self.key = key
        yield
        hold.release()

    def receipts(self):
        """What is answered to those who wait for it: a receipt, or None when the connection ended first."""
        def answer(connection, request, envelope):
            try:
                return connection.answer_to(request, envelope)
            except ConnectionEnded:
                return None
            except Refused as e:
                assert e.kind == "UNAVAILABLE"
                return None
        return [answer(*asked) for asked in self.asked]

    def sent_again(self):
        """None: a session for reading was met that PostgreSQL's end has ended; the next try has a new one."""
        try:
            with self.city.connect(self.city.facility) as c:
                return [c.submit(envelope) for _, _, envelope in self.asked]
        except Refused as e:
            assert e.kind == "UNAVAILABLE"
            return None

    def settle(self, stored, started_again):
        """Every event is answered, at once or when it is sent again; then everything must hold."""
        ahead, *answered = self.receipts()
        if started_again:
            if self.server.process.poll() is None:
                self.server.kill()
            self.server.process.wait()
            self.server.start()
        again = until(self.sent_again, "all are answered")
        assert all(r.repeated == (stored or old is not None) for r, old in zip(again[1:], answered))
        assert again[0].repeated
        for receipt in [ahead, *answered, *again]:
            if receipt is not None:
                self.ledger.take(receipt)
        assert self.server.sql("SELECT size FROM log_head")[0][0] == self.before + len(self.asked)
        self.generator = self.key  # of the next case: whoever is enrolled may sign
        self.ledger.is_proven_by(self.server, self.city.registrar)
        self.ledger.holds(self.file)
        return answered


@pytest.fixture(scope="module")
def scene(tls, work):
    cluster = Cluster(work / "crash")
    maker = Maker(cluster, tls, work)
    scene = Scene(maker, cluster, Between(work / "between-crash", cluster.socket()))
    yield scene
    with scene.city.connect(scene.city.registrar) as c:
        flagged = flags(c)
    maker.close()
    cluster.remove()
    assert not flagged


def cases(table):
    return [pytest.param(*row[:-1], row[-1], id=", ".join([*map(str, row[:-1]), "stored" if row[-1] else "not stored"]))
            for row in table]


WIRE = [
    # before load, after it
    ("load_manifests", ASKED, NOT_STORED),
    ("load_manifests", CARRIED_OUT, NOT_STORED),
    ("load_manifests", ANSWERED, NOT_STORED),
    # judged; BEGIN, then the statements one after the other
    ("begin", ASKED, NOT_STORED),
    ("advance", ASKED, NOT_STORED),
    ("entry", ASKED, NOT_STORED),
    ("entry", CARRIED_OUT, NOT_STORED),
    # COMMIT sent, and not carried out
    ("commit", ASKED, NOT_STORED),
    # carried out, and the answers lost, from the first or from a later one
    ("commit", CARRIED_OUT, STORED),
    ("begin", ANSWERED, STORED),
    ("entry", ANSWERED, STORED),
    ("commit", ANSWERED, STORED),
    ("commit", HALF_ANSWERED, STORED),
]


@pytest.mark.parametrize("statement,where,stored", cases(WIRE))
@pytest.mark.parametrize("killed", [False, True], ids=["the connection is cut", "the server is killed"])
def test_between_the_server_and_its_database(scene, statement, where, stored, killed):
    with scene.batch_ahead():
        stop = scene.between.stop_at(statement, where)
    stop.wait()
    if killed:
        scene.server.kill()
    stop.cut()
    answered = scene.settle(stored, killed)
    if not killed:  # it looked by itself, and told who waited
        assert all(r is not None and r.repeated == stored for r in answered)


@pytest.mark.parametrize("killed", [False, True], ids=["the connection is cut", "the server is killed"])
def test_after_commit_before_the_high_water_file(scene, killed):
    """The answer to COMMIT is there, and then the connection is lost: nothing is wrong with this batch."""
    with scene.batch_ahead():
        stop = scene.between.stop_at("commit", TOLD)
    stop.wait()
    if killed:
        scene.server.kill()
    stop.cut()
    answered = scene.settle(STORED if killed else NOT_STORED, killed)
    assert killed or all(r is not None for r in answered)


RECOVERY = [("lock", ANSWERED), ("head_locked", ASKED), ("head_locked", ANSWERED), ("epoch_raise", CARRIED_OUT),
            ("log_end", ANSWERED), ("registry_entries", HALF_ANSWERED), ("ranges", ANSWERED), ("commit", ASKED),
            ("commit", CARRIED_OUT), ("commit", ANSWERED)]


@pytest.mark.parametrize("statement,where", RECOVERY, ids=map(", ".join, RECOVERY))
@pytest.mark.parametrize("killed", [False, True], ids=["the connection is cut", "the server is killed"])
def test_again_while_it_looks_what_was_stored(scene, statement, where, killed):
    with scene.batch_ahead():
        first = scene.between.stop_at("commit", ANSWERED)
    first.wait()
    second = scene.between.stop_at(statement, where)
    first.cut()
    second.wait()
    if killed:
        scene.server.kill()
    second.cut()
    answered = scene.settle(STORED, killed)
    if not killed:
        assert all(r is not None and r.repeated for r in answered)


# What PostgreSQL says instead of doing it, to one statement or to COMMIT, once.
REFUSALS = {
    "its disk is full": "RAISE EXCEPTION 'no room' USING ERRCODE = '53100'",
    "another transaction": "RAISE EXCEPTION 'serialization' USING ERRCODE = '40001'",
    "a value": "RAISE EXCEPTION 'this value' USING ERRCODE = '23514', CONSTRAINT = 'x'",
    "the session is ended": "PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(1)",
}


@pytest.fixture(params=REFUSALS)
def refused(request, scene):
    """A trigger on what is stored, of which the first call alone refuses: its count outlives the transaction."""
    def at(when):
        scene.server.sql(f"""
            CREATE SEQUENCE crash_calls;
            CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = manifest AS $$
            BEGIN IF nextval('crash_calls') = 1 THEN {REFUSALS[request.param]}; END IF; RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER crash AFTER INSERT ON entry {when} FOR EACH ROW EXECUTE FUNCTION crash()""")
    yield at
    scene.server.sql("DROP TRIGGER crash ON entry; DROP FUNCTION crash; DROP SEQUENCE crash_calls")


@pytest.mark.parametrize("when", ["", "DEFERRABLE INITIALLY DEFERRED"], ids=["a statement", "COMMIT"])
def test_refused_by_the_database(scene, refused, when):
    with scene.batch_ahead():
        refused(when)
    answered = scene.settle(NOT_STORED, False)
    assert all(r is not None for r in answered)
    assert scene.server.sql("SELECT last_value > 1 FROM crash_calls") == [(True,)]


POWER = [("load_manifests", ANSWERED, NOT_STORED), ("entry", CARRIED_OUT, NOT_STORED), ("commit", ASKED, NOT_STORED),
         ("commit", CARRIED_OUT, STORED), ("commit", ANSWERED, STORED), ("commit", TOLD, STORED)]


@pytest.mark.parametrize("statement,where,stored", cases(POWER))
def test_the_power_fails(scene, statement, where, stored):
    """Server and PostgreSQL at once."""
    with scene.batch_ahead():
        stop = scene.between.stop_at(statement, where)
    stop.wait()
    scene.server.kill()
    scene.cluster.kill()
    stop.cut()
    scene.cluster.start()
    scene.settle(stored, True)


@pytest.mark.parametrize("statement,where,stored", cases([("commit", ASKED, NOT_STORED), ("commit", ANSWERED, STORED)]))
def test_postgresql_dies(scene, statement, where, stored):
    with scene.batch_ahead():
        stop = scene.between.stop_at(statement, where)
    stop.wait()
    scene.cluster.kill()
    stop.cut()
    scene.cluster.start()
    scene.settle(stored, False)


# The system calls of the writing thread while it stores one batch, of which the first of each kind belongs to the batch
# ahead: write wakes the main thread, once when a batch is loaded, and once when its answers are ready.
LOAD_ASKED, BATCH_SENT = "sendto:when=1", "sendto:when=2"
LOAD_READ, ANSWERS_READ = "recvfrom:when=2", "recvfrom:when=3"
LOADED, SIGNED = "write:when=2", "write:when=3"
HIGH_WATER, FLUSHED = "pwrite64:when=2", "fdatasync:when=2"


def at(call, how):
    name, when = call.split(":")
    return f"{name}:{how}:{when}"


KILLED = [(LOAD_ASKED, NOT_STORED), (LOAD_READ, NOT_STORED), (LOADED, NOT_STORED), (BATCH_SENT, NOT_STORED),
          (ANSWERS_READ, STORED), (HIGH_WATER, STORED), (FLUSHED, STORED), (SIGNED, STORED)]


@needs_strace
@pytest.mark.parametrize("call,stored", cases(KILLED))
def test_killed_in_place_of_a_system_call(scene, call, stored):
    with scene.batch_ahead():
        inject = Inject(at(call, "signal=KILL"), thread=thread_of(scene.server.process.pid, "writer"))
    with inject:
        scene.server.process.wait(20)
    scene.settle(stored, True)


def keep(page, old):
    return page


def lose(page, old):
    return old


def tear(page, old):
    return page[:64] + old[64:]


AFTER = [(LOADED, keep, NOT_STORED), (BATCH_SENT, keep, STORED), (HIGH_WATER, keep, STORED),
         (HIGH_WATER, lose, STORED), (HIGH_WATER, tear, STORED), (FLUSHED, keep, STORED),
         (SIGNED, keep, STORED)]


@needs_strace
@pytest.mark.parametrize("call,disk,stored", [pytest.param(*row, id=f"{row[0]}, {row[1].__name__}") for row in AFTER])
def test_killed_after_a_system_call(scene, call, disk, stored):
    """The page that was written last and not flushed may be on the disk, or not, or its beginning only."""
    with scene.batch_ahead():
        inject = Inject(at(call, "signal=STOP"), thread=thread_of(scene.server.process.pid, "writer"))
        old = pages(scene.file)
    with inject:
        inject.wait_stopped()
        scene.server.kill()
    new = pages(scene.file)
    last = max(range(len(new)), key=lambda n: size_of(new[n]))
    new[last] = disk(new[last], old[last])
    scene.file.write_bytes(b"".join(new))
    assert high_water(scene.file)[0] > scene.before or call not in (HIGH_WATER, FLUSHED, SIGNED)
    scene.settle(stored, True)


# What the call returns without having done anything; where nothing failed that it could not do again, the events are
# not answered as repeated.
ERRORS = [(LOAD_ASKED, "error=EAGAIN", NOT_STORED), (LOAD_READ, "error=ECONNRESET", NOT_STORED),
          (LOAD_READ, "retval=0", NOT_STORED), (BATCH_SENT, "error=EINTR", NOT_STORED), (BATCH_SENT, "error=EAGAIN", NOT_STORED),
          (ANSWERS_READ, "error=ECONNRESET", STORED), (ANSWERS_READ, "retval=0", NOT_STORED),
          (ANSWERS_READ, "error=EINTR", NOT_STORED), ("poll:when=1..3", "error=EINTR", NOT_STORED),
          (HIGH_WATER, "error=EIO", STORED), (HIGH_WATER, "error=ENOSPC", STORED), (HIGH_WATER, "retval=0", STORED),
          (FLUSHED, "error=EIO", STORED), (FLUSHED, "error=ENOSPC", STORED), ("fdatasync:when=2..5", "error=EIO", STORED),
          (HIGH_WATER, "error=EINTR", STORED), (HIGH_WATER, "retval=100", STORED), (FLUSHED, "error=EINTR", STORED),
          (SIGNED, "error=EINTR", NOT_STORED)]


@needs_strace
@pytest.mark.parametrize("call,error,stored", cases(ERRORS))
def test_a_system_call_fails(scene, call, error, stored):
    """The server goes on by itself, and whoever waits is answered."""
    with scene.batch_ahead():
        inject = Inject(at(call, error), thread=thread_of(scene.server.process.pid, "writer"))
    logged = len(scene.server.lines())
    with inject:
        inject.wait_injected()
        answered = scene.settle(stored, False)
    assert all(r is not None and r.repeated == stored for r in answered)
    said = scene.server.lines()[logged:]
    assert not said or "not writing" in said[0].text
    if call in (HIGH_WATER, FLUSHED):
        assert f"stored, and not acknowledged: high-water file {scene.file}: cannot " in said[0].text
        assert "See to its disk" in said[0].text


# Answers are written by the main thread: first the one to the batch ahead, then one device's, then the other's.
SENT = [("write:when=2", "signal=KILL", 0), ("write:when=2", "signal=STOP", 1), ("write:when=3", "signal=KILL", 1),
        ("write:when=3", "signal=STOP", 2), ("write:when=2", "error=EPIPE", 1), ("write:when=3", "error=ECONNRESET", 1),
        ("write:when=2", "error=EAGAIN", 2), ("write:when=2+1", "error=EPIPE", 0)]


@needs_strace
@pytest.mark.parametrize("call,how,answered", [pytest.param(*row, id=f"{row[0]}, {row[1]}, {row[2]} of 2 devices answered")
                                               for row in SENT])
def test_signed_and_not_sent(scene, call, how, answered):
    with scene.batch_ahead():
        inject = Inject(at(call, how), thread=scene.server.process.pid)
    with inject:
        inject.wait_injected()
        if "STOP" in how:
            inject.wait_stopped()
            scene.server.kill()
    issued, loaded, enrolled = scene.settle(STORED, "signal" in how)
    assert (issued is None) == (loaded is None)
    assert (issued is not None) + (enrolled is not None) == answered
