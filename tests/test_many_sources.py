"""Several sources at a time: what one does leaves the others alone."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import rtdet
from rtdet.config import RunConfig
from rtdet.errors import ModelError, RtdetError, SourceError, UnknownNameError, UsageError
from rtdet.many_sources import ManySources, SourceRun
from rtdet.source_list import NamedRun, name_runs
from tests.fake_detector import FakeDetector


def _runs(*sources: str, **settings: object) -> tuple[NamedRun, ...]:
    configs = [RunConfig(source=source, **settings) for source in sources]  # type: ignore[arg-type]
    return name_runs([NamedRun("", config) for config in configs])


class _Making:
    """Makes detectors, and remembers which."""

    def __init__(self) -> None:
        self.made: list[tuple[RunConfig, FakeDetector]] = []

    def __call__(self, config: RunConfig) -> FakeDetector:
        self.made.append((config, FakeDetector(class_names=("person", "car"))))
        return self.made[-1][1]


def _names(runs: Sequence[SourceRun]) -> list[str]:
    return [run.named.name for run in runs]


def _many_threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("rtdet-")]


def _until(condition: Callable[[], object]) -> None:
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_one_detector_serves_all_and_each_has_a_tracker_and_statistics_of_its_own() -> None:
    making, seen = _Making(), Counter[str]()
    with ManySources(
        _runs("demo", "demo:2", "demo:3", max_frames=5),
        make_detector=making,
        watch=lambda run, _result: seen.update([run.named.name]),
    ) as many:
        many.start()
        assert many.join(60)
    assert seen == {"demo": 5, "demo-2": 5, "demo-3": 5}
    assert [run.pipeline.stats().processed for run in many.sources if run.pipeline] == [5, 5, 5]
    ((_, detector),) = making.made
    assert detector.images_seen == 15
    assert detector.is_closed
    assert not _many_threads()


def test_each_model_and_size_is_loaded_once() -> None:
    making = _Making()
    runs = [
        NamedRun(str(i), RunConfig(max_frames=1, imgsz=size, conf=0.1 * i))
        for i, size in enumerate([None, 320, None, 320])
    ]
    with ManySources(runs, make_detector=making) as many:
        many.start()
        many.join(60)
    assert [config.imgsz for config, _ in making.made] == [None, 320]
    assert [detector.images_seen for _, detector in making.made] == [2, 2]


def test_a_source_that_cannot_be_opened_leaves_the_others_alone(tmp_path: Path) -> None:
    ended: list[SourceRun] = []
    runs = _runs("demo", str(tmp_path / "none.mp4"), max_frames=5)
    with ManySources(runs, make_detector=_Making(), on_end=ended.append) as many:
        many.start()
        with pytest.raises(SourceError, match="no such file"):
            many.join(60)
    assert sorted(_names(ended)) == ["demo", "none"]
    good, bad = many.sources
    assert (good.error, good.pipeline.stats().processed) == (None, 5)  # type: ignore[union-attr]
    assert bad.pipeline is None


def test_a_detector_that_fails_ends_all_that_share_it_and_no_others() -> None:
    class Breaks(FakeDetector):
        def detect(self, images):
            raise ModelError("the device is gone")

    made = {None: Breaks(), 320: FakeDetector()}
    runs = [NamedRun(str(i), RunConfig(max_frames=3, imgsz=size)) for i, size in enumerate([None, None, 320])]
    with ManySources(runs, make_detector=lambda config: made[config.imgsz]) as many:
        many.start()
        with pytest.raises(ModelError, match="the device is gone"):
            many.join(60)
    assert [str(run.error) for run in many.sources] == ["the device is gone"] * 2 + ["None"]


def test_to_stop_ends_all_with_their_outputs_complete(tmp_path: Path) -> None:
    runs = _runs("demo", "demo:2", tracks=str(tmp_path / "{name}.csv"))
    begun: set[str] = set()
    with ManySources(runs, make_detector=_Making(), watch=lambda run, _: begun.add(run.named.name)) as many:
        many.start()
        _until(lambda: len(begun) == 2)
        assert many.stop(20)
        assert many.is_over
    assert {path.name for path in tmp_path.iterdir()} == {"demo.csv", "demo-2.csv"}
    assert not _many_threads()


def test_nothing_runs_before_it_is_started() -> None:
    making = _Making()
    with ManySources(_runs("demo", "demo:2"), make_detector=making):
        pass
    ((_, detector),) = making.made
    assert detector.is_closed
    assert detector.images_seen == 0


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"tracker": "srot"}, UnknownNameError, "did you mean sort"),
        ({"policy": "evry"}, UnknownNameError, "policy"),
        ({"classes": ("zebra",)}, UnknownNameError, "zebra"),
    ],
)
def test_settings_that_cannot_be_are_found_before_anything_is_opened(settings, error, said) -> None:
    making = _Making()
    with pytest.raises(error, match=said):
        ManySources(_runs("demo", "demo:2", **settings), make_detector=making)
    assert all(detector.is_closed for _, detector in making.made)


def test_counts_without_lines_are_said_once_and_with_the_source_where_they_are_not_for_all(
    tmp_path: Path,
) -> None:
    runs = [NamedRun(name, RunConfig(events=str(tmp_path / f"{name}.jsonl"))) for name in ("door", "yard")]
    with pytest.raises(UsageError, match=r"^--events needs lines or zones"):
        ManySources(runs, make_detector=_Making())
    with pytest.raises(UsageError, match=r"^yard: --events needs lines or zones"):
        ManySources([NamedRun("door", RunConfig()), runs[1]], make_detector=_Making())


def test_an_output_of_one_that_is_the_input_or_output_of_another_is_refused(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"a film")
    runs = [
        NamedRun("door", RunConfig(save=str(film))),
        NamedRun("yard", RunConfig(source=str(film))),
    ]
    with pytest.raises(UsageError, match=r"--save of door .*film\.mp4 would overwrite .*film\.mp4"):
        ManySources(runs, make_detector=_Making())
    runs = [
        NamedRun("door", RunConfig(tracks=str(tmp_path / "a.csv"))),
        NamedRun("yard", RunConfig(tracks=str(tmp_path / "b" / ".." / "a.csv"))),
    ]
    with pytest.raises(UsageError, match="--tracks of door and --tracks of yard are the same file"):
        ManySources(runs, make_detector=_Making())
    one = str(tmp_path / "one.json")
    runs = [NamedRun("door", RunConfig(tracks=one)), NamedRun("yard", RunConfig(stats=one))]
    with pytest.raises(UsageError, match="--tracks of door and --stats of yard are the same file"):
        ManySources(runs, make_detector=_Making())


def test_from_python_results_come_by_the_names_of_their_sources() -> None:
    frames: dict[str, list[int]] = {"door": [], "yard": []}
    for name, result in rtdet.run_many({"door": "demo", "yard": "demo:2"}, max_frames=4):
        frames[name].append(result.frame.index)
    assert frames == {"door": [0, 1, 2, 3], "yard": [0, 1, 2, 3]}
    assert not _many_threads()


def test_to_leave_the_loop_early_stops_all(tmp_path: Path) -> None:
    results = rtdet.run_many(["demo", "demo:2"], tracks=str(tmp_path / "{name}.csv"))
    begun = {next(results)[0]}
    while len(begun) < 2:
        begun.add(next(results)[0])
    results.close()  # type: ignore[attr-defined]
    _until(lambda: not _many_threads())
    assert len(list(tmp_path.iterdir())) == 2


def test_an_error_of_one_is_raised_once_the_others_are_over(tmp_path: Path) -> None:
    results = rtdet.run_many([tmp_path / "none.mp4", "demo"], max_frames=4)
    assert [next(results)[0] for _ in range(4)] == ["demo"] * 4
    with pytest.raises(SourceError, match=r"^none: .*no such file"):
        next(results)


def test_an_error_with_more_than_a_message_has_the_name_of_its_source_too(tmp_path: Path) -> None:
    (tmp_path / "cut.rtdet").write_bytes(b"no database")
    results = rtdet.run_many(
        {"kept": tmp_path / "cut.rtdet", "street": "demo"}, classes=("person",), max_frames=1
    )
    with pytest.raises(RtdetError, match=r"^kept: "):
        list(results)


def test_from_python_one_source_or_none_is_a_mistake_that_is_said() -> None:
    with pytest.raises(UsageError, match=r"rtdet\.run takes one"):
        rtdet.run_many("demo")
    with pytest.raises(UsageError, match="no source"):
        rtdet.run_many([])
    with pytest.raises(UnknownNameError, match=r"setting of rtdet\.run_many 'confd'"):
        rtdet.run_many(["demo"], confd=1)
    with pytest.raises(UsageError, match=r"put \{name\} into it"):
        rtdet.run_many(["demo", "demo:2"], save="out.mp4")
