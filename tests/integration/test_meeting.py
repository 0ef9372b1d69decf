"""Two devices at one step, and a server that is two: a copy of its database goes its own way under the same keys."""
import json
import shutil

import pytest
from test_cli import World


def see(person):
    person.does("checkpoint")
    return int(person.json("key", "waiting")["size"])


def fork(make, server):
    """A second server over a copy of the database; what it says next is another history."""
    assert server.end() == 0
    copy = server.cluster.new_database(server.database)
    folder = make.folder()
    settings = {f"database__{r}": server.cluster.conninfo(copy, f"manifest_{r}") for r in ("owner", "writer", "reader")}
    twin = make.twin(server, high_water=folder.parent / "high-water", **settings)
    shutil.copy(server.folder / "high-water", folder.parent / "high-water")
    server.start()
    return twin.start()


def lead_to(person, daemon):
    text = person.config.read_text().splitlines()
    person.config.write_text("\n".join([f"server = 127.0.0.1:{daemon.port}", *text[1:], ""]))


@pytest.fixture
def world(make, tmp_path):
    world = World(make.server(http__enabled="yes"), tmp_path)
    world.number = world.issued()
    for person in (world.generator, world.transporter):
        see(person)
    return world


@pytest.fixture
def forked(world, make):
    """The transporter's server and the generator's have one size and two histories."""
    twin = fork(make, world.server)
    lead_to(world.registrar, world.server)
    lead_to(world.generator, world.server)
    lead_to(world.inspector, world.server)
    lead_to(world.transporter, twin)
    world.twin = twin
    grow(world)
    diverge(world)
    assert see(world.generator) == see(world.transporter)
    return world


def grow(world):
    """One entry of the log that the generator knows."""
    world.grown = getattr(world, "grown", 0) + 1
    world.registrar.does("registrar", "vehicle", "--plate", f"辽B{world.grown:05d}", "--party", world.ref["transporter"],
                         "--licence", "1", "--capacity", "9t")


def diverge(world):
    """One entry of the other."""
    number = world.transporter.json("key", "card", "--out", "card.void")["running_number"]
    world.transporter.does("key", "void", "--number", number, "--reason", "test")


def card(world):
    world.transporter.does("key", "card", "--out", "card.json")
    return world.transporter.home / "card.json"


def load(world, *more):
    return world.generator.types("generator", "load", world.number, "--card", card(world), "--out", "load.json", "--json", *more)


def evidence_of(done):
    said = json.loads(done.out)
    assert done.status == 0 and said["two_histories"], done
    return said["evidence"]


def test_honest_devices_hear_nothing_of_it(world):
    done = load(world)
    assert done.status == 0 and "two_histories" not in done.out and not done.err, done
    done = world.transporter.types("vehicle", "load", world.generator.home / "load.json")
    assert done.status == 0 and "HISTORIES" not in done.err, done
    assert not list((world.generator.home / ".local/state/manifest/met").glob("*"))


def test_one_size_and_two_roots_are_proved_at_once(forked):
    done = load(forked)
    assert "TWO HISTORIES" in done.err
    assert forked.generator.types("log", "evidence", evidence_of(done)).status == 0
    assert forked.inspector.types("log", "evidence", evidence_of(done)).status == 0  # who knows the log's key alone
    # the taker sees it too, and signs all the same; the event is the best evidence
    done = forked.transporter.types("vehicle", "load", forked.generator.home / "load.json", "--out", "done.json", "--json")
    assert forked.inspector.types("log", "evidence", evidence_of(done)).status == 0
    forked.generator.does("send", forked.transporter.home / "done.json")
    flags = forked.inspector.json("inspector", "flags", "--kind", "two_histories")["flags"]
    assert len(flags) == 1 and "saw test.example/210100" in json.dumps(flags)


def test_without_a_network(forked):
    issued = forked.generator.home / "issued.json"
    number = str(int(forked.number) + 500)
    forked.generator.does(*forked.issue("--offline", "--number", number, "--out", issued))
    done = forked.generator.types("generator", "load", number, "--offline", "--after", issued, "--card", card(forked), "--out",
                                  "load.json", "--json")
    assert forked.inspector.types("log", "evidence", evidence_of(done)).status == 0


def test_another_size_is_asked_of_the_server(forked, tmp_path):
    grow(forked)
    see(forked.generator)
    done = load(forked)
    theirs = evidence_of(done)
    ours = sorted(p for p in (forked.generator.home / ".local/state/manifest/evidence").iterdir() if p.name.endswith(".ours"))[-1]
    made = forked.inspector.types("log", "compare", theirs, ours, "--url", f"http://127.0.0.1:{forked.server.http}", "--save",
                                  tmp_path / "e.json")
    assert made.status == 1 and "TWO HISTORIES" in made.out
    assert forked.generator.types("log", "evidence", tmp_path / "e.json").status == 0


def test_what_cannot_be_asked_yet_is_asked_later(forked):
    met = forked.generator.home / ".local/state/manifest/met"
    diverge(forked)  # the transporter has seen more than the generator's server has
    done = load(forked)
    assert done.status == 0 and "is smaller" in done.err and len(list(met.iterdir())) == 1
    grow(forked)
    grow(forked)
    done = forked.generator.types("checkpoint", "--json")
    assert "TWO HISTORIES" in done.err and json.loads(done.out)["two_histories"] and not list(met.iterdir())


def test_a_card_that_only_claims(forked):
    path = card(forked)
    shown = json.loads(path.read_text())
    del shown["checkpoint"]
    path.write_text(json.dumps(shown))
    done = forked.generator.types("generator", "load", forked.number, "--card", path, "--out", "load.json", "--json")
    assert "only states it" in done.err and evidence_of(done).endswith(".card")
