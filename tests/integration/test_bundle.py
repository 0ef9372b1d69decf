"""A manifest's bundle, cosigned by two witnesses and checked offline by a policy of three sides."""
import base64
import hashlib
import json
import subprocess

import manifest_pb2 as m
import pytest
from manifest_client import event
from manifest_client.device import sign
from manifest_client.note import parse_proof
from server import BUILD
from test_witness import Witness, b64

MANIFEST = BUILD / "manifest"


class ServerLog:
    """The server's log as the witnesses know it."""

    def __init__(self, log):
        self.vkey, self.origin, self.key_name = log.vkey, log.origin, log.origin


@pytest.fixture(scope="module")
def entries(city):
    """The entries of a whole life with those of its keys, all under one checkpoint."""
    t = city.trail()
    connection = city.connect(city.generator)
    for envelope in t.whole_life():
        connection.submit(envelope)
    found = connection.query(trail={"number": t.number, "keys": True})
    assert len({parse_proof(r.proof)[2] for r in found}) == 1
    return t.number, sorted(found, key=lambda r: r.index)


@pytest.fixture(scope="module")
def cosigned(city, entries, tmp_path_factory):
    """The checkpoint's note, cosigned by two witnesses, and the witnesses' keys."""
    _, found = entries
    note = parse_proof(found[0].proof)[2]
    lines, keys = "", []
    for _ in range(2):
        witness = Witness(tmp_path_factory.mktemp("w"), ServerLog(city.server.log))
        status, _, line = witness.add("old 0\n\n" + note)
        witness.stop()
        assert status == 200
        lines += line
        keys.append(witness.vkey)
    return note + lines, keys


def bundle(number, found, checkpoint):
    """The format as core/bundle.h writes it down."""
    text = f"manifest-bundle@v1\nmanifest {number}\nentries {len(found)}\n\n"
    for r in found:
        text += f"index {r.index}\nentry {b64(r.entry)}\n" + "".join(b64(h) + "\n" for h in parse_proof(r.proof)[1]) + "\n"
    return text + checkpoint


@pytest.fixture
def verify(tmp_path, city, entries, cosigned):
    number, found = entries
    note, keys = cosigned

    def run(*, text=None, policy=None, log=True):
        (tmp_path / "b.manifest").write_text(text if text is not None else bundle(number, found, note))
        (tmp_path / "log.vkey").write_text(city.server.log.vkey + "\n")
        command = [MANIFEST, "verify", "--json", "--lang=en", tmp_path / "b.manifest"]
        if log:
            command += [f"--log={tmp_path / 'log.vkey'}"]
        if policy is not None:
            (tmp_path / "policy").write_text(policy)
            command += [f"--policy={tmp_path / 'policy'}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr

    return run


def event_of(receipt):
    entry, e = m.LogEntry(), m.Event()
    entry.ParseFromString(receipt.entry)
    e.ParseFromString(entry.envelope.payload)
    return e


def policy_of(keys, need, log=None, third=None):
    members = ["a", "b"] + (["c"] if third else [])
    lines = [f"log {log}"] if log else []
    lines += [f"witness {n} {k}" for n, k in zip(members, keys + ([third] if third else []))]
    return "\n".join(lines + [f"group sides {need} {' '.join(members)}", "quorum sides", ""])


def test_it_holds_by_the_logs_key_alone(verify, entries):
    status, said, error = verify()
    assert (status, said["holds"]) == (0, True), error
    assert len(said["entries"]) == len(entries[1])
    assert said["number_gaps"] == []
    assert any("policy" in t for t in said["cannot_tell"])


def test_who_did_what_when_with_which_key(verify, entries, cosigned, tmp_path):
    """What a person reads; and the numbers that are not in the file are named."""
    number, found = entries
    steps = [event_of(r) for r in found if event_of(r).WhichOneof("kind") in ("issued", "loaded", "delivered", "received", "treated")]
    verify()
    said = subprocess.run([MANIFEST, "verify", "--lang=en", f"--log={tmp_path / 'log.vkey'}", tmp_path / "b.manifest"],
                          stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout
    for e in steps:
        for s in e.signers:
            assert f"key {s.keyid.hex()[:16]}, number {s.number}" in said
    assert "沈阳facility有限公司" in said and "1 t, 5 pcs" in said
    # the file without the step "loaded": its numbers are missing between those before and after
    i = next(i for i, r in enumerate(found) if event_of(r).WhichOneof("kind") == "loaded")
    _, said, _ = verify(text=bundle(number, found[:i] + found[i + 1:], cosigned[0]))
    hauler = event_of(found[i]).signers[1]
    assert (hauler.keyid.hex(), str(hauler.number)) in [(g["keyid"], g["numbers"]) for g in said["number_gaps"]]


def test_two_of_the_sides_cosigned(verify, cosigned, city):
    for log in (True, False):
        status, said, error = verify(policy=policy_of(cosigned[1], 2, city.server.log.vkey), log=log)
        assert (status, said["holds"], said["policy_holds"]) == (0, True, True), error
        assert [c["witness"] for c in said["cosignatures"]] == ["a", "b"]
    at = {int(c["at"]) for c in said["cosignatures"]}
    assert said["brackets"]
    for b in said["brackets"]:
        # the event was made after what its signers had seen, and is older than the second cosignature
        assert int(b["after"]) < int(b["accepted_at"]) and int(b["before"]) == max(at)


def test_a_third_witness_is_wanted(verify, cosigned, tmp_path):
    stranger = Witness(tmp_path, new=False)
    assert verify(policy=policy_of(cosigned[1], 2, third=stranger.vkey))[0] == 0
    status, said, _ = verify(policy=policy_of(cosigned[1], 3, third=stranger.vkey))
    assert (status, said["holds"], said["policy_holds"], said["policy_failure"]) == (1, True, False, "policy.quorum")
    done = subprocess.run([MANIFEST, "verify", "--lang=en", f"--policy={tmp_path / 'policy'}", f"--log={tmp_path / 'log.vkey'}",
                           tmp_path / "b.manifest"], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    # the last word is what the exit status says
    assert done.returncode == 1 and done.stdout.splitlines()[-1].startswith("does not hold by the policy")


def test_the_operator_alone_is_not_enough(verify, entries, cosigned):
    number, found = entries
    alone = bundle(number, found, parse_proof(found[0].proof)[2])
    assert verify(text=alone)[0] == 0
    status, said, _ = verify(text=alone, policy=policy_of(cosigned[1], 1))
    assert (status, said["policy_failure"], said["cosignatures"]) == (1, "policy.quorum", [])


def test_an_entry_that_is_changed_or_left_out(verify, entries, cosigned):
    number, found = entries
    note, _ = cosigned
    good = bundle(number, found, note)
    for r in found:
        raw = bytearray(r.entry)
        raw[-1] ^= 1
        status, said, _ = verify(text=good.replace(b64(r.entry), base64.b64encode(bytes(raw)).decode()))
        assert status == 1 and any(int(f["index"]) == r.index and f["bad"] for f in said["findings"])
    # the last step alone can be left out unnoticed: nothing in the file continues it; and names, which prove nothing
    for i in range(len(found) - 1):
        status, said, _ = verify(text=bundle(number, found[:i] + found[i + 1:], note))
        named = event_of(found[i]).WhichOneof("kind") == "party_registered"
        assert (status, said["holds"]) == ((0, True) if named else (1, False)), found[i].index


def tool(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_printed_page(verify, entries, cosigned, city, tmp_path, language):
    number, found = entries
    verify(policy=policy_of(cosigned[1], 2))
    command = [MANIFEST, "verify", f"--lang={language}", f"--log={tmp_path / 'log.vkey'}",
               f"--policy={tmp_path / 'policy'}", tmp_path / "b.manifest", "--pdf"]
    tool(*command, tmp_path / "1.pdf")
    tool(*command, tmp_path / "2.pdf")
    assert (tmp_path / "1.pdf").read_bytes() == (tmp_path / "2.pdf").read_bytes()
    text = tool("pdftotext", "-layout", tmp_path / "1.pdf", "-")
    file_hash = hashlib.sha256((tmp_path / "b.manifest").read_bytes()).hexdigest()
    size, root = parse_proof(found[0].proof)[2].split("\n")[1:3]
    for fact in (number, "HOLDS", "验证通过", "沈阳facility有限公司", city.facility.party.credit_code, "900-249-08", "废矿物油",
                 "1000000 g", "SY-0001", file_hash, root, size, city.server.log.vkey):
        assert fact in text, fact
    for s in (s for r in found for s in event_of(r).signers if event_of(r).WhichOneof("kind") in ("issued", "delivered")):
        assert s.keyid.hex()[:16] in text
    assert "DOES NOT HOLD" not in text and "不通过" not in text
    fonts = tool("pdffonts", tmp_path / "1.pdf").splitlines()[2:]
    assert fonts and all(f.split()[-5:-2] == ["yes", "yes", "yes"] for f in fonts)  # embedded, subset, with Unicode
    # what is in the code is enough to know the file and the state of the log
    tool("pdftoppm", "-r", "110", "-l", "1", "-png", tmp_path / "1.pdf", tmp_path / "page")
    read = tool("zbarimg", "-q", "--raw", next(tmp_path.glob("page*.png")))
    assert read.split() == ["manifest", number, "sha256", file_hash, city.server.log.origin, size, root]


def test_the_page_of_what_does_not_hold_says_so(verify, entries, cosigned, tmp_path):
    number, found = entries
    loaded = next(r for r in found if event_of(r).WhichOneof("kind") == "loaded")
    raw = bytearray(loaded.entry)
    raw[-1] ^= 1
    verify(text=bundle(number, found, cosigned[0]).replace(b64(loaded.entry), b64(bytes(raw))))
    done = subprocess.run([MANIFEST, "verify", "--lang=en", f"--log={tmp_path / 'log.vkey'}", tmp_path / "b.manifest", "--pdf",
                           tmp_path / "bad.pdf"], stdout=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 1
    text = tool("pdftotext", "-layout", tmp_path / "bad.pdf", "-")
    assert "DOES NOT HOLD" in text and "验证不通过" in text and f"entry {loaded.index}" in text
    assert "HOLDS" not in text.replace("DOES NOT HOLD", "")


def test_a_page_is_of_one_file(verify, tmp_path):
    verify()
    done = subprocess.run([MANIFEST, "verify", f"--log={tmp_path / 'log.vkey'}", tmp_path / "b.manifest", tmp_path / "b.manifest",
                           "--pdf", tmp_path / "x.pdf"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 2 and not (tmp_path / "x.pdf").exists()


def test_what_one_side_signed_alone_or_took_back(verify, city):
    connection = city.connect(city.generator)
    for last in (lambda t: t.attested("loaded", city.generator, reason=m.ATTEST_REASON_CANNOT)[0],
                 lambda t: sign(event("cancelled", number=t.number, reason="误开"), [city.generator])[0]):
        t = city.trail()
        connection.submit(t.issued()[0])
        connection.submit(last(t))
        found = sorted(connection.query(trail={"number": t.number, "keys": True}), key=lambda r: r.index)
        status, said, error = verify(text=bundle(t.number, found, parse_proof(found[0].proof)[2]))
        assert (status, said["holds"]) == (0, True), (said, error)


@pytest.mark.parametrize("spoil", [
    lambda t: t[:-1], lambda t: t[:len(t) // 2], lambda t: t.replace("\n", "\r\n"), lambda t: t.replace("@v1", "@v2"),
    lambda t: t.replace("entries ", "entries 0"), lambda t: "", lambda t: t.replace("index ", "index +", 1),
])
def test_a_spoiled_file(verify, entries, cosigned, spoil):
    status, said, _ = verify(text=spoil(bundle(*entries, cosigned[0])))
    assert status != 0 and said.get("holds") is not True


def test_a_bundle_of_another_manifest(verify, entries, cosigned):
    number, found = entries
    other = str(int(number) + 1)
    assert verify(text=bundle(other, found, cosigned[0]))[0] == 1


def test_every_receipt_in_it_stands_alone(city, entries, cosigned):
    """Cut out of the bundle it is a C2SP proof that any tool checks."""
    _, found = entries
    for r in found:
        index, hashes, _ = parse_proof(r.proof)
        text = "c2sp.org/tlog-proof@v1\n" + f"index {index}\n" + "".join(b64(h) + "\n" for h in hashes) + "\n" + cosigned[0]
        assert city.server.log.entry_holds(r.entry, text)[0] == r.index
