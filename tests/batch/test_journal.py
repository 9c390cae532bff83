from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading

import pytest

from rtdet.batch.driver_lock import DriverLock, is_driven
from rtdet.batch.journal import DONE, FAILED, IN_PIECES, WAITING, Journal
from rtdet.batch.layout import Layout, refuse_other_folder
from rtdet.batch.manifest import Listed
from rtdet.errors import OutputError, SourceError, UsageError


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.add([Listed(f"/v/{number}.mp4") for number in range(4)])
        yield journal


def test_sources_wait_in_order_and_those_that_failed_come_last(journal):
    assert [one.number for one in journal.waiting(set(), 10)] == [1, 2, 3, 4]
    journal.failed(1, "the share was gone", {}, is_final=False)
    assert [one.number for one in journal.waiting({2}, 10)] == [3, 4, 1]
    journal.failed(1, "it is gone", {}, is_final=True)
    assert journal.source(1).state == FAILED
    assert [one.error for one in journal.failures()] == ["it is gone"]
    assert journal.retry() == 1
    assert (journal.source(1).state, journal.source(1).attempts) == (WAITING, 0)


def test_what_is_done_is_known_after_the_journal_was_opened_again(journal, tmp_path):
    journal.done(2, {"frames": 12, "duration_s": 0.5, "seconds": 3.0, "machine": "m", "unknown": 1})
    with Journal(tmp_path / "journal.sqlite", reads_only=True) as again:
        counts = again.counts()
        assert (counts.done, counts.waiting, counts.frames, counts.duration_s) == (1, 3, 12, 0.5)
        assert again.by_machine() == [("m", 1, 12, 3.0)]
        assert again.source(2).state == DONE


def test_a_source_in_pieces_is_joinable_once_all_are_done(journal):
    journal.cut(3, (100, 200), {"frames": None})
    assert journal.source(3).state == IN_PIECES
    pieces = journal.waiting_pieces(set(), 10)
    assert [(one.piece, one.begin, one.end) for one in pieces] == [
        (0, None, 100),
        (1, 100, 200),
        (2, 200, None),
    ]
    assert [one.piece for one in journal.waiting_pieces({(3, 0)}, 10)] == [1, 2]
    for piece in range(3):
        assert not journal.joinable(set())
        journal.piece_done(3, piece, 2.0)
    assert [one.number for one in journal.joinable(set())] == [3]
    assert journal.seconds_of_pieces(3) == 6.0
    journal.make_one(3)
    assert journal.source(3).is_one
    assert not journal.waiting_pieces(set(), 10)


def test_a_journal_of_something_else_is_refused(tmp_path):
    (tmp_path / "text").write_text("this is no database, however long it may be" * 50)
    with pytest.raises(SourceError, match="damaged"):
        Journal(tmp_path / "text")
    database = sqlite3.connect(tmp_path / "other")
    database.execute("PRAGMA user_version = 77")
    database.close()
    with pytest.raises(SourceError, match="no journal"):
        Journal(tmp_path / "other")


def test_one_driver_at_a_time(tmp_path):
    lock = DriverLock(tmp_path / ".lock")
    assert "process" in is_driven(tmp_path / ".lock")
    with pytest.raises(UsageError, match="being worked on by process"):
        DriverLock(tmp_path / ".lock")
    lock.release()
    assert is_driven(tmp_path / ".lock") == ""
    DriverLock(tmp_path / ".lock").release()


def test_who_asks_whether_a_batch_is_driven_keeps_nobody_from_driving_it(tmp_path):
    path = tmp_path / ".lock"
    DriverLock(path).release()
    is_over = threading.Event()

    def ask():
        while not is_over.is_set():
            is_driven(path)

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    try:
        for _ in range(50):
            DriverLock(path).release()
    finally:
        is_over.set()
        for thread in asking:
            thread.join()


def test_a_folder_of_something_else_is_no_place_for_a_batch(tmp_path):
    refuse_other_folder(tmp_path)
    refuse_other_folder(tmp_path / "new")
    layout = Layout(tmp_path)
    layout.make()
    refuse_other_folder(tmp_path)
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(OutputError, match="thesis"):
        refuse_other_folder(tmp_path)


def test_what_is_put_in_place_takes_the_place_of_what_an_attempt_left(tmp_path):
    layout = Layout(tmp_path)
    layout.make()
    for content in (b"first", b"second"):
        attempt = layout.attempt(f"a.{content.decode()}")
        (attempt / "tracks.parquet").write_bytes(content)
        (attempt / "stats.json").write_bytes(content)
        layout.put_source("a", attempt)
    assert (layout.partition("a") / "tracks.parquet").read_bytes() == b"second"
    assert (layout.outputs / "a" / "stats.json").read_bytes() == b"second"
    layout.attempt("left")
    layout.clear_attempts()
    assert list(layout.work.iterdir()) == []


def test_a_file_whose_name_is_no_utf8_is_worked_through_as_others_are(journal):
    name = os.fsdecode(b"/v/caf\xe9.mp4")
    assert journal.add([Listed(name), Listed(name)]) == 1
    number = journal.waiting(set(), 9)[-1].number
    assert journal.source(number).source == name
    journal.failed(number, f"there is no file {name}", {"warning": name}, is_final=True)
    assert [row[1] for row in journal.rows()][-1] == name
    assert journal.source(number).error == "there is no file /v/caf\ufffd.mp4"


def test_a_path_that_no_file_can_have_is_refused(journal):
    with pytest.raises(UsageError, match="no file can be called"):
        journal.add([Listed("/v/\ud83d.mp4")])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_journal_that_a_kill_left_in_the_middle_of_a_change_can_be_looked_into(journal, tmp_path):
    path = tmp_path / "journal.sqlite"
    journal.add(Listed(f"/w/{number}.mp4") for number in range(20_000))
    code = (
        "import os, signal, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1])\n"
        "db.execute('PRAGMA cache_size = 5')\n"
        "db.execute('BEGIN')\n"
        "db.execute('UPDATE sources SET state = ?', ('done',))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert path.with_name("journal.sqlite-journal").stat().st_size > 0
    with Journal(path, reads_only=True) as again:
        assert (again.counts().waiting, again.counts().done) == (20_004, 0)
