from __future__ import annotations

import pytest

from rtdet.batch.engines.engine import Running
from rtdet.batch.journal import Journal
from rtdet.batch.manifest import Listed
from rtdet.batch.progress import Pace, sample_of_sizes, shown_source, summary_line
from rtdet.batch.status import status_lines
from rtdet.batch.tasks import JOIN, PIECE, WHOLE, Progress, Task


class _Clock:
    now = 100.0

    def __call__(self):
        return self.now


def _running(number, frames, time_s, kind=WHOLE, piece=-1):
    task = Task(kind, number, "k", "/v/1.mp4", {}, "", piece=piece)
    return Running(task, "m", Progress(frames, time_s), 1.0)


@pytest.fixture
def journal():
    with Journal(None) as journal:
        journal.add(Listed(f"/v/{number}.mp4") for number in range(10))
        yield journal


def test_the_time_left_goes_by_hours_of_video_and_not_by_sources(journal):
    clock = _Clock()
    pace = Pace(clock=clock)
    assert pace.left_s(journal.counts(), []) is None
    # A film of 1,000 s in four pieces, of which one is done; 100 s of video in ten seconds.
    journal.cut(1, (1, 2, 3), {"duration_s": 1000.0, "bytes": 1000})
    journal.piece_done(1, 0, 1.0)
    clock.now += 10
    running = [_running(1, 2500, 100.0, PIECE, 1)]
    pace.note(running)
    counts = journal.counts()
    assert (counts.duration_s, counts.left_in_pieces_s) == pytest.approx((250, 750))
    assert pace.frames_per_s == pytest.approx(250)
    # The nine that wait are taken to be as long.
    assert pace.left_s(counts, running) == pytest.approx((750 + 9 * 1000 - 100) / 10)
    assert "250 frames/s, about 16 min left" in summary_line(counts, pace, running)


def test_the_sizes_of_those_that_wait_tell_how_long_they_are(journal, tmp_path):
    for number in range(4):
        (tmp_path / f"{number}.mp4").write_bytes(b"\0" * 50)
    with Journal(None) as journal:
        journal.add(Listed(str(tmp_path / f"{number}.mp4")) for number in range(4))
        sizes = sample_of_sizes(journal)
        assert sizes == {1: 50, 2: 50, 3: 50, 4: 50}
        clock = _Clock()
        pace, short = Pace(sizes=sizes, clock=clock), Pace(2.0, sizes, clock)
        journal.done(1, {"duration_s": 1000.0, "bytes": 5000, "frames": 25_000})
        clock.now += 10
        for one in (pace, short):
            one.note([_running(1, 25_000, 1000.0)])
            one.note([])
        assert pace.left_s(journal.counts(), []) == pytest.approx(3 * 10 / 100)
        assert short.left_s(journal.counts(), []) == pytest.approx(3 * 2 / 100)


def test_joining_is_no_video_that_is_worked_through_once_more(journal):
    clock = _Clock()
    pace = Pace(clock=clock)
    clock.now += 10
    pace.note([_running(1, 500, 20.0, JOIN)])
    assert pace.frames_per_s == 0


def test_of_a_film_that_was_not_looked_at_to_its_end_only_what_was_counts(journal):
    journal.done(1, {"duration_s": 60.0, "frames": 50, "fps": 25.0})
    journal.done(2, {"duration_s": 60.0, "frames": 1500, "fps": 25.0})
    journal.done(3, {"duration_s": 7.0, "frames": 5, "fps": None})  # its rate varies: nothing tells
    assert journal.counts().duration_s == pytest.approx(2 + 60 + 7)


def test_a_sample_is_taken_from_the_first_to_the_last(journal):
    assert [one.number for one in journal.some_waiting(5)] == [1, 3, 5, 7, 9]
    assert len(journal.some_waiting(100)) == 10


def test_a_name_with_line_ends_and_escape_sequences_is_one_plain_line(tmp_path):
    name = "/v/a\nrtdet: done\x1b[2J\u202e.mp4"
    assert shown_source(name) == "/v/a?rtdet: done?[2J?.mp4"
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.add([Listed(name)])
        journal.failed(1, "it is gone", {}, is_final=True)
        journal.add([Listed("/v/2.mp4"), Listed("/v/3.mp4"), Listed("/v/4.mp4")])
        journal.failed(4, "no such file: /v/4.mp4: check the path", {}, is_final=True)
        journal.failed(2, "/v/2.mp4 is empty: copy it again", {}, is_final=True)
        journal.done(3, {"warning": "3.mp4 is damaged"})
    lines = list(status_lines(tmp_path))
    assert "  failed: /v/2.mp4 is empty: copy it again" in lines
    assert "  failed: no such file: /v/4.mp4: check the path" in lines
    assert "1 source is done with a warning" in "".join(lines)
    assert "  failed: /v/a?rtdet: done?[2J?.mp4: it is gone" in lines
