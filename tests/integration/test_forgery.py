"""Evidence against an operator who holds the database, the files and, where a test says so, the server's keys."""
import base64
import json
import shutil
import signal

import manifest_pb2 as m
import pytest
from city import SECOND
from forger import Forger
from manifest_client import ROLES, Connection, Device, event, merkle
from manifest_client.device import TwoHistories, now, sign
from manifest_client.note import Invalid
from questions import flags, name_of
from server import until
from tampering import ENTRIES
from test_witness import Witness, b64


def device_of(history, kept=None):
    """The generator's device as it was at a checkpoint, or with nothing kept, and with running numbers of its own."""
    original = history.city.generator
    made = Device(original.log, original.role, original.party, original.key)
    made.kept, made.next = kept, original.next
    original.next += 1000
    return made


def connect(copy, device):
    return Connection(copy.address, copy.tls / "ca.crt", device)


def grow(history, copy, entries, start=True):
    """The server goes on with devices that have seen nothing."""
    if start:
        copy.start()
    device = device_of(history)
    with connect(copy, device) as c:
        made = [sign(event("imported", scheme="csv", foreign_number=f"later {i}", source_sha256=bytes(range(32)),
                           record=i + 1), [device])[0] for i in range(entries)]
        for envelope in made:
            c.submit(envelope)
        return device.kept


def found(report, what, **more):
    return [f for f in report["findings"] if f["what"] == what and all(f.get(k) == str(v) for k, v in more.items())]


class Watched:
    """Three who saw the true log while it was whole: a device, a mirror and a witness."""

    def __init__(self, history, copy, folder):
        self.history, self.copy, self.folder = history, copy, folder
        copy.start()
        copy.mirror(folder / "mirror", status=0)
        self.device = device_of(history)
        with connect(copy, self.device) as c:
            answer, = c.query(checkpoint={})
        self.kept = self.device.kept
        (folder / "kept").write_text(answer.checkpoint)
        log = type("Known", (), dict(vkey=copy.log.vkey, origin=copy.log.origin, key_name=copy.log.origin))
        (folder / "witness.d").mkdir()
        self.witness = Witness(folder / "witness.d", log)
        assert self.cosign(0, answer.checkpoint)[0] == 200
        assert copy.end() == 0

    def cosign(self, old, note, proof=()):
        return self.witness.add(f"old {old}\n" + "".join(b64(h) + "\n" for h in proof) + "\n" + note)

    def asked(self, device, old):
        """The server's newest checkpoint, and its proof that it continues size `old`."""
        with connect(self.copy, device) as c:
            answer, = c.query(checkpoint={"from": old})
            return answer.checkpoint, answer.consistency

    def close(self):
        self.witness.stop(signal.SIGKILL)


@pytest.fixture
def watched(history, copy, tmp_path):
    w = Watched(history, copy, tmp_path)
    yield w
    w.close()


# ---- what who asks is shown, without any key stolen


@pytest.mark.parametrize("case", [ENTRIES[0], ENTRIES[6]], ids=lambda c: c.name)
def test_what_a_client_and_a_mirror_are_shown(history, copy, tmp_path, case):
    """No proof leads from the changed entry to the root that was signed."""
    copy.as_superuser(case.sql.format_map(history.at))
    copy.start()
    with connect(copy, device_of(history)) as c, pytest.raises(Invalid, match=r"entry \d+ is not under the root"):
        c.entries(trail={"number": history.closed.number})
    said = copy.mirror(tmp_path / "mirror", status=1)
    assert "tile/" in json.dumps(said)


def test_an_entry_that_is_gone(history, copy, tmp_path):
    """It cannot be left out: the bundle it was in is not served, and a mirror cannot be made."""
    copy.as_superuser(f"DELETE FROM entry WHERE index = {history.at['treated']}")
    copy.start()
    with pytest.raises(AssertionError):
        copy.mirror(tmp_path / "mirror", status=0)


# ---- the files


@pytest.mark.parametrize("name", ["log.key", "server.key"])
def test_a_key_file_is_swapped(make, copy, name):
    """To sign under the log's name with a key of one's own."""
    other = make.server(start=False)
    shutil.copy(other.folder / name, copy.folder / name)
    assert "the key files are not those of this log's genesis" in copy.refuses_to_start()


def test_another_log_under_the_same_name(make, history, work):
    """A new database with new keys: nobody who has the log's written key takes it for the log."""
    other = make.server()
    assert other.log.origin == history.server.log.origin
    device = Device(history.server.log, ROLES["registrar"], key=other.registrar)  # whom the other log knows
    with pytest.raises(Invalid, match="no signature of the log"):
        Connection(other.address, other.tls / "ca.crt", device)


def lower(copy, history):
    """The file as it was at the log's middle."""
    shutil.copy(history.server.folder / history.early, copy.folder / "high-water")


@pytest.mark.parametrize("file", ["kept", "deleted", "set lower"])
def test_the_tail_is_deleted(history, copy, watched, tmp_path, file):
    """Five entries never were: head, running numbers and checkpoints are set back, with no contradiction left in the tables.
    The high-water file knows; and where that was deleted, or put back from an old copy, all who saw the longer log."""
    kept = copy.folder / "kept"
    shutil.copy(copy.folder / "high-water", kept)
    old = history.at["size"]
    forger = Forger(copy)
    forger.cut(old - 5)
    forger.settle()
    if file == "deleted":
        forger.forget()
    elif file == "set lower":
        lower(copy, history)
    said = copy.refuses_to_start()
    if file == "kept":
        assert f"the high-water file has size {watched.kept.size}, the database only {old - 5}: it went backwards" in said
        return
    assert said is None  # nothing here knows better
    assert ("the high-water file is new" in copy.tail()) is (file == "deleted")
    report = copy.audit(f"--high-water={kept}", f"--checkpoint={tmp_path / 'kept'}")
    assert report["exit"] == 1 and found(report, "high_water") and found(report, "checkpoint")
    copy.start()
    device = device_of(history, watched.kept)
    with connect(copy, device) as c:
        assert c.behind and device.kept is watched.kept  # and it goes on stating what it saw
    assert copy.mirror(tmp_path / "mirror", status=1)
    note, _ = watched.asked(device_of(history), 0)
    assert watched.cosign(old, note)[0] == 400  # old is above its size
    grow(history, copy, 12, start=False)
    two_histories(history, watched, tmp_path, kept)


def two_histories(history, watched, tmp_path, kept):
    """The copy's server has grown past what was seen: each notices, and can prove it to anyone."""
    copy, old = watched.copy, watched.kept
    with pytest.raises(TwoHistories, match=f"does not continue {old.size}"):
        connect(copy, device_of(history, old))
    said = copy.mirror(tmp_path / "mirror", state="new", status=1)
    assert said["history"] == "two"
    evidence, = (tmp_path / "mirror").glob("evidence-*")
    assert copy.cli("log", "evidence", evidence, "--log=vkey")["proves"] is True
    note, proof = watched.asked(device_of(history), old.size)
    assert watched.cosign(old.size, note, proof)[0] == 422
    compared = copy.cli("log", "compare", tmp_path / "kept", write(tmp_path / "now", note), "--log=vkey",
                        f"--url=http://127.0.0.1:{copy.http}", f"--save={tmp_path / 'proof'}", status=1)
    assert compared["history"] == "two" and copy.cli("log", "evidence", tmp_path / "proof", "--log=vkey")["proves"] is True
    a_device_that_saw_it_speaks(history, copy, old)
    assert copy.end() == 0
    shutil.copy(kept, copy.folder / "high-water")
    assert f"the high-water file has another root at size {old.size}: history was changed" in copy.refuses_to_start()


def write(path, text):
    path.write_text(text)
    return path


def a_device_that_saw_it_speaks(history, copy, seen):
    """Whatever it signs next is accepted, states the checkpoint that it saw, and is flagged for the inspectors."""
    device = device_of(history)
    with connect(copy, device) as c:
        latest, device.kept = device.kept, seen
        envelope, _ = sign(event("imported", scheme="csv", foreign_number="witness", source_sha256=bytes(range(32)),
                                 record=1), [device])
        device.kept = latest
        assert c.submit(envelope).remarks
    with connect(copy, history.inspector_device()) as inspector:
        flag, = [f for f in flags(inspector) if name_of(f) == "TWO_HISTORIES"]
        assert flag.open and flag.keyid == device.key.id


def test_a_backup_is_restored_and_goes_on(history, copies, watched, tmp_path):
    """What happened since is undone, and other things happen in its place, past the old size."""
    restored = copies(history.early)
    kept = watched.copy.folder / "high-water"
    grow(history, restored, history.at["size"] + 5 - int(restored.sql("SELECT size FROM log_head")[0][0]))
    watched.copy = restored
    two_histories(history, watched, tmp_path, kept)


def test_a_fork_shown_to_one_client(history, copies, tmp_path):
    """Two servers with one log's key: one shows its history to a company, the other to everybody else."""
    one, other = copies(), copies()
    seen = grow(history, one, 3)
    grow(history, other, 5)
    notes = [write(tmp_path / name, note_of(history, copy)) for name, copy in (("a", one), ("b", other))]
    for source in (one, other):
        said = source.cli("log", "compare", *notes, "--log=vkey", f"--url=http://127.0.0.1:{other.http}", status=1)
        assert said["history"] == "two"
        assert source.cli("log", "evidence", said["evidence"], "--log=vkey")["proves"] is True
    a_device_that_saw_it_speaks(history, other, seen)


def note_of(history, copy):
    with connect(copy, device_of(history)) as c:
        answer, = c.query(checkpoint={})
        return answer.checkpoint


# ---- with the keys stolen, too


def test_history_is_written_anew(history, copy, watched, tmp_path):
    """An acceptance is dated back by a microsecond, with the log's key: leaves, tiles, root and every checkpoint are made
    again. What devices had seen stands in what they signed later."""
    kept = copy.folder / "kept"
    shutil.copy(copy.folder / "high-water", kept)
    forger = Forger(copy)
    forger.change(history.at["issued"], lambda e: setattr(e, "accepted_at", e.accepted_at - 1))
    forger.settle()
    assert "the high-water file has another root" in copy.refuses_to_start()
    forger.forget()
    assert copy.refuses_to_start() is None
    report = copy.audit(f"--checkpoint={tmp_path / 'kept'}")
    assert report["exit"] == 1 and found(report, "checkpoint")
    assert found(copy.audit(), "flag.missing")  # of those who had seen another root
    grow(history, copy, 1)
    two_histories(history, watched, tmp_path, kept)


def test_dated_back_beyond_the_entry_before(history, copy):
    forger = Forger(copy)
    forger.change(history.at["treated"], lambda e: setattr(e, "accepted_at", e.accepted_at - 3600 * SECOND))
    forger.settle()
    assert found(copy.audit(), "entry.time", entry=history.at["treated"])


def test_a_signature_inside_an_entry(history, copy):
    """Whose step it was cannot be shown any more; the tree fits."""
    def spoil(entry):
        signature = entry.envelope.signatures[0]
        signature.sig = signature.sig[:-1] + bytes([signature.sig[-1] ^ 1])
    forger = Forger(copy)
    forger.change(history.at["issued"], spoil)
    forger.settle()
    assert found(copy.audit(), "entry.signature", entry=history.at["issued"])


def test_another_key_signs_for_a_company(history, copy):
    """The thief's own signature under an event with other weights: it is no key of the company."""
    forger = Forger(copy)

    def replace(entry):
        changed = m.Event.FromString(entry.envelope.payload)
        changed.issued.lines[0].grams = 5_000
        entry.envelope.payload = changed.SerializeToString()
        entry.envelope.signatures[0].sig = forger.server_key.sign(b"whatever")
    forger.change(history.at["issued"], replace)
    forger.settle()
    assert found(copy.audit(), "entry.signature", entry=history.at["issued"])


def test_a_forged_flag_cleared(history, copy):
    """With the server's key: the overdue load's flag is cleared, by a cause that cleared nothing."""
    at, forger = history.at, Forger(copy)
    index = forger.append("flag_cleared", at["overdue"], flag=at["overdue_flag"], cause=bytes(range(32)))
    forger.settle()
    copy.as_superuser(f"UPDATE flag SET closed_by = {index}, closed_at = (SELECT accepted_at FROM entry WHERE index = {index}) "
                      f"WHERE flag = {at['overdue_flag']}")
    report = copy.audit()
    assert [f for f in report["findings"] if f["what"] in ("rule", "flag.unexplained") and f.get("entry") == str(index)], report


def test_a_forged_flag(history, copy):
    """With the server's key: a company is accused of what no rule says."""
    at, forger = history.at, Forger(copy)
    index = forger.append("flag_raised", at["closed"], kind=m.FLAG_KIND_QUANTITY, number=str(at["closed"]), detail="x")
    forger.settle()
    report = copy.audit()
    assert [f for f in report["findings"] if f["what"] in ("rule", "flag.unexplained") and f.get("entry") == str(index)], report


def test_a_flag_that_was_never_raised(history, copy):
    """The entry that raised it is taken out, and the log made again without it."""
    at, forger = history.at, Forger(copy)
    del forger.entries[at["quantity_flag"]], forger.stored[at["quantity_flag"]]
    copy.as_superuser(f"DELETE FROM entry WHERE index = {at['quantity_flag']}; UPDATE entry SET index = index + 1000000; "
                      f"UPDATE entry SET index = index - 1000000 - (index > 1000000 + {at['quantity_flag']})::int; "
                      f"DELETE FROM checkpoint WHERE size = {at['size']}")
    forger.settle()
    forger.forget()
    assert found(copy.audit(), "flag.missing", entry=at["quantity_flag"] - 1)


def test_the_sweep_is_blinded(history, copy):
    """A deadline is taken away before it passes: the flag is never raised, and what the table says fits the log."""
    copy.start()
    device = device_of(history)
    with connect(copy, device) as c:
        t = history.city.trail(generator=device)
        due = now() + SECOND // 2
        c.submit(t.issued(collect_by=due, arrive_by=due + 1)[0])
        copy.sql("UPDATE manifest SET due_at = NULL, look_at = NULL WHERE number = %s", int(t.number))
        until(lambda: now() > due + 3 * SECOND // 2, "due, and the grace")
        c.submit(sign(event("imported", scheme="csv", foreign_number="later", source_sha256=bytes(range(32)), record=1),
                      [device])[0])
    assert copy.end() == 0
    report = copy.audit("--grace=1")
    assert found(report, "row.changed", table="manifest", key=t.number, column="due_at")
    assert found(report, "flag.missing", key=t.number)


def test_a_checkpoint_signed_over_another_root(history, copy):
    """With the log's key: the newest, which the start-up check holds against the tree, and an old one."""
    forger = Forger(copy)
    size = copy.sql("SELECT max(size) FROM checkpoint")[0][0]
    copy.sql("UPDATE checkpoint SET note = %s WHERE size = %s", forger.note(size, bytes(32)), size)
    assert f"the stored checkpoint has another root at size {size}: history was changed" in copy.refuses_to_start()
    assert found(copy.audit(), "checkpoint", key=size)
    size = history.at["some_checkpoint"]
    copy.sql("UPDATE checkpoint SET note = %s WHERE size = %s", forger.note(size, bytes(32)), size)
    assert found(copy.audit(), "checkpoint", key=size)


def test_a_key_is_enrolled_for_a_thief(history, copy):
    """The enrolment's own entry names the thief's key, and the leaf fits: the server would take what the thief signs for
    the company's. It does not start: the registry is held against the tree."""
    thief = Device(copy.log, m.ROLE_GENERATOR)
    index, = copy.sql("SELECT min(index) FROM entry WHERE kind = 24")[0]
    entry = m.LogEntry.FromString(bytes(copy.sql("SELECT entry FROM entry WHERE index = %s", index)[0][0]))
    changed = m.Event.FromString(entry.envelope.payload)
    changed.key_enrolled.key = thief.key.public
    entry.envelope.payload = changed.SerializeToString()
    raw = entry.SerializeToString()
    copy.as_superuser("")
    copy.sql("UPDATE entry SET entry = %s, leaf = %s WHERE index = %s", raw, merkle.leaf_hash(raw), index)
    assert found(copy.audit(), "entry.signature", entry=index)
    assert f"entry {index} of the registry is not the one that was accepted" in copy.refuses_to_start()


def test_what_a_person_stands_for(history, copy):
    """Another name is kept outside the log for a driver's id: it is not what was registered."""
    copy.sql("INSERT INTO person_secret VALUES ('D-0007', %s, '张三')", base64.b64decode(b64(bytes(32))))
    done = copy.daemon("person", "show", "D-0007")
    assert done.returncode == 1 and "NOT those that were registered" in done.stdout


def test_a_cosigned_checkpoint_of_another_root(history, copy):
    """What the witnesses are said to have cosigned is held against the log, as the newest checkpoint is."""
    forger, size = Forger(copy), history.at["treated"]
    copy.sql("INSERT INTO cosigned_checkpoint VALUES (%s, %s)", size, forger.note(size, bytes(32)))
    assert f"the last cosigned checkpoint has another root at size {size}: history was changed" in copy.refuses_to_start()
    assert found(copy.audit(), "checkpoint", table="cosigned_checkpoint")
