"""The connection: TLS, the binding, hello; and clients that are slow, rude, half there or too many."""
import shutil
import socket
import ssl
import struct
import subprocess
import threading

import manifest_pb2 as m
import pytest
from manifest_client import Connection, ConnectionEnded, Device, ROLES, Refused, seal
from manifest_client.dsse import HELLO
from server import ROOT, until


@pytest.fixture
def generator(city):
    return city.connect(city.generator)


def has_ended(connection, seconds=10):
    """True when the server closes the connection, whatever it says before."""
    connection.socket.settimeout(seconds)
    try:
        while True:
            connection.receive()
    except ConnectionEnded:
        return True
    except TimeoutError:
        return False


def is_served(city):
    """Somebody else gets an answer meanwhile."""
    with city.connect(city.generator) as connection:
        return not connection.submit(city.trail().issued()[0]).repeated


# ---- TLS


@pytest.fixture(scope="module")
def impostor(tls, work):
    """Another certificate of the same CA, for the same names."""
    folder = work / "impostor"
    folder.mkdir()
    for name in ("ca.crt", "ca.key"):
        shutil.copy(tls / name, folder)
    subprocess.run([ROOT / "deploy/dev-certificate", folder], check=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def other_ca(work):
    subprocess.run([ROOT / "deploy/dev-certificate", work / "other"], check=True, timeout=60)
    return work / "other"


def test_the_certificate_must_be_of_the_ca(city, other_ca):
    with pytest.raises(ssl.SSLCertVerificationError):
        Connection(city.server.address, other_ca / "ca.crt", city.generator)


def test_only_tls_1_3(city, tls):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(tls / "ca.crt")
    with socket.create_connection(city.server.address, 10) as raw, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(raw, server_hostname="localhost")


class Between(threading.Thread):
    """Ends the TLS of the client with a certificate of its own, and passes on what it reads to the server."""

    def __init__(self, target, folder, ca):
        super().__init__(daemon=True)
        self.target, self.folder, self.ca = target, folder, ca
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(20)
        self.address = self.listener.getsockname()
        self.read = b""
        self.start()

    def run(self):
        inner = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        inner.load_cert_chain(self.folder / "server.crt", self.folder / "server.key")
        outer = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        outer.load_verify_locations(self.ca)
        client = inner.wrap_socket(self.listener.accept()[0], server_side=True)
        server = outer.wrap_socket(socket.create_connection(self.target, 20), server_hostname="localhost")
        with client, server:
            self.pump(client, server)

    def pump(self, *sides):
        """One thread for both ways: a TLS connection is not for two at a time."""
        for side in sides:
            side.settimeout(0.05)
        while True:
            for source, sink in (sides, sides[::-1]):
                try:
                    data = source.recv(65536)
                    if not data:
                        return
                    self.read += data
                    sink.sendall(data)
                except TimeoutError:
                    continue
                except OSError:
                    return


def test_a_man_in_the_middle_is_refused(city, tls, impostor):
    """Even with a certificate that the client trusts: the hello is bound to another channel."""
    between = Between(city.server.address, impostor, tls / "ca.crt")
    with pytest.raises(Refused) as e:
        Connection(between.address, tls / "ca.crt", city.generator)
    assert e.value.rules == ["connection.binding"]
    assert len(between.read) > 100  # it read all of it, and it was of no use
    honest = Between(city.server.address, tls, tls / "ca.crt")
    Connection(honest.address, tls / "ca.crt", city.generator).close()


# ---- hello


@pytest.mark.parametrize("changed, rule", [
    (dict(nonce=bytes(range(32))), "connection.nonce"),
    (dict(binding=bytes(range(32))), "connection.binding"),
    (dict(role=ROLES["facility"]), "connection.role"),
    (dict(role=ROLES["server"]), None),
    (dict(role=0), "field.enum"),
    (dict(agent=""), "field.missing"),
    (dict(nonce=b""), None),
    (dict(keyid=bytes(range(32))), None),
])
def test_a_hello_that_is_not_good(city, changed, rule):
    connection = city.connect(city.generator, hello=False)
    with pytest.raises(Refused) as e:
        connection.say_hello(connection.hello(**changed))
    assert rule is None or rule in e.value.rules
    assert has_ended(connection)


def test_a_hello_of_a_stranger(city):
    stranger = Device(city.server.log, ROLES["generator"])
    with pytest.raises(Refused) as e:
        city.connect(stranger)
    assert e.value.rules == ["key.not_enrolled"]


def test_a_hello_signed_by_another(city):
    connection = city.connect(city.generator, hello=False)
    payload = m.Envelope.FromString(connection.hello()).payload
    forged = m.Envelope.FromString(seal(payload, [city.facility.key], HELLO))
    forged.signatures[0].keyid = city.generator.key.id.hex()
    with pytest.raises(Refused) as e:
        connection.say_hello(forged.SerializeToString())
    assert e.value.rules == ["signature"]


def test_a_hello_of_another_connection(city):
    one, two = (city.connect(city.generator, hello=False) for _ in range(2))
    with pytest.raises(Refused) as e:
        two.say_hello(one.hello())
    assert e.value.rules == ["connection.nonce"]


def test_nothing_before_hello(city):
    for frame in (m.Frame(id=1, submit=city.trail().issued()[0]), m.Frame(id=1, query=m.Query(flags=m.FlagQuery())),
                  m.Frame(id=1, ping=m.Ping())):
        connection = city.connect(city.generator, hello=False)
        connection.send(frame)
        answer, = connection.answers(1)
        assert answer.refusal.problems[0].rule == "connection.hello_first"
        assert has_ended(connection)


def test_hello_once(city, generator):
    with pytest.raises(Refused) as e:
        generator.say_hello()
    assert e.value.rules == ["connection.hello_once"]


def test_the_next_number_and_the_checkpoint(city, generator):
    envelope, _ = city.trail().issued()
    generator.submit(envelope)
    again = city.connect(city.generator)
    assert again.welcome.next_number <= city.generator.next and again.welcome.max_frame == 65536
    assert again.device.kept.size >= generator.device.kept.size


def test_a_client_ahead_of_the_log(city):
    """It verified more than the server has: no proof can be given, and none is made up."""
    connection = city.connect(city.generator, hello=False)
    connection.send(m.Frame(id=1, hello=connection.hello(size=10**9)))
    answer = connection.receive()
    assert answer.WhichOneof("body") == "welcome" and not answer.welcome.consistency


def test_ping(generator):
    generator.send(m.Frame(id=7, ping=m.Ping()))
    answer, = generator.answers(7)
    assert answer.WhichOneof("body") == "ping"


# ---- rude


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", bytes(1000), b"\x16\x03\x01\xff\xff" + b"x" * 500],
                         ids=["http", "zeros", "half a handshake"])
def test_no_tls_at_all(make, data):
    city = make.city(**{"connections.hello_within": "1 s"})
    with socket.create_connection(city.server.address, 10) as raw:
        raw.settimeout(10)
        raw.sendall(data)
        try:
            while raw.recv(4096):
                pass
        except ConnectionResetError:
            pass
    assert is_served(city)


@pytest.mark.parametrize("length", [0, 65537, 1 << 31, (1 << 32) - 1])
def test_a_length_out_of_range(city, length):
    for hello in (True, False):
        connection = city.connect(city.generator, hello=hello)
        connection.socket.sendall(struct.pack(">I", length) + b"x" * 100)
        assert has_ended(connection)
    assert is_served(city)


@pytest.mark.parametrize("body", [b"\xff" * 100, b"\x08", b"", b"\x08\x01\x52\xff\xff\x03", b"\x08\x01",
                                  m.Frame(submit=b"x").SerializeToString(), m.Frame(id=1, submit=b"").SerializeToString(),
                                  m.Frame(id=1, welcome=m.Welcome()).SerializeToString()])
def test_garbage_in_a_frame(city, body):
    connection = city.connect(city.generator)
    connection.socket.sendall(struct.pack(">I", max(1, len(body))) + (body or b"\0"))
    answer = connection.receive()
    assert answer.WhichOneof("body") == "refusal" and answer.refusal.kind in (1, 10)
    assert is_served(city)


@pytest.mark.parametrize("submit", [b"x", b"\x0a\x00", bytes(60000), m.Envelope(payload=b"x").SerializeToString(),
                                    m.Envelope(payload=b"x", payloadType="text/plain").SerializeToString()])
def test_garbage_for_an_event(city, generator, submit):
    """Refused alone: the connection and what else is under way go on."""
    good = city.trail().issued()[0]
    bad = generator.send_submit(submit)
    fine = generator.send_submit(good)
    answer, = generator.answers(bad)
    assert answer.refusal.kind == m.REFUSAL_KIND_MALFORMED and answer.refusal.problems
    assert generator.answer_to(fine, good)


def test_the_largest_frame_and_event(city, generator):
    """A frame of 65,536 bytes is read; what it holds is too long for an event, and is refused under its id."""
    envelope = bytes(61440)
    generator.send(m.Frame(id=8, submit=envelope))
    answer, = generator.answers(8)
    assert answer.refusal.kind == m.REFUSAL_KIND_MALFORMED
    frame = m.Frame(id=9, submit=bytes(65536 - 6))
    assert len(frame.SerializeToString()) == 65536
    generator.send(frame)
    answer, = generator.answers(9)
    assert answer.refusal.kind == m.REFUSAL_KIND_MALFORMED and answer.refusal.problems[0].rule == "field.length"
    envelope, _ = city.trail().issued()
    assert generator.submit(envelope)


def test_a_query_with_bad_fields(city, generator):
    """Every one is named, and what else is under way on the connection goes on."""
    good = city.trail().issued()[0]
    fine = generator.send_submit(good)
    generator.send(m.Frame(id=500, query=m.Query(search=m.SearchQuery(
        numbers=["1", "20252101000001"], plate=" ", waste_code="HW", limit=501, state=99))))
    answer, = generator.answers(500)
    assert answer.last and answer.refusal.kind == m.REFUSAL_KIND_MALFORMED
    assert {p.path for p in answer.refusal.problems} >= {
        "query.search." + name for name in ("numbers[0]", "plate", "waste_code", "limit", "state")}
    assert all(p.en and p.zh and p.allowed for p in answer.refusal.problems)
    assert generator.answer_to(fine, good)


def test_more_queries_at_once_than_one_may_have(city):
    """Thousands in one go: what is beyond the key's share is told to come later, and who has another key does not
    notice."""
    count, first = 3000, 10_000
    transporter = city.connect(city.transporter)
    transporter.send_all(m.Frame(id=first + i, query=m.Query(flags=m.FlagQuery())) for i in range(count))
    assert is_served(city)
    answered = later = 0
    while answered + later < count:
        answer = transporter.receive()
        if answer.WhichOneof("body") == "refusal":
            assert answer.refusal.kind == m.REFUSAL_KIND_LATER and answer.refusal.retry_after > 0
            later += 1
        elif answer.last:
            answered += 1
    assert answered >= 64 and later > 0


def test_byte_by_byte(city):
    connection = city.connect(city.generator)
    envelope, _ = city.trail().issued()
    payload = m.Frame(id=99, submit=envelope).SerializeToString()
    for byte in struct.pack(">I", len(payload)) + payload:
        connection.socket.sendall(bytes([byte]))
    assert connection.answer_to(99, envelope)


def test_half_a_frame_and_gone(city):
    for _ in range(20):
        connection = city.connect(city.generator)
        connection.socket.sendall(struct.pack(">I", 5000) + b"x" * 100)
        connection.socket.close()
    assert is_served(city)


def test_gone_before_the_answer(city, generator):
    """An event whose sender is gone is stored all the same; sending it again says so."""
    envelope, _ = city.trail().issued()
    other = city.connect(city.generator)
    other.send_submit(envelope)
    other.close()
    until(lambda: generator.submit(envelope).repeated, "stored", 10)


# ---- slow


def test_deadlines(make):
    """No hello, half a frame, nothing at all: each has its time, and then the connection is closed."""
    city = make.city(**{"connections.hello_within": "1 s", "connections.frame_within": "1 s",
                        "connections.idle_after": "2 s"})
    silent = socket.create_connection(city.server.address, 10)
    no_hello = city.connect(city.generator, hello=False)
    half = city.connect(city.generator)
    half.socket.sendall(struct.pack(">I", 5000) + b"x")
    idle = city.connect(city.facility)
    silent.settimeout(10)
    assert silent.recv(100) == b""
    assert has_ended(no_hello) and has_ended(half) and has_ended(idle)
    silent.close()
    ends = {ln.fields["reason"] for ln in city.server.lines() if ln.event == "conn.end"}
    assert len(ends) >= 3
    assert is_served(city)


def test_a_drip_does_not_outlive_the_frame(make):
    """A byte now and then does not prolong a frame's time."""
    city = make.city(**{"connections.frame_within": "1 s"})
    connection = city.connect(city.generator)
    connection.socket.sendall(struct.pack(">I", 60000))
    connection.socket.settimeout(0.1)

    def ended():
        try:
            connection.socket.sendall(b"x")
            connection.socket.recv(100)
        except TimeoutError:
            return False
        except (OSError, ConnectionEnded):
            return True
        return True
    until(ended, "closed", 5)


def test_a_client_that_does_not_read(make):
    """Its queue is bounded and its time is too; others are served meanwhile."""
    city = make.city(**{"connections.write_within": "1 s"})
    for envelope in city.trail().whole_life():
        city.office.submit(envelope)
    connection = city.connect(city.registrar)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    number = city.this_year() + "2101000001"

    def ask_and_ask():
        try:
            while True:
                connection.send_all(m.Frame(id=connection.new_id(), query=m.Query(trail=m.TrailQuery(number=number)))
                                    for _ in range(50))
        except OSError:
            pass
    asking = threading.Thread(target=ask_and_ask, daemon=True)
    asking.start()
    assert is_served(city)
    city.server.wait("conn.end", 20, reason="slow|write|broken")  # by the queue, its deadline, or TCP's own
    asking.join(20)
    assert not asking.is_alive() and is_served(city)


# ---- many


def test_many_idle_connections(city):
    """They cost nobody an answer."""
    idle = [city.connect(city.facility) for _ in range(150)]
    assert is_served(city)
    answered = 0
    for connection in idle[::10]:
        connection.send(m.Frame(id=1000, ping=m.Ping()))
        answered += connection.answers(1000)[0].WhichOneof("body") == "ping"
        connection.close()
    assert answered == 15
    for connection in idle:
        connection.close()


def test_too_many_of_one_address(make):
    city = make.city(**{"connections.per_address": 3})
    kept = [city.connect(city.generator), city.connect(city.facility)]
    with pytest.raises((OSError, ConnectionEnded)):
        city.connect(city.generator)
    kept.pop().close()

    def again():
        try:
            return city.connect(city.generator)
        except (OSError, ConnectionEnded):
            return None
    assert until(again, "room again", 10)
