"""The server and its witnesses: real `manifest witness` processes, killed, stopped, with full disks, and remembering."""
import json
import pathlib
import signal
import subprocess
import threading
import time

import pytest
from manifest_client import ConnectionEnded, Refused, merkle
from server import BUILD, MANIFESTD, until
from test_bundle import bundle as bundle_of
from test_http import get
from test_process import fresh_certificate
from test_witness import Inject, needs_strace
from witnesses import Cosigner, how_many, policy


class Sides:
    """A server with three witnesses, two of which are a quorum."""

    def __init__(self, make, **settings):
        self.server = make.server(start=False, **{"http.enabled": "yes"})
        self.witnesses = [Cosigner(self.server.folder / name, name, self.server.log.vkey)
                          for name in ("generators", "transporters", "facilities")]
        self.policy = self.server.folder / "policy"
        self.policy.write_text(policy(self.witnesses, 2))
        self.server.start(**({"witness__policy": self.policy, "witness__wait": "5 s", "witness__timeout": "2 s"} | settings))
        self.city = make.city(self.server)

    def close(self):
        for w in self.witnesses:
            w.kill()

    def how_many(self, note):
        return how_many(self.witnesses, note)

    def served(self):
        status, body, _ = get(self.server, "/checkpoint")
        assert status == 200
        self.server.log.checkpoint(body.decode())
        return body.decode()

    def metric(self, name):
        _, body, _ = get(self.server, "/metrics")
        return float(next(ln.split()[1] for ln in body.decode().splitlines() if ln.startswith(name + " ")))

    def ready(self):
        status, body, _ = get(self.server, "/readyz")
        return status, next(c["detail"] for c in json.loads(body)["checks"] if c["name"] == "witnesses")


@pytest.fixture
def sides(make):
    made = []

    def begin(**settings):
        made.append(Sides(make, **settings))
        return made[-1]
    yield begin
    for s in made:
        s.close()


def submitted(city, envelope):
    return city.connect(city.generator).submit(envelope)


def test_two_of_three(sides):
    """Every receipt carries a quorum; one witness may be away; what comes late is in what is served."""
    s = sides(witness__required="yes")
    c = s.city.connect(s.city.generator)
    for e in s.city.trail().whole_life():
        receipt = c.submit(e)
        assert s.how_many(receipt.checkpoint.text) >= 2
    until(lambda: s.how_many(s.served()) == 3, "all three")
    s.witnesses[0].kill()
    receipt = c.submit(s.city.trail().issued()[0])
    assert s.how_many(receipt.checkpoint.text) == 2
    s.server.wait("server", what="witness does not cosign", detail="generators: .*refused|generators: .*connect")
    status, detail = s.ready()
    assert status == 200 and detail.startswith("generators: ")
    assert s.metric("manifestd_witnesses") == 3 and s.metric("manifestd_witnesses_reachable") == 2
    assert s.metric("manifestd_cosigned_size") == s.metric("manifestd_log_size")
    s.witnesses[0].start()
    s.server.wait("server", what="witness cosigns again", detail="generators")
    until(lambda: s.how_many(s.served()) == 3, "all three again")


def test_no_quorum_nothing_acknowledged(sides):
    s = sides(witness__required="yes", witness__wait="500 ms")
    c = s.city.connect(s.city.generator)
    s.witnesses[0].kill()
    s.witnesses[1].kill()
    event = s.city.trail().issued()[0]
    with pytest.raises(Refused) as e:
        c.submit(event)
    assert e.value.kind == "UNAVAILABLE" and "server.witnesses" in str(e.value.__dict__)
    status, detail = s.ready()
    assert status == 503 and "generators: " in detail and "transporters: " in detail
    size = s.server.sql("SELECT size FROM log_head")[0][0]
    assert f"\n{size}\n" not in s.served()  # not even shown
    s.witnesses[1].start()
    s.server.wait("server", what="enough|again", seconds=40)
    until(lambda: s.ready()[0] == 200, "ready")
    receipt = c.submit(event)
    assert receipt.repeated and s.how_many(receipt.checkpoint.text) == 2


def test_going_on_without(sides):
    """No witness, no quorum, and not required: the server says so and answers at once."""
    s = sides()
    for w in s.witnesses[:2]:
        w.kill()
    c = s.city.connect(s.city.generator)
    begun = time.monotonic()
    for _ in range(20):
        assert s.how_many(c.submit(s.city.trail().issued()[0]).checkpoint.text) <= 1
    assert time.monotonic() - begun < 5
    s.server.wait("server", what="^witnesses$", detail="without the quorum.*missing")
    assert s.metric("manifestd_witness_quorums_missed_total") >= 1
    s.witnesses[0].start()
    s.server.wait("server", what="^witnesses$", detail="again")
    until(lambda: s.how_many(s.served()) == 2, "two")


def test_the_server_is_killed_while_it_waits(sides):
    """What was committed and not acknowledged is found again, and answered under the quorum."""
    s = sides(witness__required="yes", witness__wait="30 s", witness__timeout="20 s")
    event = s.city.trail().issued()[0]
    c = s.city.connect(s.city.generator)
    for w in s.witnesses[:2]:
        w.process.send_signal(signal.SIGSTOP)
    before = s.server.sql("SELECT size FROM log_head")[0][0]
    ended = []

    def wait_for_it():
        try:
            ended.append(c.submit(event))
        except (ConnectionEnded, ConnectionError, OSError) as e:
            ended.append(e)
    waiter = threading.Thread(target=wait_for_it)
    waiter.start()
    until(lambda: s.server.sql("SELECT size FROM log_head")[0][0] == before + 1, "committed")
    s.server.kill()
    waiter.join(20)
    assert isinstance(ended[0], (ConnectionEnded, OSError))
    for w in s.witnesses[:2]:
        w.process.send_signal(signal.SIGCONT)
    s.server.start()
    receipt = submitted(s.city, event)
    assert receipt.repeated and receipt.index == before and s.how_many(receipt.checkpoint.text) >= 2


def test_a_standby_takes_over_a_batch_that_waits(make, sides):
    """The first is killed while it waits for the quorum: the second asks the witnesses, and acknowledges under theirs."""
    s = sides(witness__required="yes", witness__wait="30 s", witness__timeout="20 s")
    second = make.twin(s.server, high_water=s.server.folder / "standby").start(ready=False)
    second.wait("http.listening")
    event = s.city.trail().issued()[0]
    c = s.city.connect(s.city.generator)
    for w in s.witnesses[:2]:
        w.process.send_signal(signal.SIGSTOP)
    before = s.server.sql("SELECT size FROM log_head")[0][0]
    waiter = threading.Thread(target=lambda: pytest.raises((ConnectionEnded, OSError), c.submit, event))
    waiter.start()
    until(lambda: s.server.sql("SELECT size FROM log_head")[0][0] == before + 1, "committed")
    s.server.kill()
    waiter.join(20)
    for w in s.witnesses[:2]:
        w.process.send_signal(signal.SIGCONT)
    second.wait_writing()
    receipt = s.city.connect(s.city.generator, second).submit(event)
    assert receipt.repeated and receipt.index == before and s.how_many(receipt.checkpoint.text) >= 2


def test_sigterm_does_not_wait_for_a_silent_witness(sides):
    s = sides(witness__timeout="60 s", witness__wait="100 ms")
    for w in s.witnesses:
        w.process.send_signal(signal.SIGSTOP)
    submitted(s.city, s.city.trail().issued()[0])
    s.city.close()
    begun = time.monotonic()
    assert s.server.end() == 0
    assert time.monotonic() - begun < 15
    for w in s.witnesses:
        w.process.send_signal(signal.SIGCONT)


@needs_strace
def test_a_witness_whose_disk_is_full(sides):
    """It does not cosign what it cannot store; the two others do."""
    s = sides(witness__required="yes")
    c = s.city.connect(s.city.generator)
    pid = s.witnesses[0].process.pid
    file = next((s.witnesses[0].folder / "witness").glob("*.checkpoint"))
    with Inject("write:error=ENOSPC", "-P", f"{file}.{pid}.new", process=pid):
        receipt = c.submit(s.city.trail().issued()[0])
        assert s.how_many(receipt.checkpoint.text) == 2
        s.server.wait("server", what="witness does not cosign", detail="generators: answered 500")
    until(lambda: s.how_many(s.served()) == 3, "all three again")


# ---- going backwards ----

def restore(s, copy):
    """The database from an old copy, and no high-water file: all that the operator holds is old."""
    s.city.close()
    s.city.connections.clear()
    assert s.server.end() == 0
    s.server.cluster.sql("manifest", f"DROP DATABASE {s.server.database}")
    s.server.cluster.sql("manifest", f"ALTER DATABASE {copy} RENAME TO {s.server.database}")
    (s.server.folder / "high-water").unlink()


def old_copy(s):
    s.city.close()
    s.city.connections.clear()
    assert s.server.end() == 0
    copy = s.server.cluster.new_database(s.server.database)
    s.server.start()
    return copy


def grow(s, n=3):
    c = s.city.connect(s.city.generator)
    for _ in range(n):
        c.submit(s.city.trail().issued()[0])
    c.close()


def refuses_to_start(s):
    said = subprocess.run([MANIFESTD, "--config", s.server.conf, "run"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=False)
    assert said.returncode == 1, said.stderr
    return said.stderr


@pytest.mark.parametrize("settings", [{}, {"witness__required": "yes"}, {"witness__wait": "0 s"}])
def test_a_restored_database_is_refused(sides, settings):
    s = sides(**settings)
    copy = old_copy(s)
    grow(s)
    until(lambda: s.how_many(s.served()) == 3, "all three")
    restore(s, copy)
    s.witnesses[0].kill()
    s.witnesses[1].kill()
    said = refuses_to_start(s)
    assert "witness facilities" in said and "went backwards" in said and "manifest log rebuild" in said
    # nothing was written, and nothing other was signed
    assert s.server.sql("SELECT epoch, size FROM log_head")[0][1] < 3 + s.server.sql("SELECT size FROM log_head")[0][0]


def test_a_restored_database_that_grew_past_them(sides):
    """While no witness could be reached the server went on, from an old copy: the first that comes back stops it."""
    s = sides()
    copy = old_copy(s)
    grow(s, 2)
    until(lambda: s.how_many(s.served()) == 3, "all three")
    restore(s, copy)
    for w in s.witnesses:
        w.kill()
    s.server.start()
    s.city.generator.kept = None  # else this device would be the first to notice
    grow(s, 5)
    s.witnesses[1].start()
    assert s.server.process.wait(40) == 1
    stopped = next(ln for ln in s.server.lines() if ln.fields.get("what") == "stopped")
    assert "witness transporters" in stopped.text and "history was changed" in stopped.text


def test_what_was_cosigned_is_in_the_database(sides):
    s = sides()
    grow(s, 2)
    until(lambda: s.server.sql("SELECT count(*) FROM cosigned_checkpoint")[0][0] > 0, "stored", 20)
    size, note = s.server.sql("SELECT size, note FROM cosigned_checkpoint ORDER BY size DESC LIMIT 1")[0]
    assert s.how_many(note) >= 2 and s.server.log.checkpoint(note).size == size
    s.city.close()
    s.city.connections.clear()
    assert s.server.end() == 0
    for w in s.witnesses:
        w.kill()
    s.server.sql("UPDATE cosigned_checkpoint SET note = replace(note, %s, %s) WHERE size = %s",
                 f"\n{size}\n", f"\n{size + 1}\n", size)
    assert "last cosigned checkpoint" in refuses_to_start(s)


# ---- settings ----

def check(s):
    return subprocess.run([MANIFESTD, "--config", s.server.conf, "check"], capture_output=True, text=True, timeout=20,
                          check=False)


def test_a_stop_does_not_wait_for_witnesses_that_are_away(sides):
    """What is stored and not cosigned is answered so, and found again; what nobody can be answered holds nothing up."""
    s = sides(witness__required="yes", witness__wait="60 s", drain__within="60 s")
    event = s.city.trail().issued()[0]
    c = s.city.connect(s.city.generator)
    for w in s.witnesses[:2]:
        w.kill()
    before = s.server.sql("SELECT size FROM log_head")[0][0]
    asked = c.send_submit(event)
    until(lambda: s.server.sql("SELECT size FROM log_head")[0][0] > before, "committed")
    begun = time.monotonic()
    s.server.signal(signal.SIGTERM)
    with pytest.raises(Refused) as refused:
        c.answer_to(asked, event)
    assert refused.value.kind == "UNAVAILABLE" and refused.value.rules == ["server.witnesses"]
    assert s.server.process.wait(30) == 0 and time.monotonic() - begun < 20
    for w in s.witnesses[:2]:
        w.start()
    s.server.start()
    receipt = s.city.connect(s.city.generator).submit(event)
    assert receipt.repeated and s.how_many(receipt.checkpoint.text) >= 2


def test_a_bad_policy_keeps_the_old_certificate(sides, work):
    s = sides()
    old = s.city.connect(s.city.generator).socket.getpeercert(True)
    fresh = fresh_certificate(s.server, work)
    good = s.policy.read_text()
    s.policy.write_text(good.replace("http:", "ftp:"))
    s.server.write_conf(tls__certificate=fresh / "server.crt", tls__key=fresh / "server.key")
    s.server.signal(signal.SIGHUP)
    s.server.wait("server.reload", refused="address")
    c = s.city.connect(s.city.generator)
    assert c.socket.getpeercert(True) == old
    assert s.how_many(c.submit(s.city.trail().issued()[0]).checkpoint.text) >= 2
    s.policy.write_text(good)
    s.server.signal(signal.SIGHUP)
    s.server.wait("server.reload", detail="done")
    assert s.city.connect(s.city.generator).socket.getpeercert(True) != old


def test_check_and_reload(sides):
    """A bad policy changes nothing; a good one is used from then on."""
    s = sides()
    c = s.city.connect(s.city.generator)
    assert check(s).returncode == 0
    good = s.policy.read_text()
    for bad, words in (("quorum none", "line 1"), ("", "empty"), (good.replace("http:", "ftp:"), "address"),
                       (good.replace("quorum sides", "quorum side"), "no group of this name")):
        s.policy.write_text(bad)
        done = check(s)
        assert done.returncode == 1 and words in done.stderr, done.stderr
        s.server.signal(signal.SIGHUP)
        s.server.wait("server.reload", refused=words.split("\n", maxsplit=1)[0])
    assert s.how_many(c.submit(s.city.trail().issued()[0]).checkpoint.text) >= 2
    only = [s.witnesses[2]]
    s.policy.write_text(policy(only, 1))
    s.server.signal(signal.SIGHUP)
    s.server.wait("server.reload", detail="done")
    note = c.submit(s.city.trail().issued()[0]).checkpoint.text
    assert how_many(only, note) == 1 and s.how_many(note) == 1
    s.server.write_conf(witness__policy="")
    s.server.signal(signal.SIGHUP)
    s.server.wait("server.reload", detail="done", times=2)
    assert s.how_many(c.submit(s.city.trail().issued()[0]).checkpoint.text) == 0
    s.server.write_conf(witness__policy=s.policy, witness__required="yes", witness__wait="0 s")
    assert "witness.wait" in check(s).stderr
    s.server.write_conf(witness__policy="", witness__required="yes")
    refused = check(s)
    assert refused.returncode == 1 and "set witness.policy" in refused.stderr  # what is required must be named


def threads_of(server):
    return [p.read_text().strip() for p in pathlib.Path(f"/proc/{server.process.pid}/task").glob("*/comm")]


def test_without_witnesses_nothing_changes(city):
    assert not [t for t in threads_of(city.server) if t.startswith("witness")]
    receipt = submitted(city, city.trail().issued()[0])
    assert receipt.checkpoint.text.count("\u2014") == 1


# ---- the client ----

def test_a_policy_holds_for_a_trail(sides, tmp_path):
    """Without waiting: what is asked for later is under a checkpoint with its quorum, though the log has grown."""
    s = sides(witness__wait="0 s")
    trail = s.city.trail()
    submitted(s.city, trail.issued()[0])
    until(lambda: s.how_many(s.served()) == 3, "all three")
    for w in s.witnesses:
        w.process.send_signal(signal.SIGSTOP)
    c = s.city.connect(s.city.generator)
    later = c.submit(s.city.trail().issued()[0])
    assert s.how_many(later.checkpoint.text) == 0
    entries = c.entries(trail={"number": trail.number, "keys": True})
    assert entries and all(s.how_many(e.checkpoint.text) == 3 for e in entries)
    for w in s.witnesses:
        w.process.send_signal(signal.SIGCONT)
    bundle = tmp_path / "b.manifest"
    bundle.write_text(bundle_of(trail.number, sorted(entries, key=lambda e: e.index), entries[0].checkpoint.text))
    (tmp_path / "vkey").write_text(s.server.log.vkey + "\n")
    verified = subprocess.run([BUILD / "manifest", "verify", bundle, f"--policy={s.policy}", f"--log={tmp_path / 'vkey'}",
                               "--lang=en"], capture_output=True, text=True, timeout=60, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "cosigned by facilities" in verified.stdout


def test_a_receipt_is_refreshed(city):
    """The same entry under a newer checkpoint, and the proof between any two sizes that the client names."""
    c = city.connect(city.generator)
    receipts = [c.submit(city.trail().issued()[0]) for _ in range(6)]
    first = receipts[0]
    again, = c.entries(entry={"index": first.index})
    assert again.entry == first.entry and again.checkpoint.size > first.checkpoint.size
    for old in receipts:
        for new in receipts:
            answer, = c.query(checkpoint={"from": old.checkpoint.size, "to_size": new.checkpoint.size})
            assert city.server.log.checkpoint(answer.checkpoint) == new.checkpoint  # to the byte
            if old.checkpoint.size < new.checkpoint.size:
                assert merkle.consistency_holds(old.checkpoint.size, new.checkpoint.size, list(answer.consistency),
                                                old.checkpoint.root, new.checkpoint.root)
            else:
                assert not answer.consistency
    answer, = c.query(checkpoint={"to_size": first.checkpoint.size})
    assert not answer.consistency
    latest, = c.query(checkpoint={})
    assert city.server.log.checkpoint(latest.checkpoint).size >= receipts[-1].checkpoint.size
    with pytest.raises(Refused) as e:
        c.query(checkpoint={"from": 1, "to_size": 1 << 62})
    assert e.value.kind == "LATER" and "query.to_size" in str(e.value.__dict__)


def test_a_receipt_is_refreshed_with_cosignatures(sides):
    s = sides(witness__wait="0 s")
    c = s.city.connect(s.city.generator)
    receipt = c.submit(s.city.trail().issued()[0])
    assert s.how_many(receipt.checkpoint.text) == 0
    until(lambda: s.how_many(s.served()) == 3, "all three")
    again, = c.entries(entry={"index": receipt.index})
    assert again.entry == receipt.entry and s.how_many(again.checkpoint.text) == 3


def test_rude_witnesses(make, tmp_path):
    """One redirects, one never ends its answer, one drips: none of them is believed, and none holds anybody up."""
    import http.server
    import socketserver

    asked = []

    class Rude(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/redirects"):
                self.send_response(302)
                self.send_header("Location", "/elsewhere/add-checkpoint")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x" * 100000 if self.path.startswith("/endless") else b"x")
                    time.sleep(0 if self.path.startswith("/endless") else 0.05)
            except OSError:
                pass

        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    class Serving(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads = True

    with Serving(("127.0.0.1", 0), Rude) as rude:
        threading.Thread(target=rude.serve_forever, daemon=True).start()
        server = make.server(start=False)
        good = Cosigner(server.folder / "good", "good", server.log.vkey)
        bad = [Cosigner(server.folder / n, n, server.log.vkey) for n in ("redirects", "endless", "drips")]
        for w in bad:
            w.kill()
            w.url = f"http://127.0.0.1:{rude.server_port}/{w.name}"
        file = tmp_path / "policy"
        file.write_text(policy([good, *bad], 1))
        server.start(witness__policy=file, witness__wait="2 s", witness__timeout="1 s")
        city = make.city(server)
        c = city.connect(city.generator)
        begun = time.monotonic()
        for _ in range(5):
            assert how_many([good], c.submit(city.trail().issued()[0]).checkpoint.text) == 1
        assert time.monotonic() - begun < 5
        server.wait("server", what="witness does not cosign", detail="redirects: answered 302")
        server.wait("server", what="witness does not cosign", detail="endless: ")
        server.wait("server", what="witness does not cosign", detail="drips: ")
        assert not [p for p in asked if "elsewhere" in p]
        rude.shutdown()
        good.kill()
