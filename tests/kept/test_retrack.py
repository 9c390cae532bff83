"""A kept run is tracked again: by its own settings the same, by others as a run with those would be."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtdet.errors import UnknownNameError, UsageError
from rtdet.kept import KeptRun, Tracking, keep_edits, retrack, retracked, reviewed_tracks, tracks_in
from rtdet.tracks import read_table
from rtdet.tracks.offline import Edit, EditLog

MakeRun = Callable[..., Path]


def _rtdet(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "rtdet", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stderr


def test_by_its_own_settings_the_rows_are_those_of_the_run_byte_for_byte(
    demo_run: Path, tmp_path: Path
) -> None:
    _rtdet(demo_run, "track", "RUN.rtdet", "--out", str(tmp_path / "AGAIN.csv"))
    assert (tmp_path / "AGAIN.csv").read_bytes() == (demo_run / "TRACKS.csv").read_bytes()


def test_opened_as_a_source_it_gives_the_same_rows_without_the_network(
    demo_run: Path, tmp_path: Path
) -> None:
    _rtdet(demo_run, "--source", "RUN.rtdet", "--headless", "--tracks", str(tmp_path / "AGAIN.csv"))
    assert (tmp_path / "AGAIN.csv").read_bytes() == (demo_run / "TRACKS.csv").read_bytes()


@pytest.mark.parametrize(
    "words",
    [
        ["--conf", "0.6"],
        ["--tracker", "sort", "--iou", "0.3"],
        ["--classes", "person"],
        ["--set", "coast_s=0"],
    ],
    ids=" ".join,
)
def test_other_settings_give_what_a_run_with_them_would_have_given(
    demo_run: Path, tmp_path: Path, words: list[str]
) -> None:
    _rtdet(demo_run, "track", "RUN.rtdet", "--out", str(tmp_path / "AGAIN.csv"), *words)
    run = ["--source", "demo", "--headless", "--max-frames", "100", "--keep", str(tmp_path / "OTHER.rtdet")]
    _rtdet(demo_run, *run, "--tracks", str(tmp_path / "OTHER.csv"), *words)
    assert (tmp_path / "AGAIN.csv").read_bytes() == (tmp_path / "OTHER.csv").read_bytes()
    assert (tmp_path / "AGAIN.csv").read_bytes() != (demo_run / "TRACKS.csv").read_bytes()


def test_to_keep_a_run_leaves_its_tracks_nearly_as_they_are(demo_run: Path, tmp_path: Path) -> None:
    """The detector is asked for more, of which NMS may leave a little more: far less than a hundredth."""
    _rtdet(tmp_path, "--source", "demo", "--headless", "--max-frames", "100", "--tracks", "WITHOUT.csv")
    with_keep, without = read_table(demo_run / "TRACKS.csv"), read_table(tmp_path / "WITHOUT.csv")
    assert abs(len(with_keep) - len(without)) <= 0.01 * len(without)


def test_the_table_is_the_one_of_the_file(demo_run: Path) -> None:
    with KeptRun(demo_run / "RUN.rtdet") as run:
        table = retracked(run)
    written = read_table(demo_run / "TRACKS.csv")
    assert table.ids.tolist() == written.ids.tolist()
    np.testing.assert_allclose(table.boxes, written.boxes, atol=0.011)
    assert table.frame_list.numbers.tolist() == list(range(1, 101))
    assert table.values["seen"].tolist() == written.values["seen"].tolist()


def test_a_part_of_it_can_be_tracked_alone(demo_run: Path) -> None:
    with KeptRun(demo_run / "RUN.rtdet") as run:
        assert [one.number for one, _ in retrack(run, first=20, end=25)] == [20, 21, 22, 23, 24]


def test_settings_of_another_tracker_do_not_stay(make_run: MakeRun) -> None:
    with KeptRun(make_run(settings={"tracker": "rtdet", "set": ["max_age_s=2"], "conf": 0.4})) as run:
        assert Tracking.of(run.about).set == ("max_age_s=2",)
        assert Tracking.of(run.about, {"tracker": "sort", "conf": None}) == Tracking(conf=0.4, tracker="sort")


def test_wrong_settings_are_refused(make_run: MakeRun) -> None:
    with KeptRun(make_run()) as run:
        with pytest.raises(UnknownNameError, match=r"tracker"):
            list(retrack(run, Tracking(tracker="srot")))
        with pytest.raises(UnknownNameError, match=r"horse"):
            list(retrack(run, Tracking(set=("max_age_s.horse=2",))))
        with pytest.raises(UsageError, match=r"was not tracked"):
            retracked(run, Tracking(tracker="none"))


def test_overlapping_boxes_go_by_the_iou_that_is_asked_for(make_run: MakeRun) -> None:
    with KeptRun(make_run(50)) as run:

        def count(iou: float) -> int:
            return sum(len(tracks) for _, tracks in retrack(run, Tracking(0.05, iou, tracker="none")))

        assert count(0.01) < count(0.7)
        run.about = replace(run.about, suppression="none")
        assert count(0.01) == count(0.7)


def test_a_run_with_a_scale_of_the_ground_is_tracked_again_with_the_same_speeds(tmp_path: Path) -> None:
    corners = {
        "points": [[0, 0.6], [1, 0.6], [1, 1], [0, 1]],
        "metres": [[-10, 20], [10, 20], [5, 8], [-5, 8]],
    }
    zones = {"type": "FeatureCollection", "features": [], "properties": {"ground": corners}}
    (tmp_path / "zones.json").write_text(json.dumps(zones))
    kept = ("--keep", "r.rtdet", "--tracks", "a.csv", "--zones", "zones.json")
    _rtdet(tmp_path, "--source", "demo", "--max-frames", "40", "--headless", *kept)
    _rtdet(tmp_path, "track", "r.rtdet", "--out", "b.csv")
    _rtdet(tmp_path, "--source", "r.rtdet", "--headless", "--tracks", "c.csv")
    for again in ("b.csv", "c.csv"):
        assert (tmp_path / again).read_bytes() == (tmp_path / "a.csv").read_bytes()
    table = read_table(tmp_path / "a.csv")
    assert np.isfinite(table.values["speed"]).sum() > 20
    with KeptRun(tmp_path / "r.rtdet") as run:
        assert np.isfinite(retracked(run).values["speed"]).sum() == np.isfinite(table.values["speed"]).sum()
    _rtdet(tmp_path, "plan", "r.rtdet", "--zones", "zones.json", "--out", "plan.png")
    assert (tmp_path / "plan.png").stat().st_size > 10_000


def test_a_run_without_a_scale_has_no_speeds(demo_run: Path) -> None:
    with KeptRun(demo_run / "RUN.rtdet") as run:
        assert set(retracked(run).values) == {"visibility", "seen"}


def test_edits_that_are_kept_with_the_run_are_in_its_tracks_unless_they_are_left_out(
    demo_run: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(demo_run / "RUN.rtdet", tmp_path / "RUN.rtdet"))
    with KeptRun(path) as run:
        table = retracked(run)
        track_id = int(table.ids[0])
        edits = EditLog()
        edits.do(table, Edit.of("rename", old=track_id, new=4711))
        keep_edits(run, edits)
        assert 4711 in reviewed_tracks(run).ids
    assert 4711 in tracks_in(path).ids
    said = _rtdet(tmp_path, "track", "RUN.rtdet", "--out", "EDITED.csv")
    assert "with 1 edit" in said
    assert 4711 in read_table(tmp_path / "EDITED.csv").ids
    said = _rtdet(
        tmp_path, "--source", "RUN.rtdet", "--headless", "--model", "none.onnx", "--tracks", "THROUGH.csv"
    )
    assert "RUN.rtdet was mended by hand (1 edit), but a run through it is not" in said
    assert "--model changes nothing" in said
    _rtdet(tmp_path, "track", "RUN.rtdet", "--no-edits", "--out", "AS_IT_WAS.csv")
    assert (tmp_path / "AS_IT_WAS.csv").read_bytes() == (demo_run / "TRACKS.csv").read_bytes()


def test_an_edit_that_fits_no_track_any_more_is_left_out_with_a_warning(
    demo_run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = Path(shutil.copy(demo_run / "RUN.rtdet", tmp_path / "RUN.rtdet"))
    with KeptRun(path) as run:
        table = retracked(run)
        edits = EditLog()
        edits.do(table, Edit.of("delete", track_id=int(table.ids[0])))
        keep_edits(run, edits)
        none_left = reviewed_tracks(run, Tracking(conf=0.999999, classes=("person",)))
    assert len(none_left) == 0
    assert "does not fit these tracks and is left out: delete" in caplog.text


def test_a_run_that_corrects_for_the_camera_is_tracked_again_with_its_steps(tmp_path: Path) -> None:
    run = ["--source", "demo", "--headless", "--max-frames", "40", "--camera-motion", "--keep", "RUN.rtdet"]
    _rtdet(tmp_path, *run, "--tracker", "bytetrack", "--tracks", "RUN.csv")
    with KeptRun(tmp_path / "RUN.rtdet") as kept:
        steps = [one.camera_step is not None for one in kept.walk()]
    assert sum(steps) > 30
    _rtdet(tmp_path, "track", "RUN.rtdet", "--out", "TRACK.csv")
    _rtdet(tmp_path, "--source", "RUN.rtdet", "--headless", "--tracks", "SOURCE.csv")
    assert (tmp_path / "TRACK.csv").read_bytes() == (tmp_path / "RUN.csv").read_bytes()
    assert (tmp_path / "SOURCE.csv").read_bytes() == (tmp_path / "RUN.csv").read_bytes()


def test_frames_that_were_carried_are_tracked_again_as_they_were(tmp_path: Path) -> None:
    run = ["--source", "demo", "--headless", "--max-frames", "45", "--every", "3", "--keep", "RUN.rtdet"]
    _rtdet(tmp_path, *run, "--camera-motion", "--tracker", "bytetrack", "--tracks", "RUN.csv")
    with KeptRun(tmp_path / "RUN.rtdet") as kept:
        assert kept.frames.dropped == ["", "carried", "carried"] * 15
        assert kept.about.settings["every"] == "3"
        walked = list(kept.walk())
        assert [one.number for one in walked] == list(range(1, 46))
        assert [one.is_carried for one in walked] == [False, True, True] * 15
        assert sum(one.camera_step is not None for one in walked[::3]) > 10
        again = retracked(kept)
    assert again.frame_list.numbers.tolist() == list(range(1, 46))
    _rtdet(tmp_path, "track", "RUN.rtdet", "--out", "TRACK.csv")
    _rtdet(tmp_path, "--source", "RUN.rtdet", "--headless", "--tracks", "SOURCE.csv")
    assert (tmp_path / "TRACK.csv").read_bytes() == (tmp_path / "RUN.csv").read_bytes()
    assert (tmp_path / "SOURCE.csv").read_bytes() == (tmp_path / "RUN.csv").read_bytes()


def test_a_run_whose_frames_were_carried_has_no_fewer_where_every_asks_for_what_it_has(
    tmp_path: Path,
) -> None:
    run = ["--source", "demo", "--headless", "--max-frames", "12", "--every", "3", "--keep", "RUN.rtdet"]
    _rtdet(tmp_path, *run, "--tracks", "RUN.csv")
    _rtdet(tmp_path, "--source", "RUN.rtdet", "--headless", "--every", "2", "--tracks", "AGAIN.csv")
    assert (tmp_path / "AGAIN.csv").read_bytes() == (tmp_path / "RUN.csv").read_bytes()


def test_a_kept_run_can_be_gone_through_more_seldom_than_it_was_looked_at(
    demo_run: Path, tmp_path: Path
) -> None:
    shutil.copy(demo_run / "RUN.rtdet", tmp_path / "WHOLE.rtdet")
    _rtdet(tmp_path, "--source", "WHOLE.rtdet", "--headless", "--every", "2", "--tracks", "HALF.csv")
    run = ["--source", "demo", "--headless", "--max-frames", "100", "--every", "2", "--keep", "RUN.rtdet"]
    _rtdet(tmp_path, *run, "--tracks", "RUN.csv")
    assert (tmp_path / "HALF.csv").read_bytes() == (tmp_path / "RUN.csv").read_bytes()
