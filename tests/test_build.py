"""The assembly of a pipeline: what is opened is closed again when something is missing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import rtdet
from rtdet.build import build_pipeline
from rtdet.config import RunConfig
from rtdet.errors import ModelError, UsageError
from rtdet.types import Detections, FrameResult, Thresholds
from rtdet.video.sources.demo import DemoSource
from rtdet.video.sources.inputs import file_of
from tests.fake_detector import FakeDetector


class Output:
    is_closed = False

    def write(self, result: FrameResult) -> None:
        raise AssertionError("nothing runs")

    def close(self) -> None:
        self.is_closed = True


class Street(DemoSource):
    is_closed = False

    def close(self) -> None:
        self.is_closed = True
        super().close()


def test_a_model_that_is_missing_closes_what_was_opened_before_it(tmp_path: Path) -> None:
    source, output = Street(width=64, height=48), Output()
    config = RunConfig(model=str(tmp_path / "none.onnx"))
    with pytest.raises(ModelError):
        build_pipeline(config, lambda _info: [output], source_opener=lambda _config: source)
    assert source.is_closed
    assert output.is_closed


def test_a_lent_detector_outlives_the_pipeline_and_one_of_its_own_does_not(monkeypatch) -> None:
    lent, own = FakeDetector(), FakeDetector()
    monkeypatch.setattr("rtdet.build.build_detector", lambda _config: own)
    with build_pipeline(RunConfig(), source_opener=lambda _config: Street(width=64, height=48)):
        pass
    with build_pipeline(
        RunConfig(),
        watched=True,
        lend_detector=lambda: lent,
        source_opener=lambda _config: Street(width=64, height=48),
    ):
        pass
    assert own.is_closed
    assert not lent.is_closed


@pytest.mark.parametrize(
    ("known", "asked", "looked_for"),
    [
        (("person", "car", "dog"), (), {"person", "car"}),
        (("person", "car", "dog"), ("dog",), {"dog"}),
        (("cat", "dog"), (), set()),
    ],
)
def test_of_a_source_that_knows_what_it_shows_nothing_else_is_looked_for_unless_asked(
    monkeypatch, known, asked, looked_for
) -> None:
    detector = FakeDetector(class_names=known, thresholds=Thresholds(classes=frozenset(asked)))
    monkeypatch.setattr("rtdet.build.build_detector", lambda _config: detector)
    with build_pipeline(RunConfig(), source_opener=lambda _config: Street(width=64, height=48)):
        assert detector.thresholds.classes == looked_for


@pytest.mark.parametrize("spelling", ["{path}", "file://{path}", " {path} ", "~/12:30.mp4", "12:30.mp4"])
def test_the_file_of_a_source_is_known_however_it_is_spelt(
    tmp_path: Path, monkeypatch, spelling: str
) -> None:
    path = tmp_path / "12:30.mp4"
    path.write_bytes(b"x")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = file_of(spelling.format(path=path))
    assert found is not None
    assert found.samefile(path)


@pytest.mark.parametrize("spelling", ["webcam:0", "demo", "rtsp://host/live", "nowhere.mp4", "."])
def test_a_source_that_is_no_single_file_has_none(spelling: str) -> None:
    assert file_of(spelling) is None


def box_everywhere() -> FakeDetector:
    return FakeDetector(lambda _image: Detections([[5, 5, 30, 30]]))


def test_single_pictures_are_detected_without_a_tracker_and_a_film_of_images_is_tracked(
    tmp_path: Path,
) -> None:
    for name in ("beach", "street", *range(1, 9)):
        assert cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((48, 64, 3), np.uint8))
    for pattern, taken_as, is_film in (
        ("*", None, False),
        ("[0-9].png", None, True),
        ("[0-9].png", "pictures", False),
    ):
        config = RunConfig(source=str(tmp_path / pattern), taken_as=taken_as)
        with build_pipeline(config, lend_detector=box_everywhere) as pipeline:
            results = list(pipeline.results())
        assert results[-1].tracks.ids.tolist() == [1 if is_film else 0]
        at_another_time = pipeline.tracks_at(results[-1].frame.t + 0.04)
        assert len(at_another_time) == (1 if is_film else 0)


def test_a_run_takes_none_for_no_tracker(tmp_path):
    results = list(rtdet.run("demo", tracker=None, max_frames=2))
    assert [set(result.tracks.ids.tolist()) <= {0} for result in results] == [True, True]


def test_every_second_frame_is_asked_for_by_a_number(tmp_path):
    results = list(rtdet.run("demo", every=2, max_frames=5, tracks=tmp_path / "tracks.csv"))
    assert [result.is_carried for result in results] == [False, True, False, True, False]
    frames = {line.split(",")[0] for line in (tmp_path / "tracks.csv").read_text().splitlines()[1:]}
    assert frames == {"1", "2", "3", "4", "5"}
    assert [result.is_carried for result in rtdet.run("demo", every="auto", max_frames=3)] == [False] * 3
    with pytest.raises(UsageError, match="--every must be a number of frames from 1 to 100, or auto, not 0"):
        rtdet.run("demo", every=0)


def test_a_model_that_is_neither_a_name_nor_a_file_is_one_line():
    with pytest.raises(UsageError, match=r"^rtdet\.run: model is a name or a file, not a FakeDetector$"):
        rtdet.run("demo", model=FakeDetector())


def test_of_single_pictures_each_is_looked_at(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("beach", "street"):
        assert cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((48, 64, 3), np.uint8))
    config = RunConfig(source=str(tmp_path), taken_as="pictures", every="2")
    with build_pipeline(config, lend_detector=box_everywhere) as pipeline:
        assert [result.is_carried for result in pipeline.results()] == [False, False]
    assert "--every 2 has no effect on single pictures" in caplog.text
