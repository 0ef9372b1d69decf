"""The worked example of proto/README.md, byte for byte: what is printed there is what a client computes."""
import hashlib
import pathlib
import re

import manifest_pb2 as m
from manifest_client import Key, event, merkle, pae
from manifest_client.connection import envelope_in
from manifest_client.dsse import EVENT, event_id, seal, signatures_hold

README = (pathlib.Path(__file__).resolve().parents[2] / "proto/README.md").read_text(encoding="utf-8")
SECTION = README.split("## 8. A worked example")[1]


def printed(name):
    """The hexadecimal digits after the name and on the lines that continue them."""
    found = re.search(rf"^    {name} +([0-9a-f]+)$((?:\n    (?:\d+ bytes)? +[0-9a-f]+$)*)", SECTION, re.M)
    return bytes.fromhex(found[1] + "".join(line.split()[-1] for line in found[2].splitlines() if line))


def announced(name):
    return int(re.search(rf"^    {name} .*\n    (\d+) bytes", SECTION, re.M)[1])


KEY = Key(bytes(range(32)))


def the_event():
    e = event("cancelled", number="20262101000001", reason="duplicate")
    e.occurred_at = 1790000000000000
    e.signers.add(keyid=KEY.id, number=7,
                  seen=m.Checkpoint(origin="example.org/manifest", size=5, root=hashlib.sha256(b"").digest()))
    return e.SerializeToString()


def test_key():
    assert KEY.public == printed("public key")
    assert KEY.id == printed("keyid")


def test_payload_and_signature():
    payload = the_event()
    assert payload == printed("payload") and len(payload) == announced("payload")
    assert re.search(r'^    PAE +"(.*)" and the payload', SECTION, re.M)[1].encode() + payload == pae(EVENT, payload)
    assert event_id(payload) == printed("event id")
    assert KEY.sign(pae(EVENT, payload)) == printed("signature")


def test_envelope_and_frame():
    envelope = seal(the_event(), [KEY])
    assert envelope == printed("Envelope") and len(envelope) == announced("Envelope")
    assert signatures_hold(m.Envelope.FromString(envelope), {KEY.id: KEY.public})
    frame = m.Frame(id=1, submit=envelope).SerializeToString()
    head, body = re.search(r"sent +(\w{8}) ([0-9a-f ]+) and the envelope: length (\d+)", SECTION).group(1, 2)
    assert int(head, 16) == len(frame) == int(re.search(r"length (\d+)", SECTION)[1])
    assert frame == bytes.fromhex(body.replace(" ", "")) + envelope


def test_log_entry():
    envelope = printed("Envelope")
    before, after, accepted, size = re.search(
        r"LogEntry +(\w+), the envelope, (\w+): accepted_at (\d+); (\d+) bytes", SECTION).groups()
    entry = m.LogEntry(envelope=m.Envelope.FromString(envelope), accepted_at=int(accepted)).SerializeToString()
    assert entry == bytes.fromhex(before) + envelope + bytes.fromhex(after) and len(entry) == int(size)
    assert envelope_in(entry) == envelope
    assert merkle.leaf_hash(entry) == printed("leaf hash")
