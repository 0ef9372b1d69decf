"""The program `manifest` as people use it: a whole city entered, carried, inspected and checked by hand."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest
from city import year_of
from manifest_client import credit_code
from manifest_client.device import now
from person import Person
from server import ROOT, until

DATA = ROOT / "tests/data"
SERVICE = "generator", "transporter", "later", "facility", "inspector", "auditor"
YEAR = year_of(now())
FIRST = int(f"{YEAR}2101000001")
OIL = "900-249-08;废矿物油;1.2t;6;drum;liquid;R9"
RAGS = "900-041-49;含油抹布;300kg;3;bag;solid;D10"


def code(serial):
    return credit_code(f"91210100MA{serial:07d}") + "-1"


class World:
    """The registrar's desk, and a person of each role."""

    def __init__(self, server, work):
        self.server, self.work = server, work
        self.registrar = self.person("registrar", "registrar", server.registrar.secret_text())
        self.ref = {name: code(i + 1) for i, name in enumerate(SERVICE)}
        for name in SERVICE:
            role = "transporter" if name == "later" else name
            someone = self.person(name, role)
            setattr(self, name, someone)
            self.registrar.does("registrar", "party", "--party", self.ref[name], "--name", f"沈阳{name}公司", "--roles", role,
                                "--division", "210102", "--address", "沈阳市和平区某路1号",
                                *(["--class", "key"] if name == "generator" else []))
            self.registrar.does("registrar", "enrol", "--party", self.ref[name], "--as", role, "--device", "终端",
                                "--new-key", someone.key)
        for plate, name in ("辽A12345", "transporter"), ("辽A67890", "later"):
            self.registrar.does("registrar", "vehicle", "--plate", plate, "--party", self.ref[name], "--licence", "210100000001",
                                "--capacity", "12t")
        self.registrar.does("registrar", "permit", "--number", "LN-1", "--party", self.ref["facility"], "--codes", "HW08,HW49",
                            "--methods", "R9,D10", "--per-year", "5000t", "--until", "+1825d")
        self.registrar.does("registrar", "block", "--party", self.ref["generator"], "--first", str(FIRST), "--last",
                            str(FIRST + 999))

    def person(self, name, role, key_text=None):
        home = self.work / name
        home.mkdir()
        return Person(home, self.server, role, key_text)

    def issue(self, *more, lines=(OIL,), **changed):
        """What a generator types to issue a manifest."""
        options = {"generator": self.ref["generator"], "transporter": self.ref["transporter"],
                   "facility": self.ref["facility"], "plate": "辽A12345", "collect-by": "+2h", "arrive-by": "+6h",
                   "permit": "LN-1", "destination": "某路3号", "emergency": "堵漏"} | changed
        return ["generator", "issue", *(w for n, v in options.items() for w in (f"--{n}", v)),
                *(w for line in lines for w in ("--line", line)), *more]

    def issued(self, **changed):
        """The number of a manifest that was issued online."""
        return self.generator.json(*self.issue(**changed))["number"]

    def handed(self, giver, step, taker, sign, number, *more):
        """One step of two sides: card, event and counter-signature pass as files."""
        card = taker.card()
        giver.does(*step, number, "--card", card, "--out", "step", *more)
        return taker.does(*sign, giver.home / "step")

    def loaded(self, number, *more):
        return self.handed(self.generator, ("generator", "load"), self.transporter, ("vehicle", "load"), number, *more)

    def delivered(self, number, carrier=None, *more):
        return self.handed(carrier or self.transporter, ("vehicle", "deliver"), self.facility, ("facility", "deliver"), number,
                           *more)

    def state(self, number):
        found, = self.inspector.json("inspector", "search", number)["manifests"]
        return found["state"]


@pytest.fixture(scope="module")
def world(cluster, tls, work):
    from conftest import Maker
    maker = Maker(cluster, tls, work)
    yield World(maker.server(http__enabled="yes"), pathlib.Path(maker.folder().parent))
    maker.close()


# ---- a life ----

def test_a_whole_life(world):
    """Issued, loaded, handed over, delivered, received, treated: every step typed, every step in the trail."""
    number = world.issued()
    assert "accepted" in world.loaded(number)
    world.handed(world.transporter, ("vehicle", "hand-over"), world.later, ("vehicle", "take-over"), number, "--to",
                 world.ref["later"], "--plate", "辽A67890")
    world.delivered(number, world.later)
    assert world.state(number) == "delivered"
    world.facility.does("facility", "receive", number)
    world.facility.does("facility", "treat", number, "--line", "1=200kg/1")
    assert world.state(number) == "accepted"
    world.facility.does("facility", "treat", number)
    assert world.state(number) == "closed"
    found = world.inspector.json("inspector", "trail", number)
    assert [next(k for k in e if k in STEPS) for e in found["entries"] if e.get("number", number) == number and
            any(k in e for k in STEPS)] == ["issued", "loaded", "handed_over", "delivered", "received", "treated", "treated"]
    assert found["holds"] is True and found["findings"] == []


STEPS = "issued", "loaded", "handed_over", "delivered", "received", "returned", "treated", "attested", "confirmed"


def test_offline_with_a_block(world):
    """A terminal without signal numbers and signs alone; what it wrote is loaded offline too, and sent later."""
    number = str(FIRST + 500)
    world.generator.does(*world.issue("--number", number, "--offline", "--out", "issued"))
    card = world.transporter.card()
    world.generator.does("generator", "load", number, "--offline", "--after", "issued", "--card", card, "--out", "load")
    world.transporter.does("vehicle", "load", world.generator.home / "load", "--out", "both")
    shown = world.transporter.does("show", "both")
    assert "2 of 2 signatures" in shown and number in shown
    refused = world.transporter.types("send", "both")
    assert refused.status == 1 and "send its predecessor first" in refused.err, refused
    world.transporter.does("send", world.generator.home / "issued", "both")
    assert world.state(number) == "in_transit"
    assert world.generator.json("key", "waiting")["waiting"] != []
    world.generator.does("key", "settle")
    assert world.generator.json("key", "waiting")["waiting"] == []


def test_partly_refused_and_returned(world):
    """A line is accepted in part; the rest goes back over the same vehicle, signed at both ends."""
    number = world.issued(lines=(OIL, RAGS))
    world.loaded(number)
    world.delivered(number)
    world.facility.does("facility", "receive", number, "--line", "1=partly;1t/5;R9;一桶标签不符", "--line", "2=refused;未列入合同")
    assert world.state(number) == "partly_accepted"
    world.handed(world.facility, ("facility", "return"), world.transporter, ("vehicle", "take-back"), number)
    assert world.state(number) == "returning"
    world.handed(world.transporter, ("vehicle", "return"), world.generator, ("generator", "take-back"), number)
    assert world.state(number) == "returned"
    world.facility.does("facility", "treat", number)
    assert world.state(number) == "closed"
    found, = world.facility.json("facility", "search", number)["manifests"]
    assert [(line["accepted_grams"], line.get("returned_grams")) for line in found["lines"] if "accepted_grams" in line] == \
        [("1000000", "200000")]


def test_attested_and_confirmed(world):
    """One side states a step alone, which is flagged, and the other signs for it after all, which clears it."""
    number = world.issued()
    world.generator.does("generator", "attest", number, "--step", "loaded", "--because", "cannot", "--note", "司机终端没电")
    listed = world.inspector.json("inspector", "flags", "--kind", "attested")["flags"]
    flag, = [f for f in listed if f["number"] == number]
    assert flag["open"] is True
    assert "one side alone" in world.inspector.does("inspector", "flags", "--kind", "attested", "--open")
    world.transporter.does("vehicle", "confirm", number)
    listed = world.inspector.json("inspector", "flags", "--kind", "attested")["flags"]
    flag, = [f for f in listed if f["number"] == number]
    assert flag.get("open") is not True


def test_cancelled_and_voided(world):
    number = world.issued()
    world.generator.does("generator", "cancel", number, "--reason", "重复开具")
    found, = world.generator.json("generator", "search", number)["manifests"]
    assert found["cancelled"] is True
    assert "(cancelled)" in world.generator.does("generator", "search", number)
    free = str(FIRST + 700)
    world.generator.does("generator", "void", "--number", free, "--reason", "打印作废")
    used = world.generator.types(*world.issue("--number", free))
    assert used.status == 1 and "number.voided" in used.err


def test_persons(world):
    """The log gets a salted hash; the salt is shown once, and the name may come by standard input."""
    told = world.registrar.json("registrar", "person", "--id", "P-1", "--party", world.ref["transporter"], "张三 210102")
    assert len(told["salt"]) == 64 and told["accepted"] is True
    told = world.registrar.does("registrar", "person", "--id", "P-2", "--party", world.ref["transporter"], "-", typed="李四\n")
    assert "salt" in told
    number = world.issued()
    world.loaded(number, "--driver", "P-1")
    assert world.state(number) == "in_transit"
