"""Sliders act on what was watched: on the picture at once, on the whole soon after."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rtdet.kept import About, KeptRun, KeptRunWriter, Tracking, edits_of, retracked
from rtdet.tracks.offline import Edit
from rtdet.types import Frame
from rtdet.viewer.between import tracks_at
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.kept_review import KeptReview
from rtdet.viewer.kept_runs import save_run
from tests.kept.conftest import CLASSES, frame

_PICTURE = np.zeros((480, 640, 3), np.uint8)


class _Pipeline:
    """A run that is over."""

    is_finished = True

    def newest_frame(self) -> None:
        """Nothing is on screen."""

    def flush_kept(self) -> None:
        """All is written."""


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "RUN.rtdet"
    writer = KeptRunWriter(path, lambda: About(class_names=CLASSES, source_info={"fps": 25.0}))
    for number in range(1, 301):
        writer.write(_walkers(number))
    writer.close()
    return path


def _walkers(number: int):
    """Three objects that walk to the right, one of them doubtful."""
    from dataclasses import replace

    from rtdet.types import Detections

    x = 20.0 + number
    boxes = np.array([[x, 50, x + 40, 130], [x, 200, x + 40, 280], [x, 350, x + 40, 430]])
    return replace(frame(number), candidates=Detections(boxes, [0.9, 0.6, 0.3], [0, 1, 0], CLASSES))


@pytest.fixture
def review() -> Iterator[tuple[KeptReview, Callable[[Callable[[], bool]], None], list[str]]]:
    said: list[str] = []
    jobs = Jobs(lambda error: said.append(str(error)))
    one = KeptReview(jobs, lambda: False, said.append)

    def until(is_so: Callable[[], bool]) -> None:
        give_up = time.monotonic() + 60
        while not is_so():
            assert time.monotonic() < give_up, said
            jobs.drain()
            one.poll()
            time.sleep(0.005)

    yield one, until, said
    one.close()
    jobs.join(5)


def _shown(number: int) -> Frame:
    return Frame(_PICTURE, (number - 1) / 25, number - 1)


def test_until_something_is_changed_the_live_tracks_are_shown(review, kept) -> None:
    one, _, _ = review
    one.begin(kept, _Pipeline(), Tracking())
    for _ in range(10):
        one.poll()
    assert one.table is None
    assert one.tracks_of(_shown(100)) is None


def test_a_slider_acts_on_the_picture_and_then_on_the_whole_past(review, kept) -> None:
    one, until, _ = review
    near: list[int] = []
    tables: list[object] = []
    one.on_near = lambda: near.append(len(one.tracks_of(_shown(100))))
    one.watch("table", tables.append)
    one.begin(kept, _Pipeline(), Tracking(0.25))
    one.ask(Tracking(0.5), _shown(100))
    until(lambda: one.table is not None and bool(near))
    assert near == [2]
    with KeptRun(kept) as run:
        np.testing.assert_array_equal(one.table.ids, retracked(run, Tracking(0.5)).ids)
    for number in (50, 100, 300):
        assert len(one.tracks_of(_shown(number))) == 2
    one.ask(Tracking(0.7), _shown(100))
    until(lambda: len(set(one.table.ids.tolist())) == 1)
    one.ask(Tracking(0.25, classes=("car",)), None)
    until(lambda: {one.table.class_names[label] for label in one.table.labels.tolist()} == {"car"})


def test_of_many_moves_of_a_slider_the_last_counts(review, kept) -> None:
    one, until, _ = review
    one.begin(kept, _Pipeline(), Tracking(0.25))
    tables: list[object] = []
    one.watch("table", tables.append)
    for confidence in np.linspace(0.3, 0.7, 40):
        one.ask(Tracking(float(confidence)), _shown(100))
        one.poll()
    until(lambda: one.table is not None)
    assert len(set(one.table.ids.tolist())) == 1
    assert len(tables) <= 2


def test_where_somebody_looks_at_the_whole_it_is_made_at_once_and_grows(tmp_path, kept) -> None:
    said: list[str] = []
    jobs = Jobs(lambda error: said.append(str(error)))
    one = KeptReview(jobs, lambda: True, said.append)
    path = tmp_path / "GROWS.rtdet"
    writer = KeptRunWriter(path, lambda: About(class_names=CLASSES, source_info={"fps": 25.0}))

    def until(end: int) -> None:
        give_up = time.monotonic() + 60
        while one.table is None or one.table.frame_list.numbers[-1] != end:
            assert time.monotonic() < give_up
            one.poll()
            time.sleep(0.01)

    one.begin(path, _Pipeline(), Tracking())
    for number in range(1, 50):
        writer.write(_walkers(number))
    writer.flush()
    until(49)
    for number in range(50, 80):
        writer.write(_walkers(number))
    writer.close()
    until(79)
    one.close()


def test_without_a_tracker_there_are_no_tracks_to_review(review, kept) -> None:
    one, until, _ = review
    one.begin(kept, _Pipeline(), Tracking())
    one.ask(Tracking(0.5), None)
    until(lambda: one.table is not None)
    one.ask(Tracking(0.5, tracker="none"), None)
    assert one.table is None


def test_what_cannot_be_done_is_said(review, kept) -> None:
    one, until, said = review
    one.begin(kept, _Pipeline(), Tracking())
    one.ask(Tracking(set=("max_age_s.horse=3",)), None)
    until(lambda: bool(said))
    assert "horse" in said[0]


def test_another_run_ends_the_review_of_the_one_before(review, kept, tmp_path) -> None:
    one, until, _ = review
    one.begin(kept, _Pipeline(), Tracking())
    one.ask(Tracking(0.5), None)
    until(lambda: one.table is not None)
    one.begin(tmp_path / "OTHER.rtdet", _Pipeline(), Tracking(0.5))
    assert one.table is None


def test_in_a_picture_that_was_not_looked_at_boxes_are_between_those_around_it(tmp_path) -> None:
    path = tmp_path / "RUN.rtdet"
    writer = KeptRunWriter(path, lambda: About(class_names=CLASSES, source_info={"fps": 25.0}))
    for number in (*range(1, 41), 44, 45, 46, 120):
        writer.write(_walkers(number))
    writer.close()
    with KeptRun(path) as run:
        table = retracked(run)
    between = tracks_at(table, _shown(42))
    assert between is not None
    before, after = table.at(40), table.at(44)
    assert between.ids.tolist() == before.ids.tolist()
    np.testing.assert_allclose(between.boxes, (before.boxes + after.boxes) / 2, atol=1e-9)
    assert tracks_at(table, _shown(90)) is None  # too far from both
    assert tracks_at(table, _shown(121)) is None
    assert tracks_at(table, _shown(44)) is not None


def test_what_is_mended_and_ticked_off_stays_with_the_run(review, kept) -> None:
    one, until, _ = review
    one.begin(kept, _Pipeline(), Tracking(0.25), is_old=True)
    until(lambda: one.table is not None)
    track_id = int(one.table.ids[0])
    one.apply(Edit.of("delete", track_id=track_id))
    one.looked_at = frozenset({"gap 12 3", "crossing 5 1 2"})
    one.on_looked_at()

    def is_kept() -> bool:
        with KeptRun(kept) as run:
            return run.document("looked_at") is not None and len(edits_of(run).edits) == 1

    until(is_kept)
    one.end()
    assert one.looked_at == frozenset()
    one.begin(kept, _Pipeline(), Tracking(0.25), is_old=True)
    until(lambda: one.table is not None)
    assert one.looked_at == {"gap 12 3", "crossing 5 1 2"}
    assert track_id not in one.table.ids
    assert one.undo_text == f"delete {track_id}"


def test_to_end_it_waits_for_nobody_who_still_reads(review, kept) -> None:
    one, until, _ = review
    one.begin(kept, _Pipeline(), Tracking(0.25))
    one.ask(Tracking(0.5), _shown(100))
    until(lambda: one.table is not None and one._run is not None)
    run, is_read, has_ended = one._run, threading.Event(), threading.Event()

    def read() -> None:
        with run._lock:
            is_read.set()
            read_on.append(has_ended.wait(20))

    read_on: list[bool] = []
    reader = threading.Thread(target=read)
    reader.start()
    is_read.wait(20)
    one.end()
    has_ended.set()
    reader.join(20)
    assert read_on == [True]


def test_edits_that_do_not_fit_after_a_slider_was_moved_wait_and_are_said_once(review, kept) -> None:
    one, until, said = review
    one.begin(kept, _Pipeline(), Tracking(0.2), is_old=True)
    until(lambda: one.table is not None)
    doubtful = one.table.ids[np.argmin(one.table.scores)]
    one.apply(Edit.of("delete", track_id=int(doubtful)))
    one.ask(Tracking(0.7), None)
    until(lambda: bool(said))
    assert said == [f"1 edit does not fit these tracks and waits: delete {doubtful}"]
    before = one.table
    one.ask(Tracking(0.8), None)
    until(lambda: one.table is not before)
    assert len(said) == 1
    one.ask(Tracking(0.2), None)
    until(lambda: not one.unfitting)
    one.ask(Tracking(0.7), None)
    until(lambda: len(said) == 2)


def test_settings_that_do_not_act_on_the_tracks_of_a_file_say_so_once(review, kept) -> None:
    one, _, said = review
    with KeptRun(kept) as run:
        table = retracked(run)
    one.begin(kept, _Pipeline(), Tracking())
    one.show(table, "street.csv")
    for confidence in (0.4, 0.5, 0.6):
        one.ask(Tracking(confidence), None)
    assert len(said) == 1
    assert said[0].startswith("The tracks of street.csv stay as they are")
    assert one.table is not None
    assert len(one.table) == len(table)


def test_a_damaged_run_that_cannot_keep_edits_says_so_at_the_first(review, kept, tmp_path) -> None:
    one, until, said = review
    os.truncate(kept, int(kept.stat().st_size * 0.9))
    one.begin(kept, _Pipeline(), Tracking(0.25), is_old=True)
    until(lambda: one.table is not None)
    assert not one.unsaved
    said.clear()
    for track_id in np.unique(one.table.ids)[:2].tolist():
        one.apply(Edit.of("delete", track_id=track_id))
    until(lambda: one.unsaved == "run")
    assert len(said) == 1
    assert "RUN.rtdet is damaged. Save the run under another name" in said[0]
    save_run(kept, tmp_path / "WHOLE.rtdet", one.documents())
    with KeptRun(tmp_path / "WHOLE.rtdet") as whole:
        assert edits_of(whole).done == one.log.done
