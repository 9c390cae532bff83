"""The assembly of a pipeline: what is opened is closed again when something is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtdet.build import build_pipeline
from rtdet.config import RunConfig
from rtdet.errors import ModelError
from rtdet.types import FrameResult
from rtdet.video.sources.demo import DemoSource
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
