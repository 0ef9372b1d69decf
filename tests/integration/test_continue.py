"""A disaster: the database is lost, a copy is kept, and a new log goes on for the old one, step by step as the program says."""
import pathlib
import shlex
import shutil
import subprocess

import pytest
from server import MANIFESTD, Daemon
from test_audit import audit
from test_cli import World

NEW = "test.example/210100-2"


class Successor(Daemon):
    """A new database, new keys; begun by the very command that `manifest log continue-as` printed."""

    def __init__(self, make, old, command, cwd):
        folder = make.folder()
        folder.mkdir(mode=0o700)
        self.tls, self.cluster = old.tls, old.cluster
        self.database = database = old.cluster.new_database()
        super().__init__(folder, old.settings)
        roles = {f"database__{r}": old.cluster.conninfo(database, f"manifest_{r}") for r in ("owner", "writer", "reader")}
        self.write_conf(log__origin=NEW, keys__log=folder / "log.key", keys__server=folder / "server.key",
                        high_water=folder / "high-water", **roles)
        words = shlex.split(command.replace("--config FILE", f"--config {self.conf}"))
        assert words[0] == "manifestd" and "init" in words
        self.made = subprocess.run([pathlib.Path(MANIFESTD).resolve(), *words[1:]], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   timeout=120, check=False)


def offline_load(world, number):
    """Signed by both sides without the server; the file."""
    issued = world.generator.home / f"issued-{number}"
    step = world.generator.home / f"load-{number}"
    card = world.transporter.card()
    world.generator.does("generator", "load", number, "--offline", "--after", issued, "--card", card, "--out", step)
    world.transporter.does("vehicle", "load", step, "--out", f"both-{number}")
    return world.transporter.home / f"both-{number}"


def issue(world, number):
    path = world.generator.home / f"issued-{number}"
    world.generator.does(*world.issue("--offline", "--number", number, "--out", path))
    world.generator.does("send", path)
    return number


@pytest.fixture
def disaster(make, tmp_path):
    world = World(make.server(http__enabled="yes"), tmp_path)
    number = world.issued()
    world.loaded(number)
    world.delivered(number)
    world.number = number
    world.late, world.beyond = issue(world, str(int(number) + 500)), issue(world, str(int(number) + 501))
    world.late_file = offline_load(world, world.late)
    world.mirror = world.auditor.home / "copy"
    world.auditor.does("log", "mirror", world.mirror, "--url", f"http://127.0.0.1:{world.server.http}")
    # the transporter sees what no copy has, and states it in what it signs
    number = world.later.json("key", "card", "--out", "card.void")["running_number"]
    world.later.does("key", "void", "--number", number, "--reason", "test")
    world.transporter.does("checkpoint")
    world.beyond_file = offline_load(world, world.beyond)
    assert world.server.end() == 0
    return world


def prepare(world, *more):
    return world.auditor.types("log", "continue-as", NEW, "--mirror", world.mirror, *more)


@pytest.fixture
def successor(disaster, make):
    done = prepare(disaster)
    assert done.status == 0, done
    command = next(line for line in done.out.splitlines() if "manifestd" in line).strip()
    new = Successor(make, disaster.server, command, disaster.auditor.home)
    make.made.append(new)
    assert new.made.returncode == 0, new.made.stdout
    new.genesis = disaster.auditor.home / "new.genesis"
    return new.start()


def lead_to(person, daemon):
    person.config.write_text("\n".join([f"server = 127.0.0.1:{daemon.port}", *person.config.read_text().splitlines()[1:], ""]))


def follow(world, new, *people):
    for person in people:
        lead_to(person, new)
        person.does("key", "follow", new.genesis, "--mirror", world.mirror)


def test_the_city_goes_on(disaster, successor):
    w = disaster
    follow(w, successor, w.registrar, w.generator, w.facility, w.inspector)
    done = w.registrar.json("log", "replay", w.mirror)
    assert int(done["entered"]) > 20 and done["refused_events"] == "0"
    assert int(w.registrar.json("log", "replay", w.mirror)["repeated"]) == int(done["entered"])  # cut short, it goes on
    assert w.state(w.number) == "delivered"
    # devices go on where they were, with the keys and the running numbers that they have
    w.facility.does("facility", "receive", w.number)
    assert w.state(w.number) == "accepted"
    # signed without signal before the disaster: what it saw of the old log is no fault
    w.generator.does("send", w.late_file)
    assert w.state(w.late) == "in_transit"
    flags = w.inspector.json("inspector", "flags")["flags"]
    assert not [f for f in flags if f["kind"] in ("FLAG_KIND_TWO_HISTORIES", "FLAG_KIND_NUMBER_GAP", "FLAG_KIND_NUMBER_REUSED")], flags
    # what was seen beyond the checkpoint that the new log goes on for is lost, and does not go unnoticed
    w.generator.does("send", w.beyond_file)
    assert w.state(w.beyond) == "in_transit"
    flag, = w.inspector.json("inspector", "flags", "--kind", "two_histories")["flags"]
    assert "saw test.example/210100 size" in str(flag)
    # the whole trail verifies under the new log's key
    trail = w.inspector.json("inspector", "trail", w.number)
    assert trail["holds"] is True
    # and what its signers saw of the old log is judged by an audit as by the server
    report = audit(successor, "--high-water", successor.folder / "high-water")
    assert report["holds"], report["findings"]


def test_a_device_follows_on_purpose_only(disaster, successor):
    w = disaster
    lead_to(w.facility, successor)
    refused = w.facility.types("checkpoint")
    assert refused.status != 0, refused  # the server of another log is not taken for the old one
    needs = w.facility.types("key", "follow", successor.genesis)
    assert needs.status == 2 and "--mirror DIR or --url" in needs.err, needs
    before = (w.facility.home / "log.vkey").read_text()
    w.facility.does("key", "follow", successor.genesis, "--mirror", w.mirror)
    assert (w.facility.home / "log.vkey").read_text().startswith(NEW)
    assert (w.facility.home / "log.vkey.before").read_text() == before
    again = w.facility.types("key", "follow", successor.genesis, "--mirror", w.mirror)
    assert again.status == 2 and "has the new log's key already" in again.err, again


def test_a_device_that_saw_more_does_not_follow(disaster, successor):
    w = disaster
    refused = w.transporter.types("key", "follow", successor.genesis, "--mirror", w.mirror)
    assert refused.status == 1 and "this device has verified" in refused.err, refused


def test_the_newest_checkpoint_that_anybody_holds(disaster, make):
    """The transporter brings what it has: the new log owns up to what is lost, and the transporter follows."""
    w = disaster
    state, = (w.transporter.home / ".local/state/manifest").glob("*.state")
    note = w.transporter.home / "newest"
    note.write_text(state.read_text().split("\n", 3)[3])
    done = prepare(w, "--checkpoint", note)
    assert done.status == 0 and "the entries between are lost" in done.err, done
    command = next(line for line in done.out.splitlines() if "manifestd" in line).strip()
    new = Successor(make, w.server, command, w.auditor.home)
    make.made.append(new)
    assert new.made.returncode == 0, new.made.stdout
    new.genesis = w.auditor.home / "new.genesis"
    w.transporter.does("key", "follow", new.genesis)
    # a device behind it is not shown that the old log led there: no copy reaches so far
    assert w.generator.types("key", "follow", new.genesis, "--mirror", w.mirror).status != 0


@pytest.mark.parametrize("spoil", [lambda t: t[:-5], lambda t: t.replace("entry ", "entry A", 1), lambda t: t.replace("@v1", "@v2"),
                                   lambda t: t.replace(NEW, "test.example/other")])
def test_a_spoiled_genesis_file(disaster, successor, spoil):
    path = disaster.generator.home / "g"
    path.write_text(spoil(successor.genesis.read_text()))
    done = disaster.generator.types("key", "follow", path, "--mirror", disaster.mirror)
    assert done.status in (1, 2), done
    assert not (disaster.generator.home / "log.vkey").read_text().startswith(NEW)


def test_what_init_refuses(disaster, make):
    w = disaster
    done = prepare(w)
    command = next(line for line in done.out.splitlines() if "manifestd" in line).strip()
    for spoiled, words in ((command.replace(f"log.origin={NEW}", "log.origin=test.example/210100"), "a name of its own"),
                           (command.replace("--old-log ", "--recovery "), "needs --old-log")):
        new = Successor(make, w.server, spoiled, w.auditor.home)
        assert new.made.returncode != 0 and words in new.made.stdout, new.made.stdout
        new.close()
    shutil.copy(w.auditor.home / "continues.checkpoint", w.auditor.home / "spoiled")
    (w.auditor.home / "spoiled").write_text((w.auditor.home / "spoiled").read_text().replace("\n", "\n1", 1))
    new = Successor(make, w.server, command.replace("continues.checkpoint ", "spoiled "), w.auditor.home)
    assert new.made.returncode != 0 and "signature" in new.made.stdout
    new.close()
