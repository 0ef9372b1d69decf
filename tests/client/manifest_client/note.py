"""The log's written key, its checkpoints and its proof files: texts that are read exactly or refused."""
import base64
import binascii
import hashlib
from dataclasses import dataclass

import nacl.exceptions
import nacl.signing

from . import merkle

PROOF_HEAD = "c2sp.org/tlog-proof@v1"


class Invalid(ValueError):
    """What was read is not what it says it is."""


def base64_exact(text):
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as e:
        raise Invalid(f"base64 {text!r}: {e}") from None
    if base64.b64encode(raw).decode() != text:
        raise Invalid(f"base64 {text!r} is not canonical")
    return raw


def decimal_exact(text):
    if not (text.isascii() and text.isdigit()) or text != str(int(text)) or int(text) >= 1 << 64:
        raise Invalid(f"{text!r} is not a decimal number")
    return int(text)


def hash_exact(text):
    raw = base64_exact(text)
    if len(raw) != 32:
        raise Invalid(f"a hash of {len(raw)} bytes")
    return raw


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes
    text: str = ""


class Log:
    """A log as a client knows it: by its origin and the public key that signs its checkpoints."""

    def __init__(self, vkey):
        try:
            self.origin, key_id, key = vkey.split("+", 2)
        except ValueError:
            raise Invalid("a vkey has two plus signs") from None
        raw = base64_exact(key)
        if len(raw) != 33 or raw[0] != 1:
            raise Invalid("not an Ed25519 vkey")
        self.key = nacl.signing.VerifyKey(raw[1:])
        self.key_id = hashlib.sha256(self.origin.encode() + b"\n" + raw).digest()[:4]
        if self.key_id.hex() != key_id:
            raise Invalid("the vkey's id is not that of its key")
        self.vkey = vkey

    def checkpoint(self, note):
        """The checkpoint that the note holds, once the log's own signature on it is verified."""
        text, empty, signatures = note.rpartition("\n\n")
        if not empty or not signatures.endswith("\n"):
            raise Invalid("not a signed note")
        text += "\n"
        lines = text.split("\n")
        if len(lines) != 4:
            raise Invalid("a checkpoint has three lines")
        verified = False
        for line in signatures[:-1].split("\n"):
            try:
                dash, name, value = line.split(" ")
            except ValueError:
                raise Invalid(f"signature line {line!r}") from None
            if dash != "\u2014" or not name:
                raise Invalid(f"signature line {line!r}")
            raw = base64_exact(value)
            if name != self.origin or raw[:4] != self.key_id:
                continue
            try:
                self.key.verify(text.encode(), raw[4:])
            except (nacl.exceptions.BadSignatureError, ValueError):
                raise Invalid("the log's signature is bad") from None
            verified = True
        if not verified:
            raise Invalid("no signature of the log")
        if lines[0] != self.origin:
            raise Invalid(f"a checkpoint of {lines[0]!r}")
        return Checkpoint(lines[0], decimal_exact(lines[1]), hash_exact(lines[2]), note)

    def entry_holds(self, entry, proof):
        """Index and checkpoint under which the proof shows the entry's bytes to be in the log."""
        index, hashes, note = parse_proof(proof)
        checkpoint = self.checkpoint(note)
        if not merkle.inclusion_holds(index, checkpoint.size, merkle.leaf_hash(entry), hashes, checkpoint.root):
            raise Invalid(f"entry {index} is not under the root of size {checkpoint.size}")
        return index, checkpoint


def parse_proof(text):
    head, empty, note = text.partition("\n\n")
    lines = head.split("\n")
    if not empty or lines[0] != PROOF_HEAD or len(lines) < 2 or not lines[1].startswith("index "):
        raise Invalid("not a proof file")
    return decimal_exact(lines[1][len("index "):]), [hash_exact(line) for line in lines[2:]], note
