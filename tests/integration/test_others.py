"""Tools that others wrote verify our log: what sigstore and in-toto read, and a witness of Sigsum's cosigns it."""
import base64
import json
import subprocess

import manifest_pb2 as m
import pytest

pytestmark = pytest.mark.slow  # what is looked at here is other people's programs

DSSE = "github.com/secure-systems-lab/go-securesystemslib"
OK = "ok"


def b64(raw):
    return base64.b64encode(raw).decode()


def flipped(raw, at):
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1:]


@pytest.fixture(scope="module")
def receipts(city):
    """Of several lives, so that proofs have every shape; the log's first entry is not among them."""
    connection = city.connect(city.generator)
    return [connection.submit(e) for _ in range(4) for e in city.trail().whole_life()]


@pytest.fixture(scope="module")
def envelopes(city, receipts):
    """In DSSE's JSON, each with the keys that must have signed it."""
    devices = (city.registrar, city.generator, city.transporter, city.later, city.facility)
    keys = {d.key.id.hex(): d.key.public for d in devices}
    found = []
    for e in (m.Envelope.FromString(r.envelope) for r in receipts):
        found.append(dict(payloadType=e.payloadType, payload=b64(e.payload),
                          signatures=[dict(keyid=s.keyid, sig=b64(s.sig)) for s in e.signatures],
                          keys=[dict(keyid=s.keyid, public=b64(keys[s.keyid])) for s in e.signatures]))
    assert {len(e["signatures"]) for e in found} == {1, 2}
    return found


def spoiled(envelope):
    """Every way in which one signature of an envelope may be wrong."""
    payload, signatures, keys = (envelope[k] for k in ("payload", "signatures", "keys"))
    raw = base64.b64decode(payload)
    yield envelope | {"payload": b64(flipped(raw, 0))}
    yield envelope | {"payload": b64(flipped(raw, len(raw) - 1))}
    yield envelope | {"payload": b64(raw + b"\0")}
    yield envelope | {"payloadType": "application/vnd.manifest.hello.v1+protobuf"}
    for i, s in enumerate(signatures):
        for at in (0, 63):
            bad = s | {"sig": b64(flipped(base64.b64decode(s["sig"]), at))}
            yield envelope | {"signatures": signatures[:i] + [bad] + signatures[i + 1:]}
        other = keys[i] | {"public": b64(bytes(31) + b"\1")}
        yield envelope | {"keys": keys[:i] + [other] + keys[i + 1:]}


def test_sigstore_verifies_receipts(city, receipts, node):
    """The checkpoint's signature, and that the entry is in the tree under its root."""
    vkey = city.server.log.vkey

    def verdicts(items, key=vkey):
        done = node("verify.js", json.dumps(dict(vkey=key, receipts=items)))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["receipts"]

    good = [dict(entry=b64(r.entry), proof=r.proof) for r in receipts]
    assert verdicts(good) == [OK] * len(good)

    # and it can say no: to every hash of the proof, the index, the root, the size, the signature, the entry
    one, raw = good[-1], receipts[-1].entry
    lines = one["proof"].split("\n")
    checkpoint = lines.index("") + 1
    bad = [one | {"entry": b64(flipped(raw, at))} for at in (0, len(raw) // 2, len(raw) - 1)]
    bad.append(one | {"proof": good[-2]["proof"]})
    for i in [*range(2, checkpoint - 1), checkpoint + 2]:
        bad.append(one | {"proof": "\n".join(lines[:i] + [b64(flipped(base64.b64decode(lines[i]), 5))] + lines[i + 1:])})
    for i, line in ((1, f"index {receipts[-1].index ^ 1}"), (checkpoint, "other.example/log"),
                    (checkpoint + 1, str(receipts[-1].checkpoint.size + 1))):
        bad.append(one | {"proof": "\n".join(lines[:i] + [line] + lines[i + 1:])})
    head, value = lines[-2].rsplit(" ", 1)
    signature = base64.b64decode(value)
    for at in (0, 4, len(signature) - 1):
        bad.append(one | {"proof": "\n".join(lines[:-2] + [f"{head} {b64(flipped(signature, at))}", ""])})
    assert len(bad) > 12
    assert OK not in verdicts(bad)
    name, _, key = vkey.split("+", 2)
    other = flipped(base64.b64decode(key), 7)
    assert OK not in verdicts(good[:3], f"{name}+{vkey.split('+')[1]}+{b64(other)}")


def demand(verdicts, envelopes):
    assert verdicts(envelopes) == [OK] * len(envelopes)
    bad = [b for e in envelopes[:10] for b in spoiled(e)]
    assert len(bad) > 50
    assert OK not in verdicts(bad)


def test_sigstore_verifies_envelopes(envelopes, node):
    def verdicts(items):
        done = node("verify.js", json.dumps(dict(envelopes=items)))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["envelopes"]

    demand(verdicts, envelopes)


def test_in_toto_verifies_envelopes(envelopes, backport, go):
    package = backport("golang-github-secure-systems-lab-go-securesystemslib-dev") / "usr/share/gocode"
    program = go("envelopes.go", [DSSE, "golang.org/x/crypto/ssh"], package)

    def verdicts(items):
        done = subprocess.run([program], input=json.dumps(dict(Envelopes=items)), capture_output=True, text=True,
                              timeout=60, check=True)
        return json.loads(done.stdout)["envelopes"]

    demand(verdicts, envelopes)
    # one that nobody signed, and one that lacks the second signature
    two = next(e for e in envelopes if len(e["signatures"]) == 2)
    assert OK not in verdicts([two | {"signatures": []}, two | {"signatures": two["signatures"][:1]}])
