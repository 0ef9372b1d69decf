"""Sigsum's witness, written by others, cosigns our checkpoints. It knows one kind of log, by an origin made of its key."""
import hashlib
import json
import os
import shutil
import socket
import subprocess
import urllib.error
import urllib.request

import pytest
from manifest_client import Key
from manifest_client.note import parse_proof
from server import until
from test_bundle import MANIFEST, b64, bundle
from witnesses import free_port

pytestmark = pytest.mark.slow  # what is looked at here is other people's programs

NAME = "sigsum.org/v1/witness/{}"


@pytest.fixture(scope="module")
def tools(backport):
    """The programs' folder."""
    here = shutil.which("sigsum-witness")
    return here.removesuffix("/sigsum-witness") if here else backport("sigsum-go") / "usr/bin"


def tool(tools, *command, said=None):
    return subprocess.run([f"{tools}/sigsum-key", *command], input=said, stdout=subprocess.PIPE, text=True, timeout=30,
                          check=True).stdout.strip()


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class SigsumWitness:
    def __init__(self, tools, folder, vkey):
        (folder / "log.pub").write_text(tool(tools, "from-vkey", said=vkey + "\n") + "\n")
        tool(tools, "generate", "-o", str(folder / "key"))
        name = NAME.format(hashlib.sha256(bytes.fromhex(tool(tools, "to-hex", "-k", str(folder / "key.pub")))).hexdigest())
        self.vkey = tool(tools, "to-vkey", "-k", str(folder / "key.pub"), "-n", name, "-t", "cosignature/v1")
        self.port = free_port()
        with open(folder / "said", "wb") as said:
            self.process = subprocess.Popen(
                [f"{tools}/sigsum-witness", "--signing-key", folder / "key", "--log-key", folder / "log.pub",
                 "--state-file", folder / "state", f"127.0.0.1:{self.port}"], stdin=subprocess.DEVNULL, stdout=said,
                stderr=said, env=os.environ | {"GODEBUG": "httpmuxgo121=0"})  # else Debian's build finds no path

        def ready():
            assert self.process.poll() is None, (folder / "said").read_text()
            return listens(self.port)
        until(ready, "sigsum-witness listens")

    def add(self, old, proof, note):
        """Status and body of its answer."""
        body = f"old {old}\n" + "".join(b64(h) + "\n" for h in proof) + "\n" + note
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/add-checkpoint", body.encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def close(self):
        self.process.kill()
        self.process.wait()


def new_log(folder):
    """Settings of a log that Sigsum's witness can know: the key is made first, and the origin of it."""
    key = Key()
    (secret := folder / "log.key").write_text(key.secret_text())
    secret.chmod(0o600)
    return dict(log__origin=f"sigsum.org/v1/tree/{key.id.hex()}", keys__log=secret)


@pytest.fixture(scope="module")
def city(cluster, tls, work, tmp_path_factory):
    from conftest import Maker
    maker = Maker(cluster, tls, work)
    yield maker.city(**new_log(tmp_path_factory.mktemp("key")))
    maker.close()


@pytest.fixture
def witness(tools, city, tmp_path):
    w = SigsumWitness(tools, tmp_path, city.server.log.vkey)
    yield w
    w.close()


def verified(folder, city, witness, text):
    """Status and report of `manifest verify` by a policy that demands this witness."""
    (folder / "policy").write_text(f"log {city.server.log.vkey}\nwitness sigsum {witness.vkey}\nquorum sigsum\n")
    (folder / "a.manifest").write_text(text)
    done = subprocess.run([MANIFEST, "verify", "--json", f"--policy={folder / 'policy'}", folder / "a.manifest"],
                          stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)


def test_it_knows_the_log_as_we_write_it(tools, city, tmp_path):
    vkey = city.server.log.vkey
    (tmp_path / "log.pub").write_text(tool(tools, "from-vkey", said=vkey + "\n") + "\n")
    assert tool(tools, "to-vkey", "-k", str(tmp_path / "log.pub")) == vkey


def test_it_cosigns(city, witness, tmp_path):
    """A checkpoint, and the next with the server's consistency proof; what it answers counts for our policy."""
    trail = city.trail()
    connection = city.connect(city.generator)
    old = [connection.submit(e) for e in trail.whole_life()][-1].checkpoint
    assert witness.add(0, [], old.text)[0] == 200
    for _ in range(3):
        connection.submit(city.trail().issued()[0])

    entries = sorted(connection.query(trail={"number": trail.number, "keys": True}), key=lambda r: r.index)
    note = parse_proof(entries[0].proof)[2]
    answer, = connection.query(checkpoint={"from": old.size})
    assert answer.checkpoint == note
    proof = list(answer.consistency)
    assert len(proof) > 1
    assert witness.add(0, [], note) == (409, f"{old.size}\n")
    assert witness.add(old.size, proof[1:], note)[0] in (400, 422)
    assert witness.add(old.size, [proof[0][:-1] + bytes([proof[0][-1] ^ 1]), *proof[1:]], note)[0] == 422
    assert witness.add(old.size, proof, note.replace(city.server.log.origin, "other.example", 1))[0] in (400, 403, 404)
    status, line = witness.add(old.size, proof, note)
    assert status == 200

    def verify(checkpoint):
        return verified(tmp_path, city, witness, bundle(trail.number, entries, checkpoint))

    status, said = verify(note + line)
    assert (status, said["holds"], said["policy_holds"]) == (0, True, True), said
    assert [c["witness"] for c in said["cosignatures"]] == ["sigsum"]
    status, said = verify(note)
    assert (status, said["policy_failure"]) == (1, "policy.quorum")
    at = len(line) - 12
    assert verify(note + line[:at] + ("A" if line[at] != "A" else "B") + line[at + 1:])[0] == 1


def test_it_is_a_witness_of_the_server(tools, make, tmp_path):
    """The server asks it for every checkpoint, and waits: no answer to a device goes without its cosignature."""
    server = make.server(start=False, **new_log(tmp_path))
    witness = SigsumWitness(tools, tmp_path, server.log.vkey)
    try:
        (tmp_path / "witnesses").write_text(
            f"witness sigsum {witness.vkey} http://127.0.0.1:{witness.port}\nquorum sigsum\n")
        server.start(witness__policy=tmp_path / "witnesses", witness__wait="10 s", witness__required="yes")
        city = make.city(server)
        trail = city.trail()
        connection = city.connect(city.generator)
        for envelope in trail.whole_life():
            assert witness.vkey.split("+")[0] in connection.submit(envelope).proof
        entries = sorted(connection.query(trail={"number": trail.number, "keys": True}), key=lambda r: r.index)
        status, said = verified(tmp_path, city, witness, bundle(trail.number, entries, parse_proof(entries[0].proof)[2]))
        assert (status, said["holds"], said["policy_holds"]) == (0, True, True), said
    finally:
        witness.close()
