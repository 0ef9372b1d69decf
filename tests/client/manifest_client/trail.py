"""One manifest through its life: who signs which step, and what the step says by default."""
from .device import now, sign
from .events import event

HOUR = 3600 * 1000 * 1000


def quantity(line, grams, containers):
    return dict(line=line, grams=grams, containers=containers)


class Trail:
    """Follows the head of one manifest. Every step returns (envelope, id) and takes changes of its fields.

    The places hold devices: generator, transporter, later (the second transporter), facility.
    """

    def __init__(self, number, generator, transporter, facility, later=None, plate="", later_plate="", permit=""):
        self.number = number
        self.generator, self.transporter, self.facility, self.later = generator, transporter, facility, later
        self.plate, self.later_plate, self.permit = plate, later_plate, permit
        self.head = None
        self.lines = [dict(line=1, code="900-249-08", name="废矿物油", grams=1_000_000, containers=5, packaging=1,
                           form=3, method="R9")]
        self.moved = [quantity(1, 1_000_000, 5)]

    def _step(self, kind, devices, fields, changed, at=None):
        body = dict(number=self.number) | ({} if kind == "issued" else {"previous": self.head}) | fields | changed
        envelope, self.head = sign(event(kind, **body), devices, at)
        return envelope, self.head

    def issued(self, at=None, **changed):
        start = at if at is not None else now()
        return self._step("issued", [self.generator], dict(
            generator=self.generator.party, transporter=self.transporter.party, facility=self.facility.party,
            plate=self.plate, edition="2021", lines=self.lines, collect_by=start + HOUR, arrive_by=start + 8 * HOUR,
            permit=self.permit, destination="沈阳市处置中心一号库", emergency="用吸附棉收集"), changed, at)

    def _loaded(self):
        return dict(transporter=self.transporter.party, plate=self.plate, lines=self.moved)

    def loaded(self, at=None, **changed):
        return self._step("loaded", [self.generator, self.transporter], self._loaded(), changed, at)

    def handed_over(self, at=None, **changed):
        step = self._step("handed_over", [self.transporter, self.later], {
            "from": self.transporter.party, "to": self.later.party, "plate": self.later_plate, "lines": self.moved},
            changed, at)
        self.transporter, self.later = self.later, self.transporter
        self.plate, self.later_plate = self.later_plate, self.plate
        return step

    def _delivered(self):
        return dict(transporter=self.transporter.party, facility=self.facility.party, lines=self.moved)

    def delivered(self, at=None, **changed):
        return self._step("delivered", [self.transporter, self.facility], self._delivered(), changed, at)

    def received(self, at=None, **changed):
        return self._step("received", [self.facility], dict(facility=self.facility.party, lines=[
            dict(line=q["line"], decision=1, accepted=q, method="R9") for q in self.moved]), changed, at)

    def refused(self, at=None):
        return self.received(at, lines=[dict(line=q["line"], decision=3, refused=q, difference="混有其他废物")
                                        for q in self.moved])

    def returned(self, leg, at=None, **changed):
        giver, taker = ((self.facility, self.transporter), (self.transporter, self.generator))[leg - 1]
        return self._step("returned", [giver, taker], {
            "leg": leg, "from": giver.party, "to": taker.party, "plate": self.plate, "lines": self.moved}, changed, at)

    def treated(self, at=None, **changed):
        return self._step("treated", [self.facility], dict(facility=self.facility.party, lines=[
            q | dict(method="R9") for q in self.moved]), changed, at)

    def attested(self, kind, by, reason=1, at=None):
        """The step that `kind` names (loaded or delivered), stated by one side alone."""
        body = dict(number=self.number, previous=self.head) | getattr(self, "_" + kind)()
        envelope, self.head = sign(event("attested", **{kind: body}, reason=reason, note="对方拒绝签字"), [by], at)
        return envelope, self.head

    def whole_life(self):
        """The envelopes of issued, loaded, delivered, received and treated, signed one after the other."""
        return [step()[0] for step in (self.issued, self.loaded, self.delivered, self.received, self.treated)]
