"""The client's own checking, against vectors that others published: it is the judge in the integration tests."""
import base64
import json
import pathlib

import pytest
from manifest_client import Log, dsse, merkle
from manifest_client.note import Invalid, parse_proof

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
TESSERA = DATA / "tlog/tessera/log"
VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
WORDS = "one two three four five six seven eit nain ten ileven twelf threeten fourten fivten".split()


def vectors(kind):
    return [pytest.param(json.loads(p.read_text()), id=str(p.relative_to(DATA)))
            for p in sorted((DATA / "tlog/merkle" / kind).rglob("*.json"))]


def raw(text):
    return base64.b64decode(text or "")


def proof(case):
    return [raw(h) for h in case["proof"] or []]


@pytest.mark.parametrize("case", vectors("inclusion"))
def test_inclusion(case):
    holds = merkle.inclusion_holds(case["leafIdx"], case["treeSize"], raw(case["leafHash"]), proof(case),
                                   raw(case["root"]))
    assert holds is not case["wantErr"]


@pytest.mark.parametrize("case", vectors("consistency"))
def test_consistency(case):
    """One good case has roots that are not 32 bytes long, and two start from size 0: what no client accepts."""
    roots = raw(case["root1"]), raw(case["root2"])
    holds = merkle.consistency_holds(case["size1"], case["size2"], proof(case), *roots)
    strange = case["size1"] == 0 or any(len(r) != 32 for r in roots)
    assert holds is (not case["wantErr"] and not strange)


@pytest.mark.parametrize("size", range(1, 16))
def test_published_checkpoints(size):
    checkpoint = Log(VKEY).checkpoint((TESSERA / f"checkpoint.{size}").read_text())
    assert checkpoint.size == size
    assert checkpoint.root == merkle.root_of([merkle.leaf_hash(w.encode()) for w in WORDS[:size]])


GOOD = (TESSERA / "checkpoint.15").read_text()


@pytest.mark.parametrize("change", [
    lambda t: t.replace("15\n", "16\n"),
    lambda t: t.replace("15\n", "015\n"),
    lambda t: t.replace("\n\n", "\nextension\n\n"),
    lambda t: t.replace("\n", "\r\n"),
    lambda t: t[:-1],
    lambda t: t.replace("— example.com/log/testdata", "— example.com/log/other"),
    lambda t: t.replace("M9e0lu", "M9e0lv"),
    lambda t: t.replace("\u2014", "-"),
    lambda t: t + "— example.com/log/testdata M9e0lhr9kuLxGdAtaUrhm84TQffVsLdcy808sN0a3WyniNlfcr9+bywoiIke1YYciCNjJGkCgIlQ"
    "8b16jhsmg/SChAM=\n",
    lambda t: "",
])
def test_a_changed_checkpoint_is_refused(change):
    assert Log(VKEY).checkpoint(GOOD).size == 15
    assert change(GOOD) != GOOD
    with pytest.raises(Invalid):
        Log(VKEY).checkpoint(change(GOOD))


def test_lines_of_strangers_are_ignored():
    line = "\u2014 witness.example " + base64.b64encode(bytes(80)).decode() + "\n"
    assert Log(VKEY).checkpoint(GOOD + line).size == 15


@pytest.mark.parametrize("vkey", [VKEY.replace("33d7b496", "33d7b497"), VKEY.replace("AeHT", "BOHT"), VKEY[:-1], "a+b"])
def test_a_changed_vkey_is_refused(vkey):
    with pytest.raises(Invalid):
        Log(vkey)


def test_a_proof_file_is_read_exactly():
    digest = base64.b64encode(bytes(32)).decode()
    good = f"c2sp.org/tlog-proof@v1\nindex 3\n{digest}\n\n{GOOD}"
    assert parse_proof(good) == (3, [bytes(32)], GOOD)
    for bad in (good.replace("@v1", "@v2"), good.replace("index 3", "index 03"), good.replace(digest, digest[:-4]),
                good.replace("index 3\n", ""), good.replace("\n\n", "\n", 1).replace("\n\n", "\n")):
        with pytest.raises(Invalid):
            parse_proof(bad)


@pytest.mark.parametrize("vector", json.loads((DATA / "dsse/vectors.json").read_text())["vectors"],
                         ids=lambda v: v["id"])
def test_published_pae(vector):
    """Of the encoding that was signed: one vector's envelope claims another type than that."""
    payload = base64.b64decode(vector["envelope"]["payload"].replace("-", "+").replace("_", "/"))
    same = dsse.pae(vector["envelope"]["payloadType"], payload).hex() == vector["pae"]
    assert same is (vector["id"] != "payload-type-swapped")


def test_the_roots_of_all_sizes():
    leaves = [merkle.leaf_hash(b"%d" % i) for i in range(70)]
    assert list(merkle.roots(leaves)) == [merkle.root_of(leaves[:n]) for n in range(1, 71)]
