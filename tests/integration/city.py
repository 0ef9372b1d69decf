"""A small city: parties, keys, vehicles, permits and numbers, as its registrar enters them."""
import time

import manifest_pb2 as m
from manifest_client import Connection, Device, ROLES, Trail, event, party
from manifest_client.device import now

LONG_AGO = 1_600_000_000_000_000  # September 2020
FAR_AWAY = 2_000_000_000_000_000  # May 2033
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
PERMIT = "SY-0001"
PLATE, LATER_PLATE = "辽A12345", "辽A67890"


def year_of(at):
    """In Shenyang."""
    return time.strftime("%Y", time.gmtime((at + 8 * HOUR) // SECOND))


class City:
    """The registrar's connection, and a device of each role; `connect` opens theirs."""

    def __init__(self, server, registrar=None):
        self.server = server
        self.connections = []
        self.registrar = registrar or Device(server.log, ROLES["registrar"], key=server.registrar)
        self.office = self.connect(self.registrar)
        self.registrar.next = self.office.welcome.next_number
        self.blocks = 0
        self.generator = self.enrol("generator", 1)
        self.transporter = self.enrol("transporter", 2)
        self.later = self.enrol("transporter", 3)
        self.facility = self.enrol("facility", 4)
        self.vehicle(PLATE, self.transporter)
        self.vehicle(LATER_PLATE, self.later)
        self.enter("permit_granted", permit=dict(
            number=PERMIT, facility=self.facility.party, waste_codes=["HW08", "HW49"], methods=["R9", "D10"],
            grams_per_year=10**12, valid_from=LONG_AGO, valid_until=FAR_AWAY))
        self.grant(self.generator)

    def close(self):
        for c in self.connections:
            c.close()

    def restart(self):
        """Ends the server, without clients to wait for, and starts it again. Connections must be opened anew."""
        self.close()
        self.connections.clear()
        assert self.server.end() == 0
        self.server.start()

    def connect(self, device, server=None, **options):
        server = server or self.server
        connection = Connection(server.address, self.server.tls / "ca.crt", device, **options)
        self.connections.append(connection)
        return connection

    def enter(self, kind, /, *more, **fields):
        """A registry event; `more` are the devices that sign after the registrar."""
        return self.office.sign_and_submit(event(kind, **fields), [self.registrar, *more])

    def register(self, role, ref, division="210102", **changed):
        fields = dict(ref=ref, name=f"沈阳{role}有限公司", roles=[ROLES[role]], division=division, address="沈阳市和平区",
                      generator_class=m.GENERATOR_CLASS_KEY if role == "generator" else m.GENERATOR_CLASS_NONE,
                      valid_from=LONG_AGO) | changed
        return self.enter("party_registered", party=fields)

    def key_for(self, role, ref):
        device = Device(self.server.log, ROLES[role], ref)
        self.enter("key_enrolled", device, key=device.key.public, party=ref, role=ROLES[role], device="测试终端",
                   valid_from=LONG_AGO)
        return device

    def enrol(self, role, serial, division="210102"):
        self.register(role, party(serial), division)
        return self.key_for(role, party(serial))

    def vehicle(self, plate, transporter, capacity=40_000_000):
        self.enter("vehicle_registered", plate=plate, transporter=transporter.party, licence="辽交运管许可210100001号",
                   capacity_grams=capacity, valid_from=LONG_AGO)

    def grant(self, generator, size=10_000):
        """Blocks of this year's and last year's numbers to the generator; later trails take theirs from them."""
        self.first = self.blocks * 10_000 + 1
        self.blocks += 1
        self.used = 0
        for year in {year_of(now()), year_of(now() - 365 * DAY)}:
            self.enter("number_block_granted", generator=generator.party, first=f"{year}2101{self.first:06d}",
                       last=f"{year}2101{self.first + size - 1:06d}")

    @staticmethod
    def this_year():
        return year_of(now())

    def new_number(self, at=None):
        self.used += 1
        return f"{year_of(at or now())}2101{self.first + self.used - 1:06d}"

    def trail(self, at=None, **changed):
        places = dict(generator=self.generator, transporter=self.transporter, facility=self.facility, later=self.later,
                      plate=PLATE, later_plate=LATER_PLATE, permit=PERMIT) | changed
        return Trail(self.new_number(at), **places)
