"""Signing: DSSE's pre-authentication encoding, Ed25519, and the ids that hang on them."""
import base64
import hashlib

import manifest_pb2 as m
import nacl.exceptions
import nacl.signing

EVENT = "application/vnd.manifest.event.v1+protobuf"
HELLO = "application/vnd.manifest.hello.v1+protobuf"


class Key:
    def __init__(self, seed=None):
        self.secret = nacl.signing.SigningKey(seed) if seed is not None else nacl.signing.SigningKey.generate()
        self.public = bytes(self.secret.verify_key)
        self.id = hashlib.sha256(self.public).digest()

    def sign(self, data):
        return self.secret.sign(data).signature

    def secret_text(self):
        return "MANIFEST-SECRET-KEY-1:" + base64.b64encode(bytes(self.secret)).decode() + "\n"

    def public_text(self):
        return "MANIFEST-PUBLIC-KEY-1:" + base64.b64encode(self.public).decode() + "\n"


def pae(payload_type, payload):
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def event_id(payload):
    return hashlib.sha256(pae(EVENT, payload)).digest()


def seal(payload, keys, payload_type=EVENT):
    """The serialized Envelope over the payload, signed by the keys in order."""
    signed = pae(payload_type, payload)
    return m.Envelope(payload=payload, payloadType=payload_type,
                      signatures=[m.Signature(sig=k.sign(signed), keyid=k.id.hex()) for k in keys]).SerializeToString()


def signatures_hold(envelope, publics):
    """True when every signature is that of its key; publics: keyid (bytes) to public key."""
    signed = pae(envelope.payloadType, envelope.payload)
    try:
        for s in envelope.signatures:
            nacl.signing.VerifyKey(publics[bytes.fromhex(s.keyid)]).verify(signed, s.sig)
    except (KeyError, nacl.exceptions.BadSignatureError):
        return False
    return len(envelope.signatures) > 0
