"""The process: signals, settings, start and end, two servers over one log, and what it refuses to start with."""
import hashlib
import os
import pathlib
import resource
import shutil
import signal
import subprocess

import manifest_pb2 as m
import psycopg2
import pytest
from city import City
from manifest_client import ConnectionEnded, Key, Refused, event, merkle
from manifest_client.connection import Receipt
from manifest_client.device import sign
from server import AUTHORITY, BUILD, MANIFESTD, ROOT, until
from witnesses import written_key


def command(server, *words):
    return subprocess.run([MANIFESTD, "--config", server.conf, *words], stdin=subprocess.DEVNULL, timeout=60, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Held:
    """Keeps every COMMIT waiting, by a lock on the log's head."""

    def __init__(self, server):
        self.connection = psycopg2.connect(server.cluster.conninfo(server.database), connect_timeout=10)
        self.cursor = self.connection.cursor()
        self.cursor.execute("SELECT * FROM manifest.log_head FOR UPDATE")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def blocked(server):
    """Until the writer waits for the lock."""
    until(lambda: server.sql("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND "
                             "wait_event_type = 'Lock'"), "the writer waits")


# ---- signals


def fresh_certificate(server, work):
    """Another one of the same CA."""
    fresh = work / "fresh"
    fresh.mkdir(exist_ok=True)
    for name in ("ca.crt", "ca.key"):
        shutil.copy(server.tls / name, fresh)
    subprocess.run([ROOT / "deploy/dev-certificate", fresh], check=True, timeout=60)
    return fresh


def test_reload(make, work):
    """A new certificate and new limits are taken over; who is connected stays."""
    server = make.server()
    city = City(server)
    old = city.connect(city.generator)
    fresh = fresh_certificate(server, work)
    server.write_conf(tls__certificate=fresh / "server.crt", tls__key=fresh / "server.key", log__level="debug")
    server.signal(signal.SIGHUP)
    server.wait("server.reload", detail="done")
    new = city.connect(city.generator)
    assert new.socket.getpeercert(True) != old.socket.getpeercert(True)
    assert old.submit(city.trail().issued()[0]) and new.submit(city.trail().issued()[0])
    city.close()


@pytest.mark.parametrize("bad", [
    dict(log__level="loud"), dict(no__such__setting="1"), dict(connections__max="0"),
    dict(tls__certificate="/nowhere"), dict(tls__key="/dev/null"),
])
def test_a_bad_reload_changes_nothing(make, bad):
    server = make.server()
    city = City(server)
    before = dict(server.settings)
    server.write_conf(**bad, drain__within="1 s")
    server.signal(signal.SIGHUP)
    server.wait("server.reload", refused=".")
    with city.connect(city.generator) as connection:
        assert connection.submit(city.trail().issued()[0])
    server.settings = before
    server.write_conf()
    server.signal(signal.SIGHUP)
    server.wait("server.reload", detail="done")
    city.close()


@pytest.mark.skipif(BUILD.name != "release", reason="a sanitizer's own memory counts too")
def test_a_reload_that_cannot_be_done_whole_changes_nothing(make, work):
    """Everything is in order, but there is no memory for the witnesses' threads: the certificate stays too."""
    server = make.server()
    city = City(server)
    old = city.connect(city.generator).socket.getpeercert(True)
    policy = work / "policy"
    policy.write_text(f"witness w {written_key('w.example', Key().public)} http://127.0.0.1:1\nquorum w\n")
    server.write_conf(tls__certificate=fresh_certificate(server, work) / "server.crt", tls__key=work / "fresh" / "server.key",
                      witness__policy=policy)
    # room for some threads' stacks, not for all
    used = int(pathlib.Path(f"/proc/{server.process.pid}/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.prlimit(server.process.pid, resource.RLIMIT_AS, (used + (40 << 20), resource.RLIM_INFINITY))
    server.signal(signal.SIGHUP)
    server.wait("server.reload", refused="memory or threads")
    with city.connect(city.generator) as connection:
        assert connection.socket.getpeercert(True) == old
        assert connection.submit(city.trail().issued()[0])
    resource.prlimit(server.process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    server.signal(signal.SIGHUP)
    server.wait("server.reload", detail="done")
    assert city.connect(city.generator).socket.getpeercert(True) != old
    city.close()


def test_terminate_drains(make):
    """What was taken is answered before it ends, and nobody else is let in."""
    city = make.city()
    server = city.server
    c = city.connect(city.generator)
    envelopes = [city.trail().issued()[0] for _ in range(50)]
    with Held(server):
        requests = [c.send_submit(e) for e in envelopes]
        blocked(server)
        server.signal(signal.SIGTERM)
        server.wait("server.stopping")
        with pytest.raises((OSError, ConnectionEnded)):
            city.connect(city.facility)
        assert server.process.poll() is None
    receipts = []
    for i, e in zip(requests, envelopes):
        try:
            receipts.append(c.answer_to(i, e))
        except Refused as refusal:
            assert refusal.rules == ["server.draining"] and refusal.refusal.retry_after > 0
        except ConnectionEnded:  # what was not read yet is not answered
            break
    assert receipts
    assert server.process.wait(20) == 0
    server.start()
    again = city.connect(city.generator)
    for r in receipts:
        assert again.submit(r.envelope).repeated


def test_a_second_terminate_leaves_at_once(make):
    city = make.city()
    server = city.server
    c = city.connect(city.generator)
    envelope = city.trail().issued()[0]
    with Held(server):
        c.send_submit(envelope)
        blocked(server)
        server.signal(signal.SIGTERM)
        server.wait("server.stopping")
        server.signal(signal.SIGTERM)
        assert server.process.wait(5) == 0
    server.start()
    assert city.connect(city.generator).submit(envelope)


def test_a_drain_has_an_end(make):
    city = make.city(**{"drain.within": "1 s"})
    c = city.connect(city.generator)
    with Held(city.server):
        c.send_submit(city.trail().issued()[0])
        blocked(city.server)
        city.server.signal(signal.SIGTERM)
        city.server.wait("server.drain", 10)
        with pytest.raises(ConnectionEnded):
            c.receive()
    city.server.process.wait(20)


# ---- two servers


def test_a_key_enrolled_at_the_other_server_is_not_turned_away(make):
    """The one that slept while the other took over does not know the key, and does not say that it is not enrolled."""
    city = make.city(**{"sweep.interval": "1 h"})
    first = city.server
    second = make.twin(first, high_water=first.folder / "standby").start(ready=False)
    messenger = city.connect(city.transporter, timeout=60)
    first.signal(signal.SIGSTOP)
    first.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND "
              "database = (SELECT oid FROM pg_database WHERE datname = current_database())")
    second.wait_writing()
    city.office = city.connect(city.registrar, second)
    fresh = city.enrol("generator", 77)
    envelope, _ = sign(event("voided", manifest_number=city.trail().number, reason="误填"), [fresh])
    asked = messenger.send_submit(envelope)
    first.signal(signal.SIGCONT)
    try:
        city.connect(fresh, first)
    except Refused as e:
        assert e.kind == "UNAVAILABLE" and e.rules == ["key.not_known_here"]
    with pytest.raises(Refused) as refused:
        messenger.answer_to(asked, envelope)
    assert refused.value.kind in ("NOT_WRITER", "UNAVAILABLE"), refused.value.__dict__
    assert city.connect(fresh, second).welcome


def test_a_standby_reads_and_takes_over(make):
    city = make.city()
    first = city.server
    second = make.twin(first, advertise=f"127.0.0.1:{first.port}", high_water=first.folder / "standby")
    second.start(ready=False)
    t = city.trail()
    issued, loaded = t.issued(), t.loaded()
    city.connect(city.generator).submit(issued[0])

    def answers():
        try:
            connection = city.connect(city.generator, second)
        except Refused as e:
            assert e.kind == "UNAVAILABLE"  # it has not read the log yet
            return None
        return None if connection.behind else connection
    waiting = until(answers, "the second has read what the first acknowledged")
    with pytest.raises(Refused) as e:
        waiting.submit(loaded[0])
    assert e.value.kind == "NOT_WRITER" and e.value.refusal.writer == f"127.0.0.1:{first.port}"
    assert [r.event_id() for r in waiting.entries(trail={"number": t.number})] == [issued[1]]
    assert first.end() == 0
    second.wait_writing()
    receipt = until(lambda: accepted(waiting, loaded[0]), "accepted by the second")
    assert not receipt.repeated and city.connect(city.generator, second).submit(issued[0]).repeated
    assert first.sql("SELECT epoch FROM log_head") == [(3,)]


def accepted(connection, envelope):
    try:
        return connection.submit(envelope)
    except Refused as e:
        assert e.kind in ("NOT_WRITER", "LATER", "UNAVAILABLE")
        return None


# ---- start


def test_init_only_once(make):
    server = make.server(start=False)
    made = command(server, "init", "--city", "210100", "--authority", AUTHORITY, "--authority-name", "x", "--registrar",
                   server.folder / "registrar.pub", "--recovery", server.folder / "recovery.pub")
    assert made.returncode == 1 and "holds a log already" in made.stdout
    assert command(server, "migrate").returncode == 0
    assert server.start().log.origin == server.settings["log.origin"]


def refuses_to_run(server, why):
    done = command(server, "run")
    assert done.returncode in (1, 2, 3), done.stdout
    assert why in done.stdout.lower(), done.stdout


def test_secrets_that_others_can_read(make):
    server = make.server(start=False)
    os.chmod(server.folder / "log.key", 0o644)
    refuses_to_run(server, "log.key")


def test_the_keys_of_another_log(make):
    server, other = make.server(start=False), make.server(start=False)
    shutil.copy(other.folder / "log.key", server.folder / "log.key")
    refuses_to_run(server, "key")


def test_another_origin(make):
    server = make.server(start=False)
    server.write_conf(log__origin="other.example/210100")
    refuses_to_run(server, "other.example")


def test_a_database_that_went_back(make):
    """A backup is put in place: the high-water file knows better, and nothing is signed for a smaller size."""
    city = make.city()
    server = city.server
    city.restart()
    server.end()
    backup = server.cluster.new_database(server.database)
    server.start()
    city.connect(city.generator).submit(city.trail().issued()[0])
    server.end()
    lost = server.settings["database.writer"]
    server.write_conf(database__writer=lost.replace(server.database, backup))
    refuses_to_run(server, "high-water")
    server.start(database__writer=lost)


def test_an_entry_that_was_changed(make):
    """The owner of the database changes an old entry: the tree does not fit any more."""
    city = make.city()
    server = city.server
    city.close()
    server.end()
    index, = server.sql("SELECT max(index) FROM entry")[0]
    server.sql("ALTER TABLE entry DROP CONSTRAINT entry_leaf")
    entry = bytearray(server.sql("SELECT entry FROM entry WHERE index = %s", index)[0][0])
    entry[-90] ^= 1  # in the signature: the entry can still be read
    server.sql("UPDATE entry SET entry = %s, leaf = %s WHERE index = %s", bytes(entry), merkle.leaf_hash(bytes(entry)),
               index)
    refuses_to_run(server, "root")


def test_two_over_one_high_water_file(make):
    server = make.server()
    second = make.twin(server)
    second.write_conf()
    refuses_to_run(second, "another server of this machine uses it. give each server a file of its own")


def test_a_database_that_may_lose_what_it_committed(make):
    """It does not write there, says why, and goes on by itself once that is set right."""
    server = make.server(start=False)
    role = f"ALTER ROLE manifest_writer IN DATABASE {server.database}"
    server.sql(f"{role} SET synchronous_commit = off")
    server.start(ready=False)
    server.wait("server", what="not writing", detail="synchronous_commit")
    server.sql(f"{role} RESET synchronous_commit")
    server.wait_writing()


def test_settings_and_stages_are_printed(make):
    server = make.server(start=False)
    printed = command(server, "settings").stdout
    assert all(key in printed for key in server.settings)
    example = server.folder / "example.conf"
    example.write_text("".join(f"{ln[1:]}\n" for ln in printed.splitlines() if ln.startswith("#") and " = " in ln
                               and not ln.startswith("# ") and ln.split(" = ")[0][1:] not in server.settings))
    assert len(example.read_text().splitlines()) > 20
    (server.conf).write_text(server.conf.read_text() + example.read_text())
    assert command(server, "check").returncode == 0
    assert command(server, "stages").stdout.count("\n") >= 9
    assert command(server, "no-such-command").returncode == 2
    done = subprocess.run([MANIFESTD, "--set", f"keys.log={server.folder / 'none'}", "check"], capture_output=True, check=False)
    assert done.returncode == 1 and b"--config" in done.stderr
    assert subprocess.run([MANIFESTD, "--set", "no.such=1", "check"], capture_output=True, check=False).returncode == 2
    assert subprocess.run([MANIFESTD, "--version"], capture_output=True, check=True).stdout.startswith(b"manifestd ")


def test_a_new_edition_of_reference_data(make):
    """A file is loaded by migrate, named in the log by its hash, and then in force."""
    city = make.city()
    server = city.server
    schema = server.folder / "schema"
    shutil.copytree(ROOT / "schema", schema)
    content = (schema / "data/waste_codes/2021.csv").read_bytes()
    (schema / "data/waste_codes/2030.csv").write_bytes(content)
    loaded = dict(kind=m.REFERENCE_KIND_WASTE_CODES, edition="2030", sha256=hashlib.sha256(content).digest(),
                  size=len(content))
    with pytest.raises(Refused) as e:
        city.enter("reference_loaded", **loaded)
    assert e.value.rules == ["reference.unknown"]
    c = city.connect(city.generator)
    with pytest.raises(Refused):
        c.submit(city.trail().issued(edition="2030")[0])
    assert subprocess.run([MANIFESTD, "--config", server.conf, "--set", f"schema={schema}", "migrate"], check=True,
                          capture_output=True, timeout=60)
    city.enter("reference_loaded", **loaded)
    assert c.submit(city.trail().issued(edition="2030")[0])
    assert c.submit(city.trail().issued(edition="2021")[0])


def test_a_restart_goes_on_where_it_was(make):
    """State, running numbers, flags and the tree are read back: the same chain continues, the same copy is known."""
    city = make.city()
    c = city.connect(city.generator)
    t = city.trail()
    first = c.submit(t.issued()[0])
    city.restart()
    c = city.connect(city.generator)
    assert c.welcome.next_number == city.generator.next
    assert c.submit(first.envelope).repeated
    for step in (t.loaded, t.delivered, t.received, t.treated):
        assert isinstance(c.submit(step()[0]), Receipt)


def test_many_restarts(make):
    """Each start raises the epoch; a client that was cut off connects again and goes on."""
    city = make.city()
    t = city.trail()
    steps = t.whole_life()
    for envelope in steps:
        city.connect(city.generator).submit(envelope)
        city.restart()
    c = city.connect(city.generator)
    assert all(c.submit(envelope).repeated for envelope in steps)
    assert city.server.sql("SELECT epoch FROM log_head")[0][0] == 2 + len(steps)
