"""Measures a run on this machine: its stages one after the other, then the pipeline."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rtdet.address import hide_secrets
from rtdet.backends.machine import core_count
from rtdet.bench.clip import write_demo
from rtdet.bench.stages import Clock, Stage, decoding, detecting, recording, tracking
from rtdet.build import build_detector, build_pipeline, build_recording, build_source, build_tracker
from rtdet.config import RunConfig
from rtdet.errors import UsageError
from rtdet.protocols import Detector, TwoStageTracker
from rtdet.types import Frame, SourceInfo, Tracks

# Frames that a run over a file gives its detector at once; and fewer than this many frames say nothing.
_BATCH = 8
_FEWEST = 24


@dataclass(frozen=True)
class Bench:
    """What was measured.

    stages: decode, detect, track, record, each alone. pipeline: all but the last together, as `rtdet --headless
    --tracks` has them. cores: those that this process may use. device, backend, precision: what the network ran on.
    """

    source: str
    size: tuple[int, int]
    model: str
    device: str
    backend: str
    precision: str
    cores: int
    stages: tuple[Stage, ...]
    pipeline: Stage

    def stage(self, name: str) -> Stage | None:
        return next((one for one in self.stages if one.name == name), None)

    @property
    def run(self) -> tuple[Stage, ...]:
        """The stages that the pipeline has."""
        return tuple(one for one in self.stages if one.name != "record")

    @property
    def limit(self) -> tuple[str, float]:
        """What holds a run back, and the frames a second that it leaves: a stage that is no quicker alone, or the
        processor, where the stages together need all of its cores."""
        slowest = min(self.run, key=lambda one: one.frames_per_s)
        cpu_s = sum(one.cpu_ms for one in self.run) / 1e3
        by_cores = self.cores / cpu_s if cpu_s > 0 else float("inf")
        if by_cores < slowest.frames_per_s:
            return "processor", by_cores
        return slowest.name, slowest.frames_per_s

    @property
    def overhead(self) -> float:
        """The cores' time for a frame in the pipeline over that of its stages alone, minus 1."""
        return self.pipeline.cpu_ms / sum(one.cpu_ms for one in self.run) - 1

    @property
    def share(self) -> float:
        """The pipeline's frames a second over the limit."""
        return self.pipeline.frames_per_s / self.limit[1]

    def as_dict(self) -> dict[str, Any]:
        """All of it, ready for json."""
        name, per_second = self.limit
        return {
            "source": self.source,
            "width": self.size[0],
            "height": self.size[1],
            "model": self.model,
            "device": self.device,
            "backend": self.backend,
            "precision": self.precision,
            "cores": self.cores,
            "stages": {one.name: _figures(one) for one in self.stages},
            "pipeline": _figures(self.pipeline),
            "limit": {"by": name, "frames_per_s": round(per_second, 2)},
            "share_of_limit": round(self.share, 4),
            "overhead": round(self.overhead, 4),
        }


def _figures(stage: Stage) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "frames": stage.frames,
        "frames_per_s": round(stage.frames_per_s, 2),
        "core_ms": round(stage.cpu_ms, 4),
    }
    if stage.parts_ms:
        figures["parts_ms"] = {part: round(ms, 4) for part, ms in stage.parts_ms.items()}
    return figures


def measure(
    config: RunConfig, *, seconds: float = 4.0, told: Callable[[str], object] = lambda stage: None
) -> Bench:
    """Measures what the config describes, each stage and the pipeline for so many seconds. `told` hears which stage
    is next. The demo is encoded to a 720p film first. Raises RtdetError; UsageError for a source that is live."""
    with ExitStack() as opened:
        shown = hide_secrets(config.source)
        if config.source == "demo":
            told("demo")
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="rtdet-bench-")))
            config = replace(config, source=str(write_demo(folder, seconds=8.0)))
        config = replace(
            config.without_outputs(), policy="every", headless=True, max_frames=None, duration=None
        )
        told("decode")
        source = build_source(config)
        with closing(source):
            info = source.info
            if info.is_live:
                raise UsageError(
                    f"{info.name} is live, and gives frames no quicker than they come; name a file"
                )
            decoded, frames = decoding(source, seconds, _FEWEST)
        if decoded.frames < _FEWEST:
            raise UsageError(f"{info.name} has {decoded.frames} frames; {_FEWEST} or more are needed")
        told("detector")
        detector = build_detector(config)
        opened.callback(detector.close)
        stages = [decoded, *_after_decoding(config, detector, info, frames, seconds, told)]
        told("pipeline")
        pipeline = _run(config, detector, seconds)
    network = getattr(detector, "network", None)
    return Bench(
        shown,
        (info.width, info.height),
        config.model,
        str(getattr(network, "device", config.device)),
        str(getattr(network, "backend", config.backend)),
        str(getattr(network, "precision", config.precision)),
        core_count(),
        tuple(stages),
        pipeline,
    )


def _after_decoding(
    config: RunConfig,
    detector: Detector,
    info: SourceInfo,
    frames: list[Frame],
    seconds: float,
    told: Callable[[str], object],
) -> list[Stage]:
    tracker = build_tracker(config.tracker, info, config.set)
    if isinstance(tracker, TwoStageTracker):  # as in a run, it gets what scores low too
        detector.thresholds = replace(detector.thresholds, low=tracker.low)
    told("detect")
    detect, found = detecting(detector, frames, seconds, _BATCH)
    stages, tracks = [detect], [Tracks()] * len(frames)
    if tracker is not None:
        told("track")
        track, tracks = tracking(tracker, frames, found, min(seconds, 1.0))
        stages.append(track)
    told("record")
    with tempfile.TemporaryDirectory(prefix="rtdet-bench-") as folder:
        sink = build_recording(Path(folder, "film.mp4"), info, replace(config, source="demo"))
        stages.append(recording(sink, frames, tracks))
    return stages


def _run(config: RunConfig, detector: Detector, seconds: float) -> Stage:
    """The pipeline for so many seconds or to the end of its source, without the time that it takes to open."""
    pipeline = build_pipeline(config, lend_detector=lambda: detector)
    with pipeline:
        pipeline.start()
        while pipeline.stats().processed < _BATCH and not pipeline.is_finished:
            time.sleep(0.001)
        clock, before = Clock(), pipeline.stats().processed
        while clock.wall_s < seconds and not pipeline.join(0.02):
            pass
        return clock.stage("pipeline", max(pipeline.stats().processed - before, 1))
