"""Where the viewer keeps what is watched, and what is left of it afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rtdet.build import build_services
from rtdet.config import RunConfig
from rtdet.errors import OutputError, SourceError
from rtdet.kept import About, KeptRun, KeptRunWriter, edits_of
from rtdet.pipeline import Pipeline
from rtdet.tracks.offline import Edit, EditLog
from rtdet.video.draw import DrawStyle
from rtdet.viewer.kept_runs import KeptRuns, save_run
from rtdet.viewer.opener import Opener
from tests.kept.conftest import CLASSES, frame


@pytest.fixture
def runs(tmp_path: Path) -> KeptRuns:
    folder = tmp_path / "runs"
    folder.mkdir()
    return KeptRuns(lambda: folder)


def test_a_file_that_is_opened_again_goes_on_with_its_run(runs: KeptRuns, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"a film")
    first = runs.place_for(RunConfig(str(film)))
    again = runs.place_for(RunConfig(str(film), start=3.0))
    other_model = runs.place_for(RunConfig(str(film), model="yolox-nano"))
    assert first is not None
    assert again is not None
    assert other_model is not None
    assert (first.goes_on, again.goes_on, other_model.goes_on) == (False, True, False)
    assert first.path == again.path != other_model.path
    assert not first.is_wanted


def test_what_is_watched_stays_kept_where_another_source_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Pipeline:
        raise SourceError("there is no such film")

    monkeypatch.setenv("RTDET_CACHE", str(tmp_path))
    opener = Opener(replace(build_services(), open_pipeline=refuse), DrawStyle, KeptRuns())
    watched = opener.runs.place_for(RunConfig("demo"))
    with pytest.raises(SourceError, match=r"no such film"):
        opener.open(0, RunConfig("webcam:7"), None, stop_first=False)
    again = opener.runs.place_for(RunConfig("demo"))
    assert watched is not None
    assert again is not None
    assert (again.path, again.goes_on) == (watched.path, True)
    opener.close()


def test_a_camera_begins_a_new_run_each_time(runs: KeptRuns) -> None:
    first, second = (runs.place_for(RunConfig("webcam:7")) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.path != second.path


def test_a_run_that_was_asked_for_is_kept_where_it_was_asked_for(runs: KeptRuns, tmp_path: Path) -> None:
    wanted = tmp_path / "RUN.rtdet"
    place = runs.place_for(RunConfig("demo", keep=str(wanted)))
    again = runs.place_for(RunConfig("demo"))
    assert place is not None
    assert again is not None
    assert (place.path, place.is_wanted, place.most_bytes) == (wanted, True, None)
    assert (again.path, again.goes_on, again.most_bytes) == (wanted, True, None)
    wanted.write_text("kept")
    runs.close()
    assert wanted.exists()


def test_runs_are_removed_at_the_end_and_those_before_the_last_earlier(runs: KeptRuns) -> None:
    paths = []
    for source in ("webcam:1", "webcam:2"):
        place = runs.place_for(RunConfig(source))
        assert place is not None
        place.path.write_text("kept")
        paths.append(place.path)
    runs.clear()
    assert [path.exists() for path in paths] == [False, True]
    runs.close()
    assert not paths[1].exists()


def test_what_a_killed_viewer_left_is_removed(tmp_path: Path) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    left = tmp_path / f"{int(gone.stdout)}-1.rtdet"
    mine = tmp_path / f"{os.getppid()}-1.rtdet"
    left.write_text("left")
    mine.write_text("mine")
    KeptRuns(lambda: tmp_path).place_for(RunConfig("webcam"))
    assert not left.exists()
    assert mine.exists()


def test_where_nothing_can_be_kept_nothing_is(tmp_path: Path) -> None:
    assert KeptRuns(lambda: None).place_for(RunConfig("webcam")) is None


def test_a_saved_run_is_a_copy_of_what_is_there_so_far(tmp_path: Path) -> None:
    path, saved = tmp_path / "RUN.rtdet", tmp_path / "SAVED.rtdet"
    writer = KeptRunWriter(path, About)
    for number in (1, 2, 3):
        writer.write(frame(number))
    writer.flush()
    with KeptRun(path) as run:
        run.set_document("edits", "[]")
    save_run(path, saved)
    writer.write(frame(4))
    writer.close()
    with KeptRun(saved) as copy:
        assert copy.frames.numbers.tolist() == [1, 2, 3]
        assert len(copy.candidates(3)) == 3
        assert copy.document("edits") == "[]"
    with pytest.raises(OutputError, match=r"the folder .* does not exist"):
        save_run(path, tmp_path / "missing" / "S.rtdet")


def test_a_run_is_gone_on_with_only_if_it_is_of_the_same_source_and_classes(tmp_path: Path) -> None:
    path = tmp_path / "RUN.rtdet"

    def write(number: int, **about: object) -> list[int]:
        known = {"source": "film.mp4", "class_names": ("person", "car")} | about
        writer = KeptRunWriter(path, lambda: About(**known), goes_on=True)  # type: ignore[arg-type]
        writer.write(frame(number))
        writer.close()
        with KeptRun(path) as run:
            numbers: list[int] = run.frames.numbers.tolist()
            return numbers

    assert write(1) == [1]
    assert write(2) == [1, 2]
    assert write(3, source="another.mp4") == [3]
    assert write(4, source="another.mp4", class_names=("car",)) == [4]


def test_a_run_that_nobody_asked_for_fails_in_silence_but_for_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    writer = KeptRunWriter(folder / "RUN.rtdet", About, is_wanted=False)
    folder.rmdir()
    writer.write(frame(1))
    writer.write(frame(2))
    writer.close()
    assert caplog.text.count("what is watched is no longer kept") == 1


@pytest.mark.parametrize("share", [0.4, 0.95])
def test_of_a_damaged_run_a_whole_copy_is_saved_with_what_is_given(tmp_path: Path, share: float) -> None:
    run, path = tmp_path / "RUN.rtdet", tmp_path / "WHOLE.rtdet"
    writer = KeptRunWriter(run, lambda: About(class_names=CLASSES))
    for number in range(1, 1001):
        writer.write(frame(number))
    writer.close()
    os.truncate(run, int(run.stat().st_size * share))
    save_run(run, path, {"edits": EditLog([Edit.of("delete", track_id=3)]).to_text()})
    with KeptRun(run) as damaged, KeptRun(path) as whole:
        left = [one.number for one in damaged.walk()]
        assert [one.number for one in whole.walk()] == left
        assert len(left) > 1000 * share * 0.6
        assert not whole.damage
        assert whole.class_names == CLASSES
        assert [str(edit) for edit in edits_of(whole).done] == ["delete 3"]
