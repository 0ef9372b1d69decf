"""The Go project's sumdb packages, written by others, verify our checkpoints, receipts and consistency proofs."""
import base64
import json
import subprocess

import pytest
from witnesses import Cosigner, policy

pytestmark = pytest.mark.slow  # what is looked at here is other people's programs


@pytest.fixture(scope="module")
def verifier(go):
    return go("verify.go", ["golang.org/x/mod/sumdb"])


def run(verifier, **what):
    done = subprocess.run([verifier], input=json.dumps(what), capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def text(data):
    return base64.b64encode(data).decode()


def test_receipts_and_history(city, verifier):
    c = city.connect(city.generator)
    receipts = [c.submit(e) for _ in range(12) for e in city.trail().whole_life()]
    history = []
    for old in receipts[::7]:
        answer, = c.query(checkpoint={"from": old.checkpoint.size})
        history.append(dict(Old=old.checkpoint.text, New=answer.checkpoint, Proof=[text(h) for h in answer.consistency]))
    good = [dict(Entry=text(r.entry), Proof=r.proof) for r in receipts]
    vkey = city.server.log.vkey
    assert run(verifier, Vkey=vkey, Receipts=good, Consistency=history) == (0, f"ok {len(good)} {len(history)}\n")

    # and it can say no
    for bad in (dict(good[0], Entry=text(receipts[0].entry[:-1] + b"\0")),
                dict(good[0], Proof=good[1]["Proof"]),
                dict(good[0], Proof=good[0]["Proof"].replace("index ", "index 1")),
                dict(good[0], Proof=good[0]["Proof"][:-8] + "AAAAAAA=\n")):
        assert run(verifier, Vkey=vkey, Receipts=[bad])[0] == 1
    assert run(verifier, Vkey=vkey, Consistency=[dict(history[0], Proof=history[1]["Proof"])])[0] == 1
    assert run(verifier, Vkey=vkey.replace("test.example", "text.example"), Receipts=good[:1])[0] == 1


def test_cosigned(make, verifier):
    """Further lines are a matter of their keys: the log's own signature and the proof hold as before."""
    server = make.server(start=False)
    witness = Cosigner(server.folder / "witness", "north", server.log.vkey)
    try:
        (server.folder / "policy").write_text(policy([witness], 1))
        server.start(witness__policy=server.folder / "policy", witness__wait="10 s", witness__required="yes")
        city = make.city(server)
        c = city.connect(city.generator)
        receipts = [c.submit(e) for e in city.trail().whole_life()]
        assert all(witness.cosigned(r.checkpoint.text) for r in receipts)
        answer, = c.query(checkpoint={"from": receipts[0].checkpoint.size})
        assert witness.cosigned(answer.checkpoint)
        history = [dict(Old=receipts[0].checkpoint.text, New=answer.checkpoint,
                        Proof=[text(h) for h in answer.consistency])]
        good = [dict(Entry=text(r.entry), Proof=r.proof) for r in receipts]
        assert run(verifier, Vkey=server.log.vkey, Receipts=good, Consistency=history) == (0, f"ok {len(good)} 1\n")
    finally:
        witness.kill()
