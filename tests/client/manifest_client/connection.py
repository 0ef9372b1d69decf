"""One TLS connection: frames, hello, requests, and nothing believed that is not proven."""
import hashlib
import socket
import ssl
import struct
from dataclasses import dataclass

import manifest_pb2 as m

from . import merkle
from .device import TwoHistories, sign
from .dsse import HELLO, event_id, seal
from .note import Checkpoint, Invalid

FRAME_MAX = 65536
AGENT = "manifest-client-python/1"
READS_AT_ONCE = 32  # half of what the server lets a key have under way


class ConnectionEnded(EOFError):
    """The server closed the connection."""


class Refused(Exception):
    def __init__(self, refusal):
        self.refusal = refusal
        self.kind = m.RefusalKind.Name(refusal.kind)[len("REFUSAL_KIND_"):]
        self.problems = list(refusal.problems)
        self.rules = sorted(p.rule for p in refusal.problems)
        super().__init__(self.kind + ": " + "; ".join(f"{p.path} {p.rule} ({p.found}; {p.allowed}): {p.en}"
                                                      for p in refusal.problems))


@dataclass(frozen=True)
class Receipt:
    entry: bytes
    envelope: bytes
    accepted_at: int
    index: int
    checkpoint: Checkpoint
    proof: str
    repeated: bool
    remarks: tuple

    def event(self):
        return m.Event.FromString(m.Envelope.FromString(self.envelope).payload)

    def event_id(self):
        return event_id(m.Envelope.FromString(self.envelope).payload)


def envelope_in(entry):
    """The bytes of LogEntry.envelope as they stand in the entry, which begins with them: field 1, length, bytes."""
    if entry[:1] != b"\x0a":
        raise Invalid("a log entry begins with its envelope")
    length = shift = 0
    for i, byte in enumerate(entry[1:4]):
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return entry[2 + i:2 + i + length]
    raise Invalid("the envelope's length")


def check_receipt(log, message, envelope=None):
    """Section 5, steps 1 to 3. Step 4, that the checkpoint continues the kept one, is the connection's settle()."""
    entry = m.LogEntry.FromString(message.entry)
    stored = envelope_in(message.entry)
    if envelope is not None and stored != envelope:
        raise Invalid("the entry holds another envelope than was sent")
    index, checkpoint = log.entry_holds(message.entry, message.proof)
    if index != message.index or entry.accepted_at < 1:
        raise Invalid("the receipt contradicts its proof")
    return Receipt(message.entry, stored, entry.accepted_at, index, checkpoint, message.proof, message.repeated,
                   tuple(message.remarks))


class Connection:
    """hello=False stops after the challenge, for tests of what comes then."""

    def __init__(self, address, ca, device, *, hello=True, timeout=20, server_name="localhost"):
        self.device = device
        self.log = device.log
        self.pushed = []
        self.strays = {}
        self._id = 0
        self._buffer = b""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(ca)
        raw = socket.create_connection(address, timeout)
        try:
            self.socket = context.wrap_socket(raw, server_hostname=server_name)
        except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as e:
            raw.close()
            raise ConnectionEnded(str(e)) from None
        except BaseException:
            raw.close()
            raise
        try:
            self.challenge = self.receive().challenge
            if hello:
                self.welcome = self.say_hello()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    # frames

    def new_id(self):
        self._id += 1
        return self._id

    def send(self, frame):
        payload = frame.SerializeToString()
        self.socket.sendall(struct.pack(">I", len(payload)) + payload)

    def send_all(self, frames):
        payloads = [f.SerializeToString() for f in frames]
        self.socket.sendall(b"".join(struct.pack(">I", len(p)) + p for p in payloads))

    def _take(self, n):
        while len(self._buffer) < n:
            try:
                got = self.socket.recv(1 << 16)
            except (ConnectionError, ssl.SSLEOFError) as e:
                raise ConnectionEnded(str(e)) from None
            if not got:
                raise ConnectionEnded("end of the connection")
            self._buffer += got
        taken, self._buffer = self._buffer[:n], self._buffer[n:]
        return taken

    def receive(self):
        length, = struct.unpack(">I", self._take(4))
        if not 1 <= length <= FRAME_MAX:
            raise Invalid(f"a frame of {length} bytes")
        return m.Frame.FromString(self._take(length))

    def next_push(self):
        while not self.pushed:
            self._sort(self.receive())
        return self.pushed.pop(0)

    def _sort(self, frame):
        if frame.id != 0:
            self.strays.setdefault(frame.id, []).append(frame)
        elif frame.WhichOneof("body") == "push":
            self.pushed.append(frame.push.flag)
        else:
            raise Refused(frame.refusal)

    def answers(self, request):
        """The frames of one id up to the last; what else arrives is kept for who waits for it."""
        while True:
            frames = self.strays.get(request, [])
            if frames and frames[-1].last:
                return self.strays.pop(request)
            self._sort(self.receive())

    # hello

    def hello(self, **changed):
        """The signed Hello for this connection; tests change fields of it."""
        fields = dict(nonce=self.challenge.nonce, binding=hashlib.sha256(self.socket.getpeercert(True)).digest(),
                      role=self.device.role, keyid=self.device.key.id, agent=AGENT,
                      size=self.device.kept.size if self.device.kept else 0)
        return seal(m.Hello(**(fields | changed)).SerializeToString(), [self.device.key], HELLO)

    def say_hello(self, envelope=None):
        if self.challenge.origin != self.log.origin or self.challenge.version != 1:
            raise Invalid(f"{self.challenge.origin} speaks version {self.challenge.version}")
        request = self.new_id()
        self.send(m.Frame(id=request, hello=envelope if envelope is not None else self.hello()))
        answer, = self.answers(request)
        if answer.WhichOneof("body") != "welcome":
            raise Refused(answer.refusal)
        welcome = answer.welcome
        checkpoint = self.log.checkpoint(welcome.checkpoint)
        self.behind = self.device.kept is not None and checkpoint.size < self.device.kept.size
        if not self.behind:
            self.device.keep(checkpoint, list(welcome.consistency))
        return welcome

    # submitting

    def send_submit(self, envelope):
        request = self.new_id()
        self.send(m.Frame(id=request, submit=envelope))
        return request

    def answer_to(self, request, envelope):
        """A receipt that holds by itself, or Refused. settle() then ties its checkpoint to the kept one."""
        answer, = self.answers(request)
        if answer.WhichOneof("body") != "receipt":
            raise Refused(answer.refusal)
        return check_receipt(self.log, answer.receipt, envelope)

    def submit(self, envelope):
        receipt = self.answer_to(self.send_submit(envelope), envelope)
        self.settle([receipt.checkpoint])
        return receipt

    def sign_and_submit(self, event, devices=None, at=None):
        return self.submit(sign(event, devices or [self.device], at)[0])

    def submit_all(self, envelopes):
        """All at once; receipts and Refused in the order of the envelopes."""
        results = []
        requests = [self.new_id() for _ in envelopes]
        self.send_all(m.Frame(id=i, submit=e) for i, e in zip(requests, envelopes))
        for request, envelope in zip(requests, envelopes):
            try:
                results.append(self.answer_to(request, envelope))
            except Refused as e:
                results.append(e)
        self.settle([r.checkpoint for r in results if isinstance(r, Receipt)])
        return results

    def settle(self, checkpoints):
        """Section 5, step 4, for many: each is proven to be the beginning of the largest, which then is kept."""
        pending = {}
        kept = self.device.kept
        for c in [*checkpoints, *([kept] if kept else [])]:
            if pending.setdefault(c.size, c).root != c.root:
                raise TwoHistories(f"two roots of size {c.size}")
        if not pending:
            return
        largest = pending.pop(max(pending))
        proofs = self._prove(pending, largest)
        if kept is None or largest.size > kept.size:
            self.device.keep(largest, proofs[kept.size] if kept else ())

    def _prove(self, pending, largest):
        """The consistency proofs from each of these to the largest, asked for at once. Both sizes are named, so that
        it does not matter how the log grows meanwhile."""
        proofs = {}
        sizes = list(pending)
        for some in (sizes[i:i + READS_AT_ONCE] for i in range(0, len(sizes), READS_AT_ONCE)):
            requests = {size: self.new_id() for size in some}
            self.send_all(m.Frame(id=i, query=m.Query(checkpoint=m.CheckpointQuery(
                **{"from": size, "to_size": largest.size}))) for size, i in requests.items())
            for size, i in requests.items():
                answer, = self.answers(i)
                if answer.WhichOneof("body") != "answer":
                    raise Refused(answer.refusal)
                checkpoint = self.log.checkpoint(answer.answer.checkpoint.checkpoint)
                proofs[size] = list(answer.answer.checkpoint.consistency)
                if (checkpoint.size, checkpoint.root) != (largest.size, largest.root) or not merkle.consistency_holds(
                        size, largest.size, proofs[size], pending[size].root, largest.root):
                    raise TwoHistories(f"size {largest.size} does not continue {size}")
        return proofs

    # asking

    def query(self, **what):
        """The answers to one query, without the closing End; its cursor is left in self.next."""
        request = self.new_id()
        self.send(m.Frame(id=request, query=m.Query(**what)))
        found = []
        for frame in self.answers(request):
            if frame.WhichOneof("body") != "answer":
                raise Refused(frame.refusal)
            kind = frame.answer.WhichOneof("what")
            if kind != "end":
                found.append(getattr(frame.answer, kind))
            else:
                self.next = frame.answer.end.next
                if frame.answer.end.count != len(found):
                    raise Invalid(f"{frame.answer.end.count} answers announced, {len(found)} came")
        return found

    def entries(self, **what):
        """Answers that are receipts, every one checked and settled."""
        found = [check_receipt(self.log, r) for r in self.query(**what)]
        self.settle([r.checkpoint for r in found])
        return found
