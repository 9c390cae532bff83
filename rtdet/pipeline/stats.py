"""Counts, rates and times of a run, in bounded memory."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rtdet.types import Frame

STAGES = ("capture", "queue", "detect", "track", "output", "age")
RECENT_S = 2.0


class Histogram:
    """Times in logarithmic buckets one per cent wide: percentiles of any number of values within 0.5 %,
    in at most some 2000 counters."""

    _PER_OCTAVE = 1 / math.log(1.01)
    _SMALLEST_MS = 1e-3

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, ms: float) -> None:
        ms = min(max(ms, self._SMALLEST_MS), 1e9)
        self._counts[round(math.log(ms / self._SMALLEST_MS) * self._PER_OCTAVE)] += 1

    def percentile(self, fraction: float) -> float:
        """The value that `fraction` of all values do not exceed (nearest rank); 0 without any."""
        rank = math.ceil(fraction * self._counts.total())
        for bucket in sorted(self._counts):
            rank -= self._counts[bucket]
            if rank <= 0:
                return self._SMALLEST_MS * math.exp(bucket / self._PER_OCTAVE)
        return 0.0

    def __bool__(self) -> bool:
        return bool(self._counts)


class Meter:
    """A rate: over the whole run, and over the last `RECENT_S` seconds."""

    def __init__(self) -> None:
        self.count = 0
        self.first_at = self.last_at = 0.0
        self._recent: deque[float] = deque(maxlen=256)

    def tick(self, now: float) -> None:
        self.first_at = self.first_at if self.count else now
        self.last_at = now
        self.count += 1
        self._recent.append(now)

    def rate(self) -> float:
        """Per second, between the first tick and the last."""
        return _per_second(self.count - 1, self.last_at - self.first_at)

    def recent_rate(self, now: float) -> float:
        recent = [at for at in self._recent if now - at <= RECENT_S]
        return _per_second(len(recent) - 1, recent[-1] - recent[0]) if recent else 0.0


def _per_second(count: int, span_s: float) -> float:
    return count / span_s if count > 0 and span_s > 0 else 0.0


@dataclass(frozen=True)
class LiveStats:
    """The last `RECENT_S` seconds, and how old the frame on screen was when it was painted."""

    capture_fps: float = 0.0
    inference_fps: float = 0.0
    display_fps: float = 0.0
    shown_age_ms: float | None = None


@dataclass(frozen=True)
class Stats:
    """A snapshot. Every frame that came in is processed, or dropped for a reason, or still on its way.

    shown: frames that a viewer painted. unwritten: frames that a recording of what was shown missed because
    it could not keep up. invalid_boxes: boxes of the detector that were none. detections, tracked: how many boxes
    the detector found, and the tracker gave, in all processed frames together. inference_fps: frames
    processed per second from the first frame in to the last frame out. stages_ms: {stage: {"p50", "p95"}},
    in milliseconds per frame: capture (decode), queue (from capture to detector), detect, track, output
    (per output), age (from capture to tracks). Percentiles are exact within 0.5 %.
    """

    frames_in: int = 0
    processed: int = 0
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

    def as_dict(self) -> dict[str, Any]:
        """What `--stats` writes, ready for json."""
        return {
            "frames": {
                "in": self.frames_in,
                "processed": self.processed,
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
        }


class StatsCollector:
    """Where every thread of a run notes what happened. The lock is held for microseconds and inside it
    nothing else is called."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._captured, self._processed, self._shown = Meter(), Meter(), Meter()
        self._dropped: Counter[str] = Counter()
        self._unwritten = self._invalid_boxes = self._missed = self._detections = self._tracked = 0
        self._stages = {stage: Histogram() for stage in STAGES}
        self._last_out_at = 0.0
        self._started_at = self._finished_at = 0.0
        self._released: deque[tuple[int, float, float]] = deque(maxlen=256)
        self._shown_frame: tuple[int, float] | None = None
        self._shown_age_ms: float | None = None

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
        self, stage_ms: Mapping[str, float], age_ms: float, *, detections: int = 0, tracked: int = 0
    ) -> None:
        with self._lock:
            self._detections += detections
            self._tracked += tracked
            self._last_out_at = now = time.monotonic()
            self._processed.tick(now)
            for stage in ("queue", "detect", "track"):
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

    def shown(self, frame: Frame) -> None:
        """A viewer painted this frame. Painting the same one again counts for nothing."""
        now, key = time.monotonic(), (frame.index, frame.t)
        with self._lock:
            if key == self._shown_frame:
                return
            self._shown_frame = key
            self._shown.tick(now)
            for index, t, at in reversed(self._released):
                if (index, t) == key:
                    self._shown_age_ms = (now - at) * 1e3
                    break

    def snapshot(self) -> Stats:
        now = time.monotonic()
        with self._lock:
            end = self._finished_at or now
            return Stats(
                frames_in=self._captured.count + self._missed,
                processed=self._processed.count,
                shown=self._shown.count,
                dropped=dict(self._dropped),
                unwritten=self._unwritten,
                invalid_boxes=self._invalid_boxes,
                detections=self._detections,
                tracked=self._tracked,
                capture_fps=self._captured.rate(),
                inference_fps=_per_second(self._processed.count, self._last_out_at - self._captured.first_at),
                display_fps=self._shown.rate(),
                elapsed_s=end - self._started_at if self._started_at else 0.0,
                stages_ms={
                    stage: {"p50": times.percentile(0.5), "p95": times.percentile(0.95)}
                    for stage, times in self._stages.items()
                    if times
                },
                live=LiveStats(
                    self._captured.recent_rate(now),
                    self._processed.recent_rate(now),
                    self._shown.recent_rate(now),
                    self._shown_age_ms,
                ),
            )
