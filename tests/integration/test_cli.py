"""The program `manifest` as people use it: a whole city entered, carried, inspected and checked by hand."""
import fcntl
import json
import os
import pathlib
import pty
import signal
import socket
import struct
import subprocess
import termios
import time
import unicodedata

import pytest
from city import year_of
from conftest import Maker
from manifest_client import Key, credit_code
from manifest_client.device import now
from person import MANIFEST, Person
from server import ORIGIN, ROOT
from test_witness import written_key

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


def test_the_life_in_the_readme(make, tmp_path):
    """README.md's commands, as they stand there: a manifest's life, and the auditor's copy and audit."""
    server = make.server(**{"http.enabled": "yes"})
    readme = (ROOT / "README.md").read_text()
    commands = "\n".join(readme.split(before + "\n\n")[1].split("\n\n")[0] for before in (
        "A manifest's whole life, in a second terminal:", "copies the whole log and judges all of it again:"))
    folder = tmp_path / "serve"
    (folder / "keys").mkdir(parents=True)
    desk = Person(folder / "desk", server, "registrar", server.registrar.secret_text())
    desk.config.write_text("".join(ln for ln in desk.config.read_text().splitlines(True) if ln.split()[0] not in ("key", "role")))
    desk.config.rename(folder / "client.conf")
    desk.key.rename(folder / "keys/registrar.key")
    for stands, here in (("build/release/manifest", MANIFEST), ("http://127.0.0.1:7311", f"http://127.0.0.1:{server.http}"),
                         ("$DIR/high-water", server.settings["high_water"]),
                         ("host=$DIR/pg user=manifest_reader dbname=manifest", server.settings["database.reader"]),
                         ("/var/tmp/manifest-serve-$(id -un)", folder)):
        assert stands in commands
        commands = commands.replace(stands, str(here))
    done = subprocess.run(["bash", "-euc", commands], cwd=tmp_path, env=desk.environment(), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=90, check=False)
    assert done.returncode == 0 and "holds: every table" in done.stdout, done.stdout
    assert len(list(tmp_path.glob("*.pdf"))) == 1


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
    absent = world.ref["transporter"]
    assert flag["detail"] == f"loaded without the signature of {absent}: cannot sign"
    assert flag["detail_zh"] == f"启运，缺 {absent} 的签署：无法签署"
    for language, told, other in ("en", "detail", "detail_zh"), ("zh", "detail_zh", "detail"):
        shown = world.inspector.does("inspector", "flags", "--kind", "attested", "--open", "--lang", language)
        assert flag[told] in shown and flag[other] not in shown
        shown = world.auditor.does("auditor", "entry", flag["flag"], "--lang", language)
        assert flag[told] in shown and flag[other] not in shown
        world.inspector.does("inspector", "trail", number, "--bundle", "flagged", "--lang", language)
        world.inspector.does("verify", "flagged", "--pdf", f"{language}.pdf", "--lang", language)
        page = subprocess.run(["pdftotext", world.inspector.home / f"{language}.pdf", "-"], capture_output=True, text=True,
                              check=True).stdout
        assert ("无法签署" in page, "cannot sign" in page) == (language == "zh", language == "en")
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


# ---- looking ----

@pytest.fixture(scope="module")
def closed(world):
    """The number of a manifest that lived its whole life."""
    number = world.issued()
    world.loaded(number)
    world.delivered(number)
    world.facility.does("facility", "receive", number)
    world.facility.does("facility", "treat", number)
    return number


def test_search_each_way(world, closed):
    """By number, party, plate, code, state and time; each finds it, and the same with another value does not."""
    day = time.strftime("%Y-%m-%d", time.gmtime(now() // 10**6 + 8 * 3600))
    for hit, miss in ((["--party", world.ref["generator"]], ["--party", world.ref["auditor"]]),
                      (["--plate", "辽A12345"], ["--plate", "辽A99999"]), (["--code", "900-249-08"], ["--code", "900-039-49"]),
                      (["--in", "closed"], ["--in", "refused"]), (["--from", day], ["--from", "+1h"]),
                      (["--until", "+1h"], ["--until", day])):
        found = {m["number"] for m in world.inspector.json("inspector", "search", *hit, "--all", "--limit", "2")["manifests"]}
        assert closed in found, hit
        assert world.inspector.json("inspector", "search", *miss)["manifests"] == [], miss
        assert "no manifests" in world.inspector.does("inspector", "search", *miss)
    assert "there is more: --after" in world.inspector.does("inspector", "search", "--limit", "1")
    assert "closed" in world.inspector.does("inspector", "search", closed)


def test_summary_says_the_same_twice(world, closed):
    told = world.inspector.json("inspector", "summary", "--party", world.ref["facility"])["summary"]
    text = world.inspector.does("inspector", "summary", "--party", world.ref["facility"]).out
    assert f"{told['manifests']['closed']}\n" in text and "沈阳facility公司" in text
    chinese = world.inspector.does("inspector", "summary", "--party", world.ref["facility"], "--lang", "zh").out
    assert "已办结" in chinese and "库存" in chinese


def test_flag_watched_and_resolved(world):
    """A watching inspector is told at once; the flag is listed, closed with a reason, and then not open any more."""
    watching = world.inspector.begin("inspector", "watch")
    assert "watching" in watching.stdout.readline()
    chinese = world.inspector.begin("inspector", "watch", "--lang", "zh")
    assert "正在监视" in chinese.stdout.readline()
    number = world.issued()
    world.generator.does("generator", "cancel", number, "--reason", "重复")
    accepted = world.loaded(number)
    assert "cancelled, yet loaded" in accepted
    assert "cancelled, yet loaded" in (line := watching.stdout.readline()) and number in line
    assert "作废后启运" in (line := chinese.stdout.readline()) and "loaded after" not in line
    for process in watching, chinese:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    listed = world.inspector.json("inspector", "flags", "--open", "--kind", "cancelled_loaded")["flags"]
    flag, = [f for f in listed if f["number"] == number]
    assert flag["kind"] == "cancelled_loaded"
    world.inspector.does("inspector", "resolve", flag["flag"], "--as", "explained", "--reason", "误操作，已核实")
    listed = world.inspector.json("inspector", "flags", "--open", "--kind", "cancelled_loaded")["flags"]
    assert flag["flag"] not in [f["flag"] for f in listed]
    assert "误操作" in world.inspector.does("inspector", "flags", "--kind", "cancelled_loaded")


def test_what_an_auditor_asks(world, closed):
    """Everything of the log, over HTTP with a token, and one entry by its index."""
    (world.auditor.home / "token").write_text(world.auditor.json("auditor", "token")["token"])
    url = f"http://127.0.0.1:{world.server.http}"
    copied = world.auditor.json("log", "mirror", "copy", "--url", url, "--token", "token")
    assert int(copied["size"]) > 0
    again = world.auditor.json("log", "mirror", "other", "--url", url)  # asks for its token itself
    assert int(again["size"]) >= int(copied["size"])
    assert closed in world.auditor.does("auditor", "search", closed)
    index = world.auditor.json("auditor", "trail", closed)["entries"][-1]["index"]
    shown = world.auditor.json("auditor", "entry", index)
    assert shown["index"] == index and shown["event"]["treated"]["number"] == closed
    assert "quantity" in world.auditor.does("auditor", "entry", index)


# ---- records of other systems ----

def test_import_of_the_examples(world):
    """The real examples: what is good is entered, what is not is told row by row, and the importer sees its own again."""
    files = sorted((DATA / "emanifest").glob("*-valid-*.json"))
    assert files
    dry = world.facility.json("import", "--dry-run", *files)
    assert [f["entered"] for f in dry["files"]] == [0] * len(files) and all(f["records"] > 0 for f in dry["files"])
    done = world.facility.json("import", *files)
    for f in done["files"]:
        assert f["entered"] == f["records"] == len(f["indexes"]) and f["bad"] == 0, f
    mine = world.facility.json("facility", "entry", done["files"][0]["indexes"][0])
    assert mine["event"]["imported"]["scheme"].startswith("us-emanifest")
    refused = world.generator.types("generator", "entry", done["files"][0]["indexes"][0])
    assert refused.status == 1 and "not found" in refused.err

    national = world.facility.json("import", DATA / "national/export.csv", status=1)["files"][0]
    assert national["entered"] == national["records"] == 3 and national["bad"] > 0
    assert {f["row"] for f in national["findings"] if f["what"] == "bad"} == {5, 6, 8, 9}  # lines of the file
    text = world.facility.types("import", "--dry-run", "--lang", "zh", DATA / "national/export.csv")
    assert text.status == 1 and "有误" in text.out
    bad = world.facility.json("import", DATA / "emanifest/emanifest-save-invalid-example.json", status=1)
    assert bad["files"][0]["bad"] > 0


# ---- believing nothing ----

def test_verify_offline(world, closed, tmp_path):
    """A trail and a bundle hold without a server; a changed copy does not, and says where."""
    inspector = world.inspector
    inspector.does("inspector", "trail", closed, "--save", "trail", "--bundle", "bundle")
    for name in "trail", "bundle":
        assert "holds" in inspector.does("verify", name, "--server", "127.0.0.1:1", "--key", "none")
    assert inspector.json("verify", "trail")["holds"] is True

    trail = json.loads((inspector.home / "trail").read_text())
    entry = trail["entries"][-1]
    middle = len(entry["entry"]) // 2
    entry["entry"] = entry["entry"][:middle] + ("A" if entry["entry"][middle] != "A" else "B") + entry["entry"][middle + 1:]
    (inspector.home / "changed").write_text(json.dumps(trail))
    told = inspector.types("verify", "changed")
    assert told.status == 1 and "does not hold" in told.out and str(entry["index"]) in told.out
    assert inspector.json("verify", "changed", status=1)["holds"] is False

    bundle = (inspector.home / "bundle").read_text()
    at = bundle.index("entry ") + 300
    (inspector.home / "other").write_text(bundle[:at] + ("A" if bundle[at] != "A" else "B") + bundle[at + 1:])
    assert inspector.types("verify", "other").status == 1
    (inspector.home / "short").write_text(bundle[:len(bundle) // 2])
    assert inspector.types("verify", "short").status != 0
    del trail["entries"][3:]
    (inspector.home / "less").write_text(json.dumps(trail))
    assert inspector.types("verify", "less").status == 1


# ---- what goes wrong, and what is then said ----

def test_unavailable(world, tmp_path):
    """Nobody listens: the place and what to check are named, 3; what was signed waits, and is sent later."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        nowhere = f"127.0.0.1:{free.getsockname()[1]}"
    done = world.generator.types("checkpoint", "--server", nowhere)
    assert done.status == 3 and nowhere in done.err and "--server" in done.err and "refused" in done.err
    assert nowhere in world.generator.types("checkpoint", "--server", nowhere, "--lang", "zh").err
    number = str(FIRST + 800)
    world.generator.does(*world.issue("--number", number, "--offline", "--out", "late"))
    assert world.generator.types("send", "late", "--server", nowhere).status == 3
    assert world.generator.types("key", "settle", "--server", nowhere).status == 3
    assert world.generator.types("import", DATA / "national/export.csv", "--server", nowhere).status == 3
    assert len(world.generator.json("key", "waiting")["waiting"]) > 0
    world.generator.does("key", "settle")
    assert world.state(number) == "issued"
    web = world.generator.types("checkpoint", "--server", f"127.0.0.1:{world.server.http}", "--timeout", "1")
    assert web.status == 3 and "HTTP" in web.err, web


def test_wrong_certificate(world, tls, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    "/dev/null", "-out", tmp_path / "other.crt", "-subj", "/CN=other", "-days", "2"], check=True,
                   stderr=subprocess.DEVNULL, timeout=60)
    done = world.generator.types("checkpoint", "--ca", tmp_path / "other.crt")
    assert done.status == 1 and "--ca" in done.err
    done = world.generator.types("checkpoint", "--ca", "no-such-file")
    assert done.status == 2 and "no-such-file" in done.err and "--ca" in done.err
    done = world.generator.types("checkpoint", "--ca", tls / "server.crt")
    assert done.status == 0, done


def test_wrong_role_and_keys(world):
    number = world.issued()
    done = world.generator.types("facility", "receive", number, "--role", "facility")
    assert done.status == 1 and "--role" in done.err and "hello" not in done.err
    assert "generator, not facility" in done.err, done
    done = world.generator.types("registrar", "flags", "--role", "registrar", "--lang", "zh")
    assert done.status == 1 and "登记" in done.err and "Hello" not in done.err
    stranger = world.person("stranger", "generator")
    done = stranger.types("checkpoint")
    assert done.status == 1 and "enrol" in done.err
    done = world.generator.types("checkpoint", "--key", f"{world.generator.key}.pub")
    assert done.status == 2 and "secret key file is wanted" in done.err
    world.generator.key.chmod(0o644)
    done = world.generator.types("checkpoint")
    world.generator.key.chmod(0o600)
    assert done.status == 2 and "chmod 600" in done.err


def test_usage(world):
    """Everything that is missing is told at once, and what is not known is named."""
    done = world.generator.types("generator", "issue", "--plate", "x")
    assert done.status == 2
    for name in "generator", "transporter", "facility", "line", "collect-by", "arrive-by", "permit", "destination", "emergency":
        assert f"--{name}" in done.err
    empty = world.work / "empty"
    empty.write_text("")
    done = world.generator.types("checkpoint", "--config", empty)
    assert done.status == 2 and all(o in done.err for o in ("--key", "--log", "--ca", "config")), done
    assert world.generator.types("checkpoint", "--nonsense").status == 2
    done = world.generator.types("generator", "lod")
    assert done.status == 2 and "lod" in done.err
    done = world.generator.types(*world.issue(lines=["900-249-08;废矿物油;1.2;6;drum;liquid;R9"]))
    assert done.status == 2 and "CODE;NAME" in done.err
    assert world.generator.types("inspector", "flags", "--kind", "bogus").status == 2
    assert world.generator.types().status == 2
    for words in ("bogus",), ("bogus", "--help"), ("help", "bogus"):
        done = world.generator.types(*words)
        assert done.status == 2 and done.err.count("bogus") == 1, done
    assert "generator issue" in world.generator.does("help")
    done = world.generator.types("generator", "--lang", "zh")
    assert done.status == 2 and "组名之后须有命令" in done.err and "装车" in done.out


@pytest.mark.parametrize("language", ("en", "zh"))
def test_help_of_every_command(world, language):
    """Each command that `help` lists tells its options, in whole lines, and says of itself what the list says."""
    lines = [line.split("  ") for line in world.generator.does("help", "--lang", language).out.splitlines() if line.startswith("  ")]
    listed = [([word.strip() for word in line if word.strip()]) for line in lines]
    assert len(listed) > 90
    for command, summary in listed:
        told = world.generator.does(*command.split(), "--help", "--lang", language).out
        assert summary in " ".join(told.split()) and "--json" in told and told.endswith("\n"), told


def test_refused_event(world):
    """All that is wrong with an event at once, in either language; the number it took is given up by itself."""
    before = world.generator.json("key", "waiting")
    command = world.issue(plate="辽A99999", permit="LN-2", lines=["900-999-08;油;1t;1;drum;liquid;R9"])
    done = world.generator.types(*command)
    assert done.status == 1 and "900-999-08" in done.err and "given up" in done.err
    told = world.generator.json(*command, status=1)
    assert told["refused"] == "rule" and told["problems"][0]["rule"] == "waste.code.unknown"
    assert all(p["zh"] and p["en"] for p in told["problems"])
    assert told["problems"][0]["source"] == "Solid Waste Law (2020), art. 75" and "art. 75" in done.err
    assert told["problems"][0]["source_zh"] == "《中华人民共和国固体废物污染环境防治法》（2020修订）第七十五条"
    chinese = world.generator.types(*command, "--lang", "zh").err
    assert "被拒绝：" in chinese and "废物" in chinese and "第七十五条" in chinese and "art. 75" not in chinese
    after = world.generator.json("key", "waiting")
    assert len(after["waiting"]) == len(before["waiting"])


def test_no_number_is_spent_for_nothing(world):
    """What cannot be written, and what others have still to sign, is seen before a running number is lost to it."""
    number = world.issued()
    card = world.transporter.card()
    before = world.generator.json("key", "waiting")
    done = world.generator.types("generator", "load", number, "--card", card, "--out", "no-such-folder/load")
    assert done.status == 2 and "--out" in done.err
    assert world.generator.json("key", "waiting") == before
    world.generator.does("generator", "load", number, "--card", card, "--out", "half")
    done = world.generator.types("send", "half")
    assert done.status == 2 and "another side" in done.err
    world.transporter.does("vehicle", "load", world.generator.home / "half")
    done = world.generator.types("send", "log.vkey")
    assert done.status == 2 and "not an event file" in done.err
    done = world.generator.types("generator", "attest", number, "--step", "issued", "--because", "cannot", "--note", "x")
    assert done.status == 2 and "delivered" in done.err


def test_another_log(world):
    (world.generator.home / "other").write_text(written_key(ORIGIN, 1, Key().public) + "\n")
    done = world.generator.types("checkpoint", "--log", "other")
    assert done.status == 1 and "--log" in done.err


def test_a_step_too_early(world):
    number = world.issued()
    done = world.facility.types("facility", "treat", number)
    assert done.status != 0 and "facility receive" in done.err
    done = world.facility.types("facility", "receive", number)
    assert done.status == 1 and "issued" in done.err, done
    done = world.generator.types("generator", "load", number)
    assert done.status == 2 and "--card" in done.err


def test_nothing_waits(world):
    fresh = world.person("fresh", "generator")
    world.registrar.does("registrar", "enrol", "--party", world.ref["generator"], "--as", "generator", "--device", "2", "--card",
                         fresh.card(), "--out", "enrol")
    fresh.does("sign", world.registrar.home / "enrol", "--out", "signed")
    world.registrar.does("send", fresh.home / "signed")
    assert "nothing waits" in fresh.does("key", "settle")
    assert "没有待发" in fresh.does("key", "settle", "--lang", "zh")
    fresh.card()
    waiting = fresh.does("key", "waiting")
    assert "card given out" in waiting
    fresh.does("key", "void", "--number", str(int(fresh.json("key", "waiting")["waiting"][0]["number"])), "--reason", "遗失")
    assert fresh.json("key", "waiting")["waiting"] == []


def test_a_key_enrolled_elsewhere(world):
    """The registrar's desk signed once with the new key: the device does not take the same running number again."""
    device = world.person("device", "generator")
    world.registrar.does("registrar", "enrol", "--party", world.ref["generator"], "--as", "generator", "--device", "3",
                         "--new-key", device.key)
    assert json.loads(device.card().read_text())["number"] in (2, "2")
    alone = world.person("alone", "generator")
    done = alone.types("key", "card", "--server", "127.0.0.1:1")
    assert done.status == 0 and "manifest checkpoint" in done.err


def test_json_is_one_object(world):
    """A card or an event file that is not written to a file is a part of the object that --json prints."""
    number = world.issued()
    card = world.transporter.json("key", "card")["content"]
    assert card["manifest-card"] == 1
    (world.work / "card").write_text(json.dumps(card))
    load = world.generator.json("generator", "load", number, "--card", world.work / "card", "--out", "-")["content"]
    (world.work / "load").write_text(json.dumps(load))
    world.transporter.does("vehicle", "load", world.work / "load")
    assert world.state(number) == "in_transit"


# ---- how it looks ----

def test_colours_only_on_a_terminal(world, closed):
    assert "\033" not in world.inspector.does("inspector", "search", closed).out
    for more, coloured in ({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False):
        out = on_terminal(world.inspector, "inspector", "search", closed, **more)
        assert ("\033[" in out) is coloured, (more, out)
    assert "\033" not in on_terminal(world.inspector, "inspector", "search", closed, "--json")


def on_terminal(person, *words, columns=80, **more):
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([MANIFEST, *words], cwd=person.home, env=person.environment(**({"TERM": "xterm"} | more)),
                               stdin=subprocess.DEVNULL, stdout=inner, stderr=inner)
    os.close(inner)
    out = b""
    try:
        while chunk := os.read(outer, 65536):
            out += chunk
    except OSError:  # the terminal is gone
        pass
    os.close(outer)
    process.wait(30)
    return out.decode().replace("\r\n", "\n")


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_fits_a_terminal(world, closed, lang):
    """On 80 columns no line is longer, and columns are aligned also behind Chinese text."""
    for words in (["inspector", "search"], ["inspector", "flags"], ["inspector", "summary", "--party", world.ref["generator"]], ["generator", "blocks"], ["key", "waiting"]):
        person = world.generator if words[0] != "inspector" else world.inspector
        for line in on_terminal(person, *words, "--lang", lang, NO_COLOR="1").splitlines():
            assert width(line) <= 80, line
    rows = on_terminal(world.inspector, "inspector", "search", "--lang", lang, columns=200, NO_COLOR="1").splitlines()
    assert len({width(row[:row.index("辽A")]) for row in rows if "辽A" in row}) == 1
