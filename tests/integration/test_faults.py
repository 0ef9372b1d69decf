"""Faults under load: nothing acknowledged is lost, nothing is stored twice, every receipt holds, and it recovers."""
import resource
import signal
import socket
import struct

import pytest
from between import ANSWERED, ASKED, Between
from load import Load
from manifest_client import Connection, ConnectionEnded, Refused
from questions import flags
from server import Cluster, fill, small_file_system, until

pytestmark = pytest.mark.slow


def test_the_server_is_killed(make):
    """SIGKILL in the middle of batches, several times; each start goes on from what was committed."""
    city = make.city()
    with Load(city) as load:
        for n in (150, 450, 800):
            load.reach(n)
            city.server.kill()
            city.server.start()
        load.finish()
    assert load.nothing_lost() == 5
    assert not flags(city.connect(city.registrar))


@pytest.fixture
def own_cluster(work):
    cluster = Cluster(work / "own")
    yield cluster
    cluster.remove()


def test_postgresql_is_killed(make, own_cluster):
    """The server stays up, tells its clients to try again, and writes again by itself."""
    city = make.city(cluster=own_cluster, **{"request.timeout": "500 ms"})
    with Load(city) as load:
        for times, n in enumerate((200, 600), 2):
            load.reach(n)
            own_cluster.kill()
            with pytest.raises((Refused, ConnectionEnded)) as e:
                c = city.connect(city.facility)
                c.submit(city.trail().issued()[0])
            assert e.type is not Refused or e.value.kind == "UNAVAILABLE"
            own_cluster.start()
            city.server.wait_writing(times=times)
        load.finish()
    assert city.server.process.poll() is None
    load.nothing_lost()


def test_a_commit_whose_answer_is_lost(make, work, cluster):
    """The outcome is unknown: the server looks and does not guess; what was committed is acknowledged once."""
    between = Between(work / "between", cluster.socket())
    server = make.server(start=False)
    server.start(database__writer=cluster.conninfo(server.database, "manifest_writer", between.folder))
    city = make.city(server)
    with Load(city) as load:
        for n, where in enumerate((ANSWERED, ASKED, ANSWERED, ANSWERED, ASKED), 1):
            load.reach(n * 180)
            between.stop_at("commit", where).wait().cut()
        load.finish()
    assert server.process.poll() is None
    load.nothing_lost()
    assert any(r.repeated for r in load.receipts())  # committed, the answer lost, found again


def test_a_deposed_writer(make, cluster):
    """The writer is paused and its session ended; the second takes over; the first wakes up and must not write."""
    city = make.city()
    first = city.server
    second = make.twin(first, high_water=first.folder / "second", advertise="second.example:1")
    second.start(ready=False)
    with Load(city, addresses=lambda: [first.address, second.address], patience=2) as load:
        load.reach(150)
        first.signal(signal.SIGSTOP)
        first.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND "
                  "database = (SELECT oid FROM pg_database WHERE datname = current_database())")
        second.wait_writing()
        before = load.acknowledged()
        load.reach(before + 100)
        first.signal(signal.SIGCONT)
        load.finish()

    def what_the_first_says():
        try:
            with Connection(first.address, first.tls / "ca.crt", city.generator) as c:
                c.submit(city.trail().issued()[0])
        except Refused as e:
            return e.kind if e.kind == "NOT_WRITER" else None
        except ConnectionEnded:
            return None
        raise AssertionError("the deposed server accepted an event")
    assert until(what_the_first_says, "the first knows that it was deposed")
    assert load.nothing_lost(second) == 3
    assert first.process.poll() is None


def test_another_epoch_is_a_fence(make):
    """Whatever lock it holds: a writer whose epoch is not the stored one changes nothing, looks again, and goes on."""
    city = make.city()
    with Load(city) as load:
        for n in (150, 400, 700):
            load.reach(n)
            city.server.sql("UPDATE log_head SET epoch = epoch + 1")
        load.finish()
    assert load.nothing_lost() >= 5


@pytest.fixture
def small_disk(work):
    """A file system of 256 KiB."""
    with small_file_system(work, "256k", "700") as folder:
        yield folder


def test_no_room_for_the_high_water_file(make, small_disk):
    """Without its high-water file it does not write; with room it does."""
    server = make.server(start=False)
    filler = fill(small_disk)
    server.start(ready=False, high_water=small_disk / "high-water")
    with pytest.raises(AssertionError):
        server.wait_writing(seconds=1)
    filler.unlink()
    if server.process.poll() is not None:  # it stopped, and said why
        assert "high-water" in server.tail()
        server.start()
    server.wait_writing()
    city = make.city(server)
    fill(small_disk)
    with Load(city, workers=2, events=100) as load:  # the file is there: it needs no more room
        load.finish()
    load.nothing_lost()


def test_no_room_for_the_log(make, small_disk):
    """Log lines are lost, events are not."""
    city = make.city()
    city.close()
    city.server.end()
    city.server.log_file = small_disk / "log"
    city.server.start(log__level="debug")
    filler = fill(small_disk)
    with Load(city_again(city), workers=2, events=150) as load:
        load.finish()
    filler.unlink()
    load.nothing_lost()
    assert city.server.process.poll() is None


def city_again(city):
    """The registrar connects again."""
    city.connections.clear()
    city.office = city.connect(city.registrar)
    return city


def test_no_room_for_files_at_all(make):
    """Every file of the server is as long as it may get: what it needs on disk it has already."""
    city = make.city()
    city.close()
    city.server.end()
    with open(city.server.log_file, "ab") as f:
        f.write(b"\n" * 8192)
    city.server.start(ready=False, preexec=lambda: (
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))))
    city.server.wait_writing()
    with Load(city_again(city), workers=2, events=100) as load:
        load.finish()
    load.nothing_lost()


def test_rude_clients_under_load(make):
    """Half frames, garbage, silence and sudden ends around devices that work."""
    city = make.city(**{"connections.hello_within": "1 s", "connections.frame_within": "1 s"})
    rude = []
    with Load(city) as load:
        for n in range(30):
            load.reach(n * 30)
            raw = socket.create_connection(city.server.address, 10)
            raw.sendall((b"\x16\x03\x01\x02\x00", b"", b"GET / HTTP/1.1\r\n\r\n")[n % 3])
            rude.append(raw)
            c = city.connect(city.facility)
            c.socket.sendall((struct.pack(">I", 60000) + b"x", struct.pack(">I", 0), struct.pack(">I", 9) + b"\xff" * 9)[n % 3])
            if n % 2:
                c.close()
        load.finish()
    for raw in rude:
        raw.close()
    load.nothing_lost()
