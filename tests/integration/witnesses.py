"""`manifest witness` processes for a server, and the policy that names them."""
import base64
import hashlib
import socket
import struct
import subprocess

import nacl.exceptions
import nacl.signing
from manifest_client import Key
from manifest_client.note import base64_exact
from server import BUILD


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def written_key(name, public):
    """A cosigner's, from the specification (C2SP tlog-cosignature): type 04."""
    raw = b"\x04" + public
    return f"{name}+{hashlib.sha256(name.encode() + bytes([10]) + raw).digest()[:4].hex()}+{base64.b64encode(raw).decode()}"


class Cosigner:
    """One of them: a process with a key, a folder and a port of its own, that watches one log."""

    def __init__(self, folder, name, log_vkey):
        folder.mkdir()
        self.folder, self.name, self.log_vkey = folder, name, log_vkey
        self.key_name = f"{name}.example/witness"
        self.key = Key()
        (folder / "key").write_text(self.key.secret_text())
        (folder / "key").chmod(0o600)
        self.vkey = written_key(self.key_name, self.key.public)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.start("--new")

    def start(self, *more):
        with open(self.folder / "errors", "ab") as errors:
            self.process = subprocess.Popen(
                [BUILD / "manifest", "witness", "--lang=en", f"--key={self.folder / 'key'}", f"--state={self.folder}",
                 f"--name={self.key_name}", f"--listen=127.0.0.1:{self.port}", f"--watch={self.log_vkey}", *more],
                stdout=subprocess.PIPE, stderr=errors, text=True)
        for line in self.process.stdout:
            if line.startswith("listening on "):
                return self
        raise AssertionError((self.folder / "errors").read_text())

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process.stdout.close()
            self.process = None

    def line(self):
        return f"witness {self.name} {self.vkey} {self.url}\n"

    def cosigned(self, note):
        """Its good cosignature in a checkpoint, verified by another library; None: there is no line of it."""
        text, _, lines = note.rpartition("\n\n")
        for line in lines.splitlines():
            _, name, value = line.split(" ")
            raw = base64_exact(value)
            if name != self.key_name or raw[:4].hex() != self.vkey.split("+")[1]:
                continue
            at, = struct.unpack(">Q", raw[4:12])
            nacl.signing.VerifyKey(self.key.public).verify(f"cosignature/v1\ntime {at}\n{text}\n".encode(), raw[12:])
            return at
        return None


def policy(witnesses, quorum):
    return "".join(w.line() for w in witnesses) + \
        f"group sides {quorum} {' '.join(w.name for w in witnesses)}\nquorum sides\n"


def how_many(witnesses, note):
    return sum(w.cosigned(note) is not None for w in witnesses)
