"""Eight sources at a time, cameras on loopback and files: some fail, freeze and come back, the others go on."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from rtdet.config import RunConfig
from rtdet.errors import SourceError
from rtdet.many_sources import ManySources, SourceRun
from rtdet.source_list import NamedRun
from rtdet.types import Detections, Frame
from tests.fake_detector import FakeDetector
from tests.loopback import Camera, until


@pytest.fixture
def cameras() -> Iterator[list[Camera]]:
    made = [Camera() for _ in range(5)]
    yield made
    for camera in made:
        camera.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Fifty small frames."""
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(50):
            picture = np.full((48, 64, 3), 4 * i, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    return str(path)


def _processed(run: SourceRun) -> int:
    return run.pipeline.stats().processed if run.pipeline is not None else 0


def _frames_alive() -> int:
    gc.collect()
    return sum(1 for one in gc.get_objects() if type(one) is Frame)


def _box(_image: object) -> Detections:
    return Detections(np.array([[8.0, 8, 24, 40]]), class_names=("object",))


def test_of_eight_sources_those_that_fail_freeze_and_come_back_leave_the_others_alone(
    cameras: list[Camera], film: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        refused = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
    sources = [*(camera.url for camera in cameras), refused, str(tmp_path / "none.mp4"), film]
    names = ["steady 1", "steady 2", "steady 3", "freezes", "vanishes", "refused", "no file", "film"]
    runs = [
        NamedRun(
            name,
            RunConfig(
                source=source,
                tracks=str(tmp_path / f"{name}.csv"),
                max_frames=30 if name == "film" else None,
            ),
        )
        for name, source in zip(names, sources, strict=True)
    ]
    detector = FakeDetector(_box, latency_s=0.002)
    ended: list[str] = []
    with ManySources(
        runs, make_detector=lambda _config: detector, on_end=lambda run: ended.append(run.named.name)
    ) as many:
        many.start()
        by_name = dict(zip(names, many.sources, strict=True))
        live = [by_name[name] for name in names[:5]]
        steady, freezing, vanishing = live[:3], live[3], live[4]
        until(lambda: all(_processed(run) >= 20 for run in live), "all cameras run")
        until(lambda: len(ended) == 3, "the film ends, and two sources fail")
        assert sorted(ended) == ["film", "no file", "refused"]
        assert isinstance(by_name["refused"].error, SourceError)
        assert _processed(by_name["film"]) == 30

        cameras[3].freeze()
        cameras[4].vanish()
        until(lambda: vanishing.pipeline.source.state.value == "reconnecting", "one is lost")  # type: ignore[union-attr]
        before, lost = [_processed(run) for run in steady], _processed(vanishing)
        alive = _frames_alive()
        until(
            lambda: all(_processed(run) >= one + 60 for run, one in zip(steady, before, strict=True)),
            "the others go on",
        )
        assert _processed(vanishing) <= lost + 8  # those that were on their way
        assert not any(run.is_over for run in live)
        assert _frames_alive() <= alive + 16  # those on their way, no more than before

        seen = [_processed(run) for run in (freezing, vanishing)]
        cameras[3].come_back()
        cameras[4].come_back()
        until(lambda: _processed(freezing) >= seen[0] + 20, "the frozen one is back")
        until(lambda: _processed(vanishing) >= seen[1] + 20, "the lost one is back")
        assert many.stop(20)
        assert isinstance(many.error, SourceError)
        assert [run.named.name for run in many.sources if run.error is not None] == ["refused", "no file"]
        for run in live:
            stats = run.pipeline.stats()  # type: ignore[union-attr]
            assert stats.frames_in == stats.processed + sum(stats.dropped.values())
            rows = (tmp_path / f"{run.named.name}.csv").read_text().splitlines()
            assert len(rows) > 20
    assert detector.is_closed
    until(
        lambda: not [one.name for one in threading.enumerate() if one.name.startswith("rtdet")],
        "no thread is left",
    )


def test_sources_end_in_their_own_order_and_the_last_ends_the_run(film: str) -> None:
    ended: list[str] = []
    runs = [NamedRun(str(count), RunConfig(source=film, max_frames=count)) for count in (45, 2, 20)]
    with ManySources(
        runs,
        make_detector=lambda _config: FakeDetector(latency_s=0.005),
        on_end=lambda run: ended.append(run.named.name),
    ) as many:
        many.start()
        assert many.join(60)
        assert many.is_over
    assert ended == ["2", "20", "45"]


def test_a_detector_that_stalls_holds_all_up_and_lets_all_go_on(cameras: list[Camera]) -> None:
    stalls, may_go = threading.Event(), threading.Event()

    class Stalls(FakeDetector):
        def detect(self, images):
            if stalls.is_set():
                may_go.wait(30)
            return super().detect(images)

    runs = [NamedRun(str(i), RunConfig(source=camera.url)) for i, camera in enumerate(cameras)]
    with ManySources(runs, make_detector=lambda _config: Stalls()) as many:
        many.start()
        until(lambda: all(_processed(run) >= 5 for run in many.sources), "all run")
        stalls.set()
        before = [_processed(run) for run in many.sources]
        until(
            lambda: all(
                run.pipeline.stats().dropped.get("detector_busy", 0) >= 5  # type: ignore[union-attr]
                for run in many.sources
            ),
            "the newest frame takes the place of others",
        )
        may_go.set()
        until(
            lambda: all(_processed(run) >= one + 10 for run, one in zip(many.sources, before, strict=True)),
            "all go on",
        )
        assert many.stop(20)
        assert many.error is None


def test_to_stop_does_not_wait_for_a_source_that_does_not_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        runs = [NamedRun("silent", RunConfig(source=url)), NamedRun("demo", RunConfig())]
        many = ManySources(runs, make_detector=lambda _config: FakeDetector())
        many.start()
        opening, running = many.sources
        until(lambda: _processed(running) >= 1, "the other runs")
        assert not many.stop(60)  # before the silent one gives up by itself
        assert running.is_over
        assert not opening.is_over
        assert opening.pipeline is None
    opening.join(30)  # its server is gone
    assert many.is_over
