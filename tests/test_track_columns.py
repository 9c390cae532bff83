"""A value of a track that is added in one place is in every format, in what the offline tools make of it, and in the
label of its box."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from rtdet import track_columns
from rtdet.track_columns import Column
from rtdet.tracks import FORMATS, open_track_file, read_table, read_tracks, write_table
from rtdet.tracks.offline import fill, link, renumber, smooth
from rtdet.tracks.table import TrackTable
from rtdet.types import Detections, Frame, FrameResult, Tracks
from rtdet.video.draw import DrawStyle, marks_of

every_format = pytest.mark.parametrize("suffix", list(FORMATS))

PACE = Column(
    "pace", float, default=-1.0, digits=2, label=lambda pace: f"{pace:.0f} px/s" if pace >= 0 else ""
)
FACE = Column("face", int, files=(".csv", ".json"), default=0)


@pytest.fixture(autouse=True)
def further_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track_columns, "FURTHER", (*track_columns.FURTHER, PACE, FACE))


def record(path: Path) -> Path:
    """Two tracks that walk in frames 1, 2 and 5; the second was not seen in frame 2."""
    with closing(open_track_file(path)) as sink:
        for i in (0, 1, 4):
            tracks = Tracks(
                [[i, 5, 20 + i, 30], [100 + i, 5, 120 + i, 40]],
                [3, 4],
                since_update_s=[0, 0.04 if i == 1 else 0],
                values={"pace": [1.2345 + i, 7], "face": [9, 8]},
            )
            sink.write(FrameResult(Frame(np.zeros((60, 200, 3), np.uint8), i / 25, i), Detections(), tracks))
    return path


def seen_of(table: TrackTable) -> dict[tuple[int, int], bool]:
    keys = zip(table.frames.tolist(), table.ids.tolist(), strict=True)
    return dict(zip(keys, table.values["seen"].tolist(), strict=True))


@every_format
def test_every_format_that_has_it_gives_it_back(tmp_path: Path, suffix: str) -> None:
    table = read_table(record(tmp_path / f"a{suffix}"))
    assert table.values["pace"].tolist() == [1.23, 7, 2.23, 7, 5.23, 7]
    assert table.values["seen"].tolist() == [True, True, True, False, True, True]
    assert table.values["face"].tolist() == ([9, 8] * 3 if suffix in FACE.files else [0] * 6)
    # What MOTChallenge's rows have in the place of `seen`.
    assert table.values["visibility"].tolist() == ([1, 1, 1, 0, 1, 1] if suffix == ".txt" else [1] * 6)
    assert dict(read_tracks(tmp_path / f"a{suffix}"))[1].values["seen"].tolist() == [True, False]


@every_format
def test_a_file_that_is_read_and_written_again_is_the_same(tmp_path: Path, suffix: str) -> None:
    path = record(tmp_path / f"a{suffix}")
    write_table(read_table(path), tmp_path / f"b{suffix}")
    assert (tmp_path / f"b{suffix}").read_bytes() == path.read_bytes()


@every_format
def test_the_offline_tools_carry_it_along_and_mark_what_they_add(tmp_path: Path, suffix: str) -> None:
    path = record(tmp_path / f"a{suffix}")
    write_table(renumber(smooth(fill(link(read_table(path, fps=25)), every_frame=True))), path)
    table = read_table(path)
    assert table.frames.tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert [key for key, seen in seen_of(table).items() if not seen] == [
        (2, 2),
        (3, 1),
        (3, 2),
        (4, 1),
        (4, 2),
    ]
    assert table.values["pace"][table.rows_of(1)].tolist() == [1.23, 2.23, 2.23, 2.23, 5.23]


@every_format
def test_a_file_from_before_it_was_there_has_its_default(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(track_columns, "FURTHER", track_columns.FURTHER[:1])
        path = record(tmp_path / f"a{suffix}")
    table = read_table(path)
    assert table.values["pace"].tolist() == [-1] * 6
    assert table.values["seen"].all()


def test_a_row_of_text_has_it_after_the_place_in_the_world_so_that_its_class_stays_one(
    tmp_path: Path,
) -> None:
    line = record(tmp_path / "a.txt").read_text().splitlines()[0]
    assert line == "1,3,0.00,5.00,20.00,25.00,1.0000,1,1,-1,1.23"
    assert read_table(tmp_path / "a.txt").labels.tolist() == [0] * 6


@every_format
def test_a_value_that_is_no_number_is_refused_with_its_row(tmp_path: Path, suffix: str) -> None:
    table = read_table(record(tmp_path / f"a{suffix}"))
    paces = np.where(table.ids == 4, np.nan, 1.0)
    with pytest.raises(ValueError, match="frame 1, ID 4: the pace is not a number"):
        TrackTable(
            table.frames, table.ids, table.boxes, table.scores, table.labels, table.frame_list, (), {"pace": paces}
        )  # fmt: skip


def test_its_words_stand_in_the_label_beside_the_score_where_it_has_any() -> None:
    tracks = Tracks([[0, 0, 9, 9], [20, 0, 29, 9]], [1, 2], [0.5, 0.5], values={"pace": [12.4, -1]})
    assert [mark.label for mark in marks_of(tracks, DrawStyle())] == [
        ("0 #1", "0.50", "12 px/s"),
        ("0 #2", "0.50"),
    ]
    assert [mark.label for mark in marks_of(tracks[:1], DrawStyle(show_labels=False))] == [("#1", "0.50")]
    assert [mark.label for mark in marks_of(Tracks([[0, 0, 9, 9]], [1]), DrawStyle())] == [("0 #1", "1.00")]
