"""The viewer on the rendered street, with a detector that knows the truth: for tests, and to look at.

python -m tests.ui.viewer_on_demo [--source S] [--latency 0.5] [--settings viewer.ini] [--size 1280x720]
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.build import build_services, build_source
from rtdet.config import RunConfig
from rtdet.demo import CLASS_NAMES
from rtdet.errors import ModelError, SourceError, UsageError
from rtdet.kept.writing import KeepPlace
from rtdet.pipeline import Pipeline
from rtdet.protocols import Detector, Sink, Source
from rtdet.types import Detections, Frame, Image, InputSize, SourceInfo, Thresholds
from rtdet.video.draw import DrawStyle
from rtdet.video.sources.demo import DemoSource
from rtdet.viewer.services import Services
from tests.fake_detector import FakeDetector


@dataclass(frozen=True)
class Camera:
    index: int
    name: str


@dataclass
class DemoStage:
    """Everything that the viewer may ask for: the product's own assembly, on sources and detectors of ours.

    Sources: "demo"; "live" (never ends, cannot seek); anything else is opened for real.
    Models: "truth"; "blind" knows other classes and finds nothing; "broken" cannot be loaded.
    """

    width: int = 320
    height: int = 180
    fps: float = 25.0
    duration_s: float = 4.0
    latency_s: float = 0.0
    pipelines: list[Pipeline] = field(default_factory=list)
    detectors: list[FakeDetector] = field(default_factory=list)
    asked_sizes: list[int | None] = field(default_factory=list)
    recordings: list[Path] = field(default_factory=list)
    sink: Any = None
    hold: threading.Event | None = None

    def __post_init__(self) -> None:
        self._seen: dict[bytes, Detections] = {}

    def services(self) -> Services:
        """The product's own, with this stage's sources and detectors in it."""
        product = build_services(source_opener=self._open_source, make_detector=self.make_detector)

        def open_pipeline(
            config: RunConfig,
            lend_detector: Callable[[], Detector],
            style: Callable[[], DrawStyle],
            keep: KeepPlace | None,
            source_count: int,
        ) -> Pipeline:
            if self.hold is not None:
                self.hold.wait(5)
            self.pipelines.append(product.open_pipeline(config, lend_detector, style, keep, source_count))
            return self.pipelines[-1]

        def open_recording(
            path: Path, info: SourceInfo, config: RunConfig, style: Callable[[], DrawStyle]
        ) -> Sink:
            self.recordings.append(path)
            return self.sink or product.open_recording(path, info, config, style)

        return replace(
            product,
            open_pipeline=open_pipeline,
            open_recording=open_recording,
            model_names=lambda: ["truth", "blind", "broken"],
            list_cameras=lambda: [Camera(0, "Front"), Camera(2, "Side")],
        )

    def _open_source(self, config: RunConfig) -> Source:
        if config.source in ("demo", "live", "dying"):
            return NotedDemo(self, config.source, start_s=config.start)
        return build_source(config)

    def make_detector(self, config: RunConfig) -> Detector:
        if config.model not in ("truth", "blind"):
            raise ModelError(f"{config.model} is not a model that rtdet can read; choose another one")
        blind = config.model == "blind"
        self.asked_sizes.append(config.imgsz)
        if config.imgsz is not None and (blind or config.imgsz > 1280):
            raise UsageError(f"--imgsz {config.imgsz} cannot be had")
        detector = FakeDetector(
            (lambda _image: Detections(class_names=("cat", "person"))) if blind else self._look,
            class_names=("cat", "person") if blind else CLASS_NAMES,
            thresholds=Thresholds(config.conf, config.iou, frozenset(config.classes), config.max_det),
            latency_s=self.latency_s,
            input_size=InputSize(300, is_fixed=True) if blind else InputSize(416),
        )
        self.detectors.append(detector)
        return detector

    def note(self, bgr: Image, truth: Any) -> None:
        scores = 0.35 + 0.6 * ((truth.ids * 0.618) % 1.0)
        self._seen[_key(bgr)] = Detections(truth.boxes, scores, truth.labels, CLASS_NAMES)

    def _look(self, image: Image) -> Detections:
        return self._seen.get(_key(image), Detections(class_names=CLASS_NAMES))


class NotedDemo:
    """DemoSource that tells the detector what is on each picture. "live" runs for ever at its own pace;
    "dying" is a file that is lost after a second."""

    def __init__(self, stage: DemoStage, kind: str, *, start_s: float = 0.0) -> None:
        self._stage, self._kind = stage, kind
        self._demo = DemoSource(
            width=stage.width, height=stage.height, fps=stage.fps, duration_s=stage.duration_s, seed=3
        )
        if start_s:
            self._demo.seek(start_s)
        live, info = kind == "live", self._demo.info
        self.info = SourceInfo(
            kind, info.width, info.height, info.fps, None if live else info.frame_count,
            None if live else info.duration_s, is_live=live, is_seekable=not live, detail=info.detail,
        )  # fmt: skip
        self._closed = threading.Event()
        self._laps_s = 0.0
        self.state = self._demo.state

    def read(self) -> Frame | None:
        frame = self._demo.read()
        if frame is None:
            self.state = self._demo.state
            if self._kind != "live" or self._closed.is_set():
                return None
            self._laps_s += self._stage.duration_s
            self._demo.seek(0)
            frame = self._demo.read()
            if frame is None:
                return None
        if self._kind == "dying" and frame.t >= 0.5:
            raise SourceError("the stream dying was lost; check the connection and try again")
        self._stage.note(frame.bgr, self._demo.scene.truth(frame.index))
        if self._kind == "live":
            self._closed.wait(1 / self._stage.fps)
            frame = Frame(frame.bgr, frame.t + self._laps_s, frame.index, time.monotonic())
        return frame

    def seek(self, t: float) -> None:
        self._demo.seek(t)

    def close(self) -> None:
        self._closed.set()
        self._demo.close()


def _key(image: Image) -> bytes:
    return np.ascontiguousarray(image[::7, ::11]).tobytes()


def main() -> int:
    from rtdet.ui import run_viewer

    parser = argparse.ArgumentParser()
    parser.add_argument("--source", default="demo")
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--model", default="truth")
    parser.add_argument("--settings", type=Path)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    width, height = (int(number) for number in given.size.split("x"))
    stage = DemoStage(width, height, duration_s=given.seconds, latency_s=given.latency)
    config = RunConfig(source=given.source, model=given.model)
    return run_viewer(config, stage.services(), settings_path=given.settings)


if __name__ == "__main__":
    sys.exit(main())
