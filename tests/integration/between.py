"""A UNIX socket in front of PostgreSQL's that knows its messages, and stops a connection at one that a test names."""
import collections
import socket
import struct
import threading

# Where a connection is stopped, by the prepared statement it is at:
ASKED = "asked"  # PostgreSQL has everything before the statement, and not the statement
CARRIED_OUT = "carried out"  # it has carried out the statement, has no Sync after it, and no answer has gone on
ANSWERED = "answered"  # it has answered the statement, and the answer is withheld
HALF_ANSWERED = "half answered"  # of which only the first bytes have gone on
TOLD = "told"  # the answer has gone on, and nothing after it

FLUSH = b"H\0\0\0\4"  # PostgreSQL tells what it has done, and waits for what follows


class Ended(Exception):
    pass


class Stop:
    """One connection, once, at one point. Then it is let go on, or cut: nothing of what was withheld is passed on."""

    def __init__(self, statement, where):
        self.statement, self.where = statement, where
        self.reached, self.decided, self.gone_on = threading.Event(), threading.Event(), threading.Event()
        self.go_on = False

    def hold(self):
        """On the wire that is here."""
        self.reached.set()
        self.decided.wait()
        if not self.go_on:
            raise Ended

    def wait(self):
        assert self.reached.wait(20), f"never {self.where}: {self.statement}"
        return self

    def release(self):
        self.go_on = True
        self.decided.set()

    def cut(self):
        self.decided.set()


class Wire:
    """One connection of a client with PostgreSQL."""

    def __init__(self, between, client, server):
        self.between, self.client, self.server = between, client, server
        self.asked = collections.deque()  # statements without an answer yet
        self.carried_out = None  # the stop at this point: until it is decided, no answer goes on
        for pump in (self.forth, self.back):
            threading.Thread(target=self.run, args=(pump,), daemon=True).start()

    def run(self, pump):
        try:
            pump()
        except (OSError, Ended):
            pass
        self.cut()

    def cut(self):
        for s in (self.client, self.server):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def at(self, statement, where, to, out):
        """What is still to be passed on: `out`, or nothing when the connection was stopped here after it."""
        stop = self.between.take(statement, where)
        if stop is None:
            return out
        to.sendall(out)
        stop.hold()
        return b""

    def carry_out(self, statement, out):
        """The same, where only PostgreSQL's answer tells that it is at this point."""
        stop = self.between.take(statement, CARRIED_OUT)
        if stop is None:
            return out
        self.carried_out = stop
        self.server.sendall(out + FLUSH)
        stop.gone_on.wait()
        return b""

    @staticmethod
    def messages(data, bare):
        """Whole messages as (kind, bytes), and the rest. The first of a client has no kind."""
        found = []
        while len(data) >= 5:
            head = 0 if bare else 1
            length = head + struct.unpack_from(">I", data, head)[0]
            if len(data) < length:
                break
            found.append((b"" if bare else data[:1], data[:length]))
            data, bare = data[length:], False
        return found, data, bare

    def forth(self):
        rest, bare, statement = b"", True, ""
        while data := self.client.recv(1 << 20):
            found, rest, bare = self.messages(rest + data, bare)
            out = b""
            for kind, message in found:
                if kind == b"B":
                    statement = message[5:].split(b"\0", 2)[1].decode()
                    message = self.between.change(statement, message)
                    out = self.at(statement, ASKED, self.server, out)
                out += message
                if kind == b"E":
                    self.asked.append(statement)
                    out = self.carry_out(statement, out)
            self.server.sendall(out)

    def back(self):
        rest = out = b""
        while data := self.server.recv(1 << 20):
            found, rest, _ = self.messages(rest + data, False)
            for kind, message in found:
                if kind == b"C" and self.asked:
                    statement = self.asked.popleft()
                    out = self.at(statement, ANSWERED, self.client, out)
                    out = self.at(statement, HALF_ANSWERED, self.client, out + message[:6]) + message[6:]
                    out = self.at(statement, TOLD, self.client, out)
                    continue
                if kind == b"Z":  # what came after an error was skipped
                    self.asked.clear()
                out += message
            stop = self.carried_out
            if stop is not None:
                if self.asked:
                    continue
                stop.hold()
                self.carried_out = None
            self.client.sendall(out)
            out = b""
            if stop is not None:
                stop.gone_on.set()


class Between(threading.Thread):
    def __init__(self, folder, target):
        super().__init__(daemon=True)
        folder.mkdir(mode=0o755)
        self.folder, self.target = folder, target
        self.lock = threading.Lock()
        self.stops = []
        self.change = lambda statement, message: message  # of a Bind, whose length must stay
        self.wires = []
        self.away = False  # nobody gets through
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{folder}/.s.PGSQL.5432")
        self.listener.listen(16)
        self.start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.socket(socket.AF_UNIX)
            try:
                if self.away:
                    raise OSError("away")
                server.connect(self.target)
            except OSError:
                client.close()
                continue
            self.wires.append(Wire(self, client, server))

    def go_away(self):
        """Every connection is cut, and none is made until `away` is taken back."""
        self.away = True
        for wire in self.wires:
            wire.cut()

    def stop_at(self, statement, where):
        """The next connection that comes to this point is stopped there."""
        stop = Stop(statement, where)
        with self.lock:
            self.stops.append(stop)
        return stop

    def forget(self):
        """No connection will be stopped any more where none has been yet."""
        with self.lock:
            self.stops.clear()

    def take(self, statement, where):
        with self.lock:
            for stop in self.stops:
                if (stop.statement, stop.where) == (statement, where):
                    self.stops.remove(stop)
                    return stop
        return None
