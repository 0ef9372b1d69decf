"""Load that does not give up: devices that send until everything is acknowledged, and keep every receipt."""
import threading
import time

import manifest_pb2 as m
from manifest_client import Connection, ConnectionEnded, Refused
from manifest_client.connection import Receipt
from server import until

AGAIN = ("LATER", "UNAVAILABLE", "NOT_WRITER")
WINDOW = 20


class Worker(threading.Thread):
    """One device. What it sends was signed beforehand; a broken connection makes it send the same bytes again."""

    def __init__(self, device, envelopes, addresses, ca, patience, pace):
        super().__init__(daemon=True)
        self.device, self.envelopes, self.addresses, self.ca = device, envelopes, addresses, ca
        self.patience, self.pace = patience, pace
        self.deadline = time.monotonic() + 90
        self.receipts = []
        self.failure = None
        self.done = 0
        self.stopping = False

    def run(self):
        turn = 0
        while self.done < len(self.envelopes) and self.failure is None and not self.stopping:
            if time.monotonic() > self.deadline:
                self.failure = f"{self.done} of {len(self.envelopes)} acknowledged, then time was up"
                return
            try:
                addresses = self.addresses()
                with Connection(addresses[turn % len(addresses)], self.ca, self.device, timeout=self.patience) as c:
                    while self.done < len(self.envelopes) and not self.stopping:
                        self.window(c)
            except (OSError, ConnectionEnded):
                pass
            except Refused as e:
                if e.kind not in AGAIN:
                    self.failure = str(e)
            except Exception as e:  # what the client does not believe is a failure of the test
                self.failure = repr(e)
            turn += 1
            time.sleep(0.02)

    def window(self, c):
        """The next events; stops at the first that is not acknowledged, so that what is done is a prefix."""
        part = self.envelopes[self.done:self.done + WINDOW]
        requests = [c.new_id() for _ in part]
        c.send_all(m.Frame(id=i, submit=e) for i, e in zip(requests, part))
        for i, e in zip(requests, part):
            self.receipts.append(c.answer_to(i, e))
            self.done += 1
        time.sleep(self.pace)


class Load:
    """Several workers over one city. `addresses` says where to send, asked again at every connection; `pace`, how long
    to wait, in seconds, after each window of events."""

    def __init__(self, city, workers=3, events=400, addresses=None, patience=20, pace=0):
        self.city = city
        addresses = addresses or (lambda: [city.server.address])
        self.workers = []
        for n in range(workers):
            device = city.key_for("generator", city.generator.party)
            envelopes = [city.trail(generator=device).issued()[0] for _ in range(events)]
            self.workers.append(Worker(device, envelopes, addresses, city.server.tls / "ca.crt", patience, pace))

    def __enter__(self):
        for w in self.workers:
            w.start()
        return self

    def __exit__(self, *_):
        for w in self.workers:
            w.stopping = True

    def acknowledged(self):
        return sum(w.done for w in self.workers)

    def reach(self, n):
        """Waits until n events were acknowledged."""
        def reached():
            assert not any(w.failure for w in self.workers), [w.failure for w in self.workers]
            return self.acknowledged() >= n
        until(reached, f"{n} acknowledged", 60)

    def finish(self):
        self.join()
        assert [w.failure for w in self.workers] == [None] * len(self.workers)
        assert all(w.done == len(w.envelopes) for w in self.workers)

    def join(self):
        for w in self.workers:
            w.join(100)

    def stop(self):
        """What is under way is still answered."""
        for w in self.workers:
            w.stopping = True
        self.join()
        assert [w.failure for w in self.workers] == [None] * len(self.workers)

    def receipts(self):
        return [r for w in self.workers for r in w.receipts]

    def nothing_lost(self, server=None):
        """Everything acknowledged is stored, once, where its receipt says; every receipt is of the final history."""
        server = server or self.city.server
        database = self.city.server
        stored = dict(database.sql("SELECT index, entry FROM entry"))
        size, epoch = database.sql("SELECT size, epoch FROM log_head")[0]
        assert sorted(stored) == list(range(size))
        receipts = self.receipts()
        assert len(receipts) == self.acknowledged()
        for r in receipts:
            assert bytes(stored[r.index]) == r.entry
        events = [Receipt.event_id(r) for r in receipts]
        assert len(set(events)) == len(events)
        sent = {e for w in self.workers for e in w.envelopes}
        again = [m.LogEntry.FromString(bytes(e)).envelope.SerializeToString() for e in stored.values()]
        assert len(again) == len(set(again))
        assert len([e for e in again if e in sent]) >= len(receipts)
        times = [m.LogEntry.FromString(bytes(stored[i])).accepted_at for i in range(size)]
        assert all(a < b for a, b in zip(times, times[1:]))
        until(lambda: self.one_history(server, receipts), "every receipt proven to be of one history")
        return epoch

    def one_history(self, server, receipts):
        """False: a session with PostgreSQL from before a fault was met; the next try has a new one."""
        try:
            with Connection(server.address, self.city.server.tls / "ca.crt", self.city.registrar) as c:
                for part in range(0, len(receipts), 500):
                    c.settle([r.checkpoint for r in receipts[part:part + 500]])
        except Refused as e:
            assert e.kind == "UNAVAILABLE"
            return False
        return True
