"""What one key must remember: its running number, and the last checkpoint it verified."""
import threading
import time

import manifest_pb2 as m

from . import merkle
from .dsse import Key, event_id, seal
from .note import Invalid


class TwoHistories(Invalid):
    """A checkpoint of the log does not continue the one that was kept: evidence."""


class Device:
    def __init__(self, log, role, party=None, key=None):
        self.log = log
        self.role = role
        self.party = party
        self.key = key if key is not None else Key()
        self.next = 1
        self.kept = None
        self._lock = threading.Lock()

    def card(self):
        """What the giver needs to name this key as a signer; takes the next running number."""
        with self._lock:
            number, self.next = self.next, self.next + 1
        seen = self.kept and m.Checkpoint(origin=self.kept.origin, size=self.kept.size, root=self.kept.root)
        return m.Signer(keyid=self.key.id, number=number, seen=seen)

    def keep(self, checkpoint, proof=()):
        """Keeps a newer verified checkpoint once it is proven to continue the one before."""
        kept = self.kept
        if kept is not None and kept.size == checkpoint.size and kept.root == checkpoint.root:
            return
        if kept is not None and not merkle.consistency_holds(kept.size, checkpoint.size, proof, kept.root,
                                                             checkpoint.root):
            raise TwoHistories(f"size {checkpoint.size} does not continue {kept.size}")
        self.kept = checkpoint


def now():
    return time.time_ns() // 1000


def sign(event, devices, at=None):
    """Completes the event with its signers and time, and signs it. Returns the envelope's bytes and the event's id."""
    event.occurred_at = at if at is not None else now()
    del event.signers[:]
    event.signers.extend(d.card() for d in devices)
    payload = event.SerializeToString()
    return seal(payload, [d.key for d in devices]), event_id(payload)
