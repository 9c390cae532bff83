"""From the settings of a run to what of it concerns kept runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rtdet.config import RunConfig
from rtdet.errors import UsageError
from rtdet.kept.building import (
    build_keeper,
    build_kept_detector,
    build_kept_source,
    kept_run_path,
    kept_zones,
    length_of_run,
    video_of,
)
from rtdet.kept.replay import GraySource
from rtdet.types import SourceInfo, Thresholds
from tests.fake_detector import FakeDetector
from tests.kept.conftest import frame

MakeRun = Callable[..., Path]


def test_another_source_is_no_kept_run_and_has_nothing_of_one(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"no database")
    for source in ("demo", "0", "rtsp://camera/live", str(film)):
        assert kept_run_path(source) is None
        assert video_of(source) == source
        assert kept_zones(source) is None
        assert length_of_run(source) is None


def test_a_kept_run_is_known_by_its_content(make_run: MakeRun) -> None:
    path = make_run(frames=[frame(1)])
    renamed = path.rename(path.with_suffix(".bin"))
    assert kept_run_path(str(renamed)) == renamed
    assert kept_run_path(renamed.as_uri()) == renamed


def test_a_kept_run_without_its_video_opens_as_grey_pictures(
    make_run: MakeRun, caplog: pytest.LogCaptureFixture
) -> None:
    path = make_run(frames=[frame(1), frame(2)])
    source = build_kept_source(RunConfig(source=str(path)), path, lambda _config: pytest.fail("no video"))
    assert isinstance(source, GraySource)
    assert "its boxes are shown on grey" in caplog.text
    assert video_of(str(path)) is None


def test_classes_that_a_kept_run_lacks_are_refused(make_run: MakeRun) -> None:
    path = make_run(frames=[frame(1)])
    with pytest.raises(UsageError, match="zebra"):
        build_kept_detector(path, Thresholds(classes=frozenset({"zebra"})))


def test_nothing_is_kept_unless_it_is_asked_for(tmp_path: Path) -> None:
    info = SourceInfo("film.mp4", 64, 48)
    config = RunConfig()
    assert build_keeper(config, info, FakeDetector(), lambda _model: "") is None
    keeper = build_keeper(
        replace(config, keep=str(tmp_path / "run.rtdet")), info, FakeDetector(), lambda _model: ""
    )
    assert keeper is not None
    keeper.close()
