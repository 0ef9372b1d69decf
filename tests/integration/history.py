"""One log in which everything has happened once, made by one run of the server; and copies of it to tamper with."""
import json
import os
import shutil
import subprocess
import tempfile

import manifest_pb2 as m
from city import DAY, HOUR, LONG_AGO
from manifest_client import Device, Log, Refused, event
from manifest_client.device import now, sign
from manifest_client.trail import quantity
from questions import flags, flags_of, name_of, open_kinds
from server import BUILD, MANIFESTD, Daemon, until

MANIFEST = (BUILD / "manifest").resolve()
LAW = ["collect.grace=0 s", "transit.grace=0 s", "clock.skew=1 h"]


def unsigned(number):
    """The number of a manifest as the tables have it."""
    return int(number)


def manifest(folder, *arguments):
    return subprocess.run([MANIFEST, *arguments, "--json", "--lang=en"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=120, check=False, cwd=folder, env=os.environ | {"HOME": str(folder)})


def cli(folder, *arguments, status=None):
    """What `manifest` printed as JSON, with its exit status as `exit`."""
    done = manifest(folder, *arguments)
    assert status is None or done.returncode == status, (done.returncode, done.stdout, done.stderr)
    assert done.returncode in (0, 1), (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout) | {"exit": done.returncode}


class History:
    """What is where: by name, for the cases of test_tampering. `early` is a copy of the database from its middle."""

    def __init__(self, maker):
        self.city = city = maker.city(law=LAW, **{"http.enabled": "yes"})
        self.server, self.cluster = city.server, city.server.cluster
        self.at = {}
        self.register()
        self.live()
        self.auditor = city.enrol("auditor", 61)
        self.imports(220)
        self.early = self.pause()
        self.early_checkpoint = city.generator.kept
        self.later()
        self.imports(40)
        self.checkpoint = city.generator.kept
        self.final = self.pause(again=False)
        self.places()

    def places(self):
        """More that the cases name, for texts to be filled in."""
        at = self.at
        assert at["issued"] < 256 < at["late_issued"]
        seen = self.server.sql("SELECT entry FROM entry WHERE index = %s", at["quantity_flag"])[0][0]
        payload = m.LogEntry.FromString(bytes(seen)).envelope.payload
        at |= dict(last=at["size"] - 1, treated1=at["treated"] + 1, invented=at["closed"] + 900, lost_key=self.lost.key.id.hex(),
                   seen_checkpoint=m.Event.FromString(payload).signers[0].seen.size)
        at["codes_loaded"], = self.server.sql("SELECT min(index) FROM entry WHERE kind = 12")[0]
        at["some_checkpoint"], = self.server.sql("SELECT size FROM checkpoint WHERE size > %s ORDER BY size LIMIT 1",
                                                 at["treated"])[0]

    def register(self):
        city = self.city
        city.enter("person_registered", person="D-0007", party=city.transporter.party, digest=bytes(range(32)))
        self.at["setting"] = city.enter("setting_changed", key="return.days", value="12", reason="试行").index
        self.lost = city.key_for("transporter", city.transporter.party)
        self.at["revoked"] = city.enter("key_revoked", keyid=self.lost.key.id, revoked_from=now() - HOUR, reason="终端丢失").index
        city.enter("permit_granted", permit=dict(
            number="SY-0002", facility=city.facility.party, waste_codes=["HW08"], methods=["D10"],
            grams_per_year=10**10, valid_from=LONG_AGO, valid_until=now() + 300 * DAY))
        self.inspector = city.enrol("inspector", 20, "210100")

    def live(self):
        """Manifests in every state, and flags: open, cleared, resolved, with evidence."""
        city = self.city
        c = city.connect(city.generator)
        closed = city.trail()
        receipts = [c.submit(e) for e in closed.whole_life()]
        transit = city.trail()
        moving = [c.submit(e) for e, _ in (transit.issued(), transit.loaded())]
        start = now() - 3 * DAY
        overdue, cleared = city.trail(at=start), city.trail(at=start)
        for t in (overdue, cleared):
            for step in (t.issued(start), t.loaded(start + HOUR)):
                c.submit(step[0])
        for t in (overdue, cleared):
            until(lambda t=t: "OVERDUE" in open_kinds(city.office, t.number), "overdue")
        c.submit(cleared.delivered()[0])
        attested = city.trail()
        c.submit(attested.issued()[0])
        c.submit(attested.attested("loaded", city.generator, reason=m.ATTEST_REASON_CANNOT)[0])
        flag, = flags_of(city.office, attested.number)
        c.sign_and_submit(event("flag_resolved", flag=flag.flag, resolution=m.RESOLUTION_EXPLAINED, reason="现场核查"),
                          [self.inspector])
        light = city.trail()
        c.submit(light.issued()[0])
        c.submit(light.loaded()[0])
        light.moved = [quantity(1, 700_000, 5)]
        c.submit(light.delivered()[0])
        self.fork(c)
        voided = city.trail()
        c.sign_and_submit(event("voided", manifest_number=voided.number, reason="误填"))
        by_name = {name_of(f): f.flag for f in flags(city.office) if f.number != cleared.number}
        self.at |= dict(
            closed=unsigned(closed.number), transit=unsigned(transit.number), overdue=unsigned(overdue.number),
            light=unsigned(light.number), voided=unsigned(voided.number), issued=receipts[0].index,
            treated=receipts[4].index, loaded=moving[1].index, quantity_flag=by_name["QUANTITY"],
            overdue_flag=by_name["OVERDUE"], fork_flag=by_name["FORK"], attested_flag=by_name["ATTESTED"],
            cleared_flag=flags_of(city.office, cleared.number)[0].flag)
        self.closed, self.transit = closed, transit

    def fork(self, c):
        t = self.city.trail()
        c.submit(t.issued()[0])
        before = t.head
        c.submit(t.loaded()[0])
        t.head = before
        try:
            c.submit(t.loaded(plate="辽A67890")[0])
        except Refused as e:
            assert e.kind == "FORK"
        self.at["fork"] = unsigned(t.number)

    def later(self):
        """Beyond the last full tile."""
        city = self.city
        c = city.connect(city.generator)
        t = city.trail()
        receipts = [c.submit(e) for e in t.whole_life()]
        self.at |= dict(late=unsigned(t.number), late_issued=receipts[0].index, late_treated=receipts[4].index)

    def imports(self, n, connection=None, remark="旧系统"):
        """Entries that touch no table but the log's own."""
        c = connection or self.city.connect(self.city.generator)
        made = [sign(event("imported", scheme="csv", foreign_number=f"{i}", source_sha256=bytes(range(32)), record=i + 1,
                           remark=remark), [self.city.generator])[0] for i in range(n)]
        results = c.submit_all(made)
        assert not [str(r) for r in results if isinstance(r, Refused)]
        return results

    def pause(self, again=True):
        """A copy of the database as it stands, and of the high-water file."""
        city = self.city
        self.at["size"] = self.server.sql("SELECT size FROM log_head")[0][0]
        city.close()
        city.connections.clear()
        assert self.server.end() == 0
        name = self.cluster.new_database(self.server.database)
        shutil.copy(self.server.folder / "high-water", self.server.folder / name)
        if again:
            self.server.start()
            city.office = city.connect(city.registrar)
        return name

    def inspector_device(self):
        """With nothing kept."""
        return Device(self.inspector.log, self.inspector.role, self.inspector.party, self.inspector.key)

    def audit_of(self, server):
        """Of any server's database."""
        with tempfile.TemporaryDirectory() as folder:
            return cli(folder, "log", "audit", f"--database={server.cluster.conninfo(server.database)}")

    def copy(self, folder, of=None):
        return Copy(self, folder, of or self.final)


class Copy(Daemon):
    """The log in a database of its own, with copies of all files: what an operator holds in hand."""

    def __init__(self, history, folder, of):
        folder.mkdir(mode=0o700)
        self.history, self.cluster = history, history.cluster
        self.database = self.cluster.new_database(of)
        original = history.server
        settings = {k: str(v).replace(f"dbname={original.database}", f"dbname={self.database}")
                    for k, v in original.settings.items()}
        for key, name in (("keys.log", "log.key"), ("keys.server", "server.key")):
            shutil.copy(original.folder / name, folder / name)
            settings[key] = folder / name
        shutil.copy(original.folder / of, folder / "high-water")
        settings["high_water"] = folder / "high-water"
        (folder / "vkey").write_text(original.log.vkey + "\n")
        (folder / "auditor.key").write_text(history.auditor.key.secret_text())
        (folder / "auditor.key").chmod(0o600)
        self.tls, self.log = original.tls, Log(original.log.vkey)
        super().__init__(folder, settings)
        self.write_conf()

    def sql(self, statement, *values):
        return self.cluster.sql(self.database, statement, *values)

    def as_superuser(self, statements):
        """Changes as somebody makes them whom no right, trigger or constraint binds."""
        self.sql("SET session_replication_role = replica; ALTER TABLE entry DROP CONSTRAINT IF EXISTS entry_leaf; "
                 "ALTER TABLE reference_file DROP CONSTRAINT IF EXISTS reference_file_check; " + statements)

    def fingerprint(self):
        """Of everything in the tables."""
        tables = [name for name, in self.sql("SELECT relname FROM pg_class WHERE relnamespace = 'manifest'::regnamespace AND "
                                             "relkind IN ('r', 'p') AND NOT relispartition")]
        return self.sql(" UNION ALL ".join(f"SELECT '{t}', md5(string_agg(x::text, '|' ORDER BY x::text)) FROM {t} x"
                                           for t in sorted(tables)))

    def refuses_to_start(self):
        """Why the server does not start with this, as it logs it; None: it starts."""
        self.write_conf()
        with open(self.log_file, "wb") as log:
            self.started_at = 0
            self.process = subprocess.Popen([MANIFESTD, "--config", self.conf, "run"], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        until(lambda: self.process.poll() is not None or any(ln.fields.get("what") == "writing" for ln in self.lines()),
              "writing, or refused")
        return None if self.end() == 0 else self.tail()

    def daemon(self, *words):
        return subprocess.run([MANIFESTD, "--config", self.conf, *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, check=False)

    def cli(self, *arguments, status=None):
        return cli(self.folder, *arguments, status=status)

    def manifest(self, *arguments):
        return manifest(self.folder, *arguments)

    def audit(self, *more):
        return self.cli("log", "audit", f"--database={self.cluster.conninfo(self.database)}", *more)

    def mirror(self, folder, state="state", status=None):
        """`manifest log mirror` of this running server, by an auditor; `state` is what the auditor's key remembers."""
        return self.cli("log", "mirror", folder, f"--url=http://127.0.0.1:{self.http}", "--key=auditor.key", "--log=vkey",
                        f"--ca={self.tls / 'ca.crt'}", f"--server=localhost:{self.port}", f"--state={self.folder / state}",
                        status=status)
