"""Detections out of every kind of file that rtdet writes."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from rtdet.errors import SourceError
from rtdet.tracks import FORMATS, open_detection_file, open_track_file
from rtdet.tracks.seen_rows import read_seen
from rtdet.types import Detections, Frame, FrameResult, Tracks

NAMES = ("person", "car")
EMPTY = 3  # a frame in which nothing is


def _results():
    for index in range(6):
        boxes = [] if index == EMPTY else [[10 + index, 20, 50 + index, 90], [200, 20, 260, 60]]
        count = len(boxes)
        found = Detections(boxes, [0.9, 0.5][:count], [0, 1][:count], NAMES)
        # Of the second the detector saw nothing in frame 5.
        unseen = np.array([0.0, 0.1 if index == 5 else 0.0][:count])
        tracks = Tracks(found.boxes, [1, 2][:count], found.scores, found.labels, unseen, NAMES)
        yield FrameResult(Frame(np.zeros((100, 300, 3), np.uint8), index / 12.5, index), found, tracks)


@pytest.mark.parametrize("suffix", [*FORMATS, "detect.json", "detect.txt"])
def test_what_was_seen_is_read_from_every_format(tmp_path, suffix) -> None:
    path = tmp_path / f"o{suffix}" if suffix.startswith(".") else tmp_path / suffix
    is_tracks = suffix in FORMATS
    with closing((open_track_file if is_tracks else open_detection_file)(path)) as sink:
        for result in _results():
            sink.write(result)
    rows, fps = read_seen(path)
    seen = [1, 1, 2, 2, 3, 3, 5, 5, 6, 6]
    if is_tracks and suffix != ".txt":
        seen.pop()
    assert rows.frames.tolist() == seen
    np.testing.assert_allclose(rows.at(3).boxes, [[12, 20, 52, 90], [200, 20, 260, 60]])
    np.testing.assert_allclose(rows.at(3).scores, [0.9, 0.5])
    if not str(path).endswith(".txt"):
        assert [rows.at(3).name_of(i) for i in range(2)] == ["person", "car"]
        assert fps == pytest.approx(12.5)


def test_a_file_that_holds_nothing_of_the_kind_is_one_line(tmp_path) -> None:
    for name, content in (("o.csv", "a,b\n1,2\n"), ("o.json", "{}"), ("o.jsonl", "words")):
        (tmp_path / name).write_text(content)
        with pytest.raises(SourceError, match=name):
            read_seen(tmp_path / name)


def test_a_file_of_no_frames_has_no_detections(tmp_path) -> None:
    (tmp_path / "o.json").write_text("[]")
    rows, fps = read_seen(tmp_path / "o.json")
    assert (rows.last_frame, len(rows.detections), fps) == (0, 0, None)
