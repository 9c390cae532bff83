"""What `rtdet bench` measures, on a real film with the embedded model; and how a limit is told from the stages."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtdet.bench import Bench, Stage, measure
from rtdet.bench.clip import write_demo
from rtdet.bench.picture import draw_bench
from rtdet.bench.table import lines_of
from rtdet.config import RunConfig
from rtdet.errors import UsageError


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo(tmp_path_factory.mktemp("film"), seconds=1.6)


@pytest.fixture(scope="module")
def measured(film: Path) -> Bench:
    return measure(RunConfig(source=str(film), imgsz=160), seconds=0.2)


def _bench(cores: int, pipeline: Stage, *stages: Stage) -> Bench:
    return Bench("film", (1280, 720), "model", "cpu", "openvino", "fp32", cores, stages, pipeline)


def test_every_stage_and_the_pipeline_are_measured(measured: Bench) -> None:
    assert [stage.name for stage in measured.stages] == ["decode", "detect", "track", "record"]
    for stage in (*measured.stages, measured.pipeline):
        assert stage.frames > 0
        assert stage.wall_s > 0
    assert list(measured.stages[1].parts_ms) == ["preprocess", "infer", "suppress"]
    assert measured.size == (1280, 720)
    assert measured.backend == "openvino"


def test_a_run_without_a_tracker_has_no_stage_for_one(film: Path) -> None:
    bench = measure(RunConfig(source=str(film), imgsz=160, tracker="none"), seconds=0.2)
    assert bench.stage("track") is None
    assert bench.stage("record") is not None


def test_the_figures_are_ready_for_json(measured: Bench) -> None:
    figures = measured.as_dict()
    assert figures["stages"]["detect"]["frames_per_s"] > 0
    assert figures["limit"]["by"] in ("processor", "decode", "detect", "track")
    assert figures["share_of_limit"] == round(measured.share, 4)


def test_the_picture_is_a_png(measured: Bench) -> None:
    pytest.importorskip("matplotlib")
    assert draw_bench(measured).startswith(b"\x89PNG")


def test_the_processor_is_the_limit_where_the_stages_together_need_all_of_its_cores() -> None:
    # 10 ms of one core each on two cores: 100 frames/s, though each is quicker alone.
    pipeline = Stage("pipeline", 80, 1.0, 2.0)
    bench = _bench(2, pipeline, Stage("decode", 200, 1.0, 2.0), Stage("detect", 150, 1.0, 1.5))
    assert bench.limit == ("processor", pytest.approx(100.0))
    assert bench.share == pytest.approx(0.8)
    assert bench.overhead == pytest.approx(0.25)
    assert "The pipeline is decode and detect, as in a run with --headless --tracks" in lines_of(bench)[1]
    assert "the processor, 100 frames/s; the pipeline reaches 80%" in lines_of(bench)[0]
    assert "takes 25% more of the cores' time" in lines_of(bench)[0]


def test_a_slow_stage_is_the_limit_where_cores_are_free() -> None:
    # A GPU does 30 frames/s and the processor has next to nothing to do.
    bench = _bench(
        8, Stage("pipeline", 27, 1.0, 0.1), Stage("decode", 500, 1.0, 1.0), Stage("detect", 30, 1.0, 0.03)
    )
    assert bench.limit == ("detect", pytest.approx(30.0))
    assert bench.share == pytest.approx(0.9)


def test_a_pipeline_that_is_quicker_than_its_limit_is_explained() -> None:
    stages = Stage("decode", 200, 1.0, 1.0), Stage("detect", 100, 1.0, 1.0), Stage("track", 500, 1.0, 1.0)
    lines = lines_of(_bench(4, Stage("pipeline", 110, 1.0, 2.0), *stages))
    assert "reaches 110% of it" in lines[0]
    assert lines[1].startswith("More than 100%: the machine was not idle")
    assert "The pipeline is decode, detect and track, as" in lines[2]


def test_what_a_recording_costs_is_no_limit_of_a_run_that_writes_none() -> None:
    bench = _bench(
        1, Stage("pipeline", 10, 1.0, 1.0), Stage("decode", 10, 1.0, 1.0), Stage("record", 1, 1.0, 1.0)
    )
    assert bench.limit[0] == "decode"


def test_a_film_that_is_too_short_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    short = write_demo(tmp_path, seconds=0.4)
    with pytest.raises(UsageError, match=r"demo.mp4 has 10 frames; 24 or more are needed"):
        measure(RunConfig(source=str(short)), seconds=0.2)
