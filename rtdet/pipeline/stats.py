"""Counts, rates and times of a run, in bounded memory."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from rtdet.pipeline.measures import PERCENTILES, Meter, StageTimes, per_second
from rtdet.types import Frame

# The parts of `detect`, where the detector measures them.
DETECTOR_PARTS = ("preprocess", "infer", "suppress")
# A frame's way, in order; then what is made of its stages.
WAY = ("capture", "queue", *DETECTOR_PARTS, "track", "output", "paint")
STAGES = (*WAY, "detect", "age", "picture_age", "boxes_age")


@dataclass(frozen=True)
class LiveStats:
    """The last `RECENT_S` seconds (inference_fps: frames that the detector looked at), and how old the frame on
    screen was when it was painted, and the detection behind its boxes. stages_ms: {stage: {"p50", "p95"}} of each
    stage's last 60 times. gave_up: what the detector does so that results stay fresh enough (--max-latency), "" where
    that is all that it should."""

    capture_fps: float = 0.0
    inference_fps: float = 0.0
    display_fps: float = 0.0
    shown_age_ms: float | None = None
    boxes_age_ms: float | None = None
    stages_ms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    gave_up: str = ""


class Behind(NamedTuple):
    """A frame whose detections are the newest behind the boxes on screen: its time, and how many seconds of the
    source pass in one on the wall."""

    t: float
    speed: float = 1.0


@dataclass(frozen=True)
class Stats:
    """A snapshot. Every frame that came in is processed, or dropped for a reason, or still on its way.

    carried: of those processed, frames that the detector did not look at (--every); `detected`: those that it did.
    shown: frames that a viewer painted. unwritten: frames that a recording of what was shown missed because it could
    not keep up. invalid_boxes: boxes of the detector that were none. detections, tracked: how many boxes the detector
    found, and the tracker gave, in all processed frames together. inference_fps: frames processed per second from the
    first frame in to the last frame out.

    stages_ms is the ledger: {stage: {"p50", "p95", "p99"}}, in milliseconds per frame. A frame's way: capture
    (decode), queue (all waiting between capture and the tracker), preprocess, infer and suppress (decoding and NMS;
    where the detector measures them), track, then output (per output) or paint (in a window). detect: the detector's
    three together. age: from capture to tracks, which is queue + detect + track. Of each painted frame, picture_age:
    how old it was then, and boxes_age: how old the newest detection was that its boxes come from. Percentiles are
    exact within 0.5 %.

    decoder: the codec of the source and what decodes it, as "h264 (software)"; empty where nothing is decoded.
    governor: with --max-latency, the bound and the seconds of the run at each setting (governor.Governor.as_dict).
    """

    frames_in: int = 0
    processed: int = 0
    carried: int = 0
    shown: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    unwritten: int = 0
    invalid_boxes: int = 0
    detections: int = 0
    tracked: int = 0
    capture_fps: float = 0.0
    inference_fps: float = 0.0
    display_fps: float = 0.0
    elapsed_s: float = 0.0
    stages_ms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    live: LiveStats = LiveStats()
    decoder: str = ""
    governor: Mapping[str, Any] | None = None

    @property
    def detected(self) -> int:
        return self.processed - self.carried

    def as_dict(self) -> dict[str, Any]:
        """What `--stats` writes, ready for json."""
        return {
            "frames": {
                "in": self.frames_in,
                "processed": self.processed,
                "detected": self.detected,
                "carried": self.carried,
                "shown": self.shown,
                "dropped": dict(sorted(self.dropped.items())),
                "unwritten": self.unwritten,
            },
            "fps": {
                "capture": round(self.capture_fps, 3),
                "inference": round(self.inference_fps, 3),
                "display": round(self.display_fps, 3),
            },
            "elapsed_s": round(self.elapsed_s, 3),
            "stages_ms": {
                stage: {name: round(ms, 3) for name, ms in times.items()}
                for stage, times in self.stages_ms.items()
            },
            "invalid_boxes": self.invalid_boxes,
            **({"decoder": self.decoder} if self.decoder else {}),
            **({} if self.governor is None else {"governor": self.governor}),
        }


class StatsCollector:
    """Where every thread of a run notes what happened. The lock is held for microseconds and inside it
    nothing else is called."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._captured, self._processed, self._detected, self._shown = Meter(), Meter(), Meter(), Meter()
        self._dropped: Counter[str] = Counter()
        self._unwritten = self._invalid_boxes = self._missed = self._detections = self._tracked = 0
        self._stages = {stage: StageTimes() for stage in STAGES}
        self._last_out_at = 0.0
        self._started_at = self._finished_at = 0.0
        self._released: deque[tuple[int, float, float]] = deque(maxlen=256)
        self._shown_frame: tuple[int, float] | None = None
        self._shown_age_ms: float | None = None
        self._boxes_age_ms: float | None = None

    def start(self) -> None:
        self._started_at = time.monotonic()

    def finish(self) -> None:
        with self._lock:
            self._finished_at = self._finished_at or time.monotonic()

    def captured(self, decode_ms: float) -> None:
        with self._lock:
            self._captured.tick(time.monotonic())
            self._stages["capture"].add(decode_ms)

    def missed(self, count: int) -> None:
        """Counts `count` frames of a live source that nothing had time to take."""
        with self._lock:
            self._missed += count
            self._dropped["capture_busy"] += count

    def released(self, frame: Frame, at: float) -> None:
        """`frame` left capture; its age counts from `at`."""
        with self._lock:
            self._released.append((frame.index, frame.t, at))

    def processed(
        self,
        stage_ms: Mapping[str, float],
        age_ms: float,
        *,
        detections: int = 0,
        tracked: int = 0,
        is_carried: bool = False,
    ) -> None:
        with self._lock:
            self._detections += detections
            self._tracked += tracked
            self._last_out_at = now = time.monotonic()
            self._processed.tick(now)
            if not is_carried:
                self._detected.tick(now)
            for stage in ("queue", *DETECTOR_PARTS, "detect", "track"):
                if stage in stage_ms:
                    self._stages[stage].add(stage_ms[stage])
            self._stages["age"].add(age_ms)

    def written(self, ms: float, *, is_result: bool) -> None:
        """An output took a frame; `is_result`: one that was processed, so it counts as the last one out."""
        with self._lock:
            self._stages["output"].add(ms)
            if is_result:
                self._last_out_at = time.monotonic()

    def dropped(self, count: int, reason: str) -> None:
        with self._lock:
            self._dropped[reason] += count

    def unwritten(self, count: int) -> None:
        with self._lock:
            self._unwritten += count

    def invalid_boxes(self, count: int) -> None:
        with self._lock:
            self._invalid_boxes += count

    def shown(self, frame: Frame, *, paint_ms: float | None = None, behind: Behind | None = None) -> None:
        """A viewer painted this frame, in `paint_ms`, with boxes by what was found in the frame `behind` them.
        Painting the same one again counts for nothing."""
        now, key = time.monotonic(), (frame.index, frame.t)
        with self._lock:
            if key == self._shown_frame:
                return
            self._shown_frame = key
            self._shown.tick(now)
            if paint_ms is not None:
                self._stages["paint"].add(paint_ms)
            at = next((at for index, t, at in reversed(self._released) if (index, t) == key), None)
            if at is None:
                return
            self._shown_age_ms = (now - at) * 1e3
            self._stages["picture_age"].add(self._shown_age_ms)
            self._boxes_age_ms = None
            if behind is not None:
                # By the source's clock: the time of a pause does not count.
                self._boxes_age_ms = self._shown_age_ms + max(frame.t - behind.t, 0.0) / behind.speed * 1e3
                self._stages["boxes_age"].add(self._boxes_age_ms)

    def snapshot(self, *, percentiles: bool = True) -> Stats:
        """Counts, rates and times up to now; without the percentiles of the whole run in a tenth of the time."""
        now = time.monotonic()
        with self._lock:
            end = self._finished_at or now
            recent = {stage: times.recent() for stage, times in self._stages.items() if times.whole}
            stages = {stage: self._stages[stage].whole.copy() for stage in recent if percentiles}
            stats = Stats(
                frames_in=self._captured.count + self._missed,
                processed=self._processed.count,
                carried=self._processed.count - self._detected.count,
                shown=self._shown.count,
                dropped=dict(self._dropped),
                unwritten=self._unwritten,
                invalid_boxes=self._invalid_boxes,
                detections=self._detections,
                tracked=self._tracked,
                capture_fps=self._captured.rate(),
                inference_fps=per_second(self._processed.count, self._last_out_at - self._captured.first_at),
                display_fps=self._shown.rate(),
                elapsed_s=end - self._started_at if self._started_at else 0.0,
                live=LiveStats(
                    self._captured.recent_rate(now),
                    self._detected.recent_rate(now),
                    self._shown.recent_rate(now),
                    self._shown_age_ms,
                    self._boxes_age_ms,
                    recent,
                ),
            )
        names, fractions = list(PERCENTILES), list(PERCENTILES.values())
        stages_ms = {
            stage: dict(zip(names, times.percentiles(fractions), strict=True))
            for stage, times in stages.items()
        }
        return replace(stats, stages_ms=stages_ms)
