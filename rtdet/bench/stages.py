"""Each stage of a run by itself: decoding, the detector, the tracker, and what a recording adds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

from rtdet.protocols import Detector, Sink, Source, StreamingDetector, Tracker
from rtdet.types import Detections, Frame, FrameResult, Tracks

# Pictures that are held for the detector, as the decoder gave them.
_HELD_BYTES = 256e6
_MOST_HELD, _LEAST_HELD = 120, 8
# Before a stage counts, so much of it is done: threads start, and a network's first runs are slow.
_WARM_UP = 2


@dataclass(frozen=True)
class Stage:
    """A stage of a run, measured alone.

    frames: how many went through it in `wall_s` seconds, for which the process took `cpu_s` seconds of all its cores.
    parts_ms: milliseconds a frame of its parts, where it has some.
    """

    name: str
    frames: int
    wall_s: float
    cpu_s: float
    parts_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def frames_per_s(self) -> float:
        return self.frames / self.wall_s

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of one core for a frame."""
        return self.cpu_s / self.frames * 1e3


class Clock:
    """Seconds on the wall and seconds of the process's cores since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    @property
    def wall_s(self) -> float:
        return time.perf_counter() - self._wall

    @property
    def cpu_s(self) -> float:
        return time.process_time() - self._cpu

    def stage(self, name: str, frames: int, parts_ms: Mapping[str, float] | None = None) -> Stage:
        return Stage(name, frames, max(self.wall_s, 1e-9), self.cpu_s, parts_ms or {})


def decoding(source: Source, seconds: float, fewest: int) -> tuple[Stage, list[Frame]]:
    """Reads the source for so long and the `fewest` frames, or to its end; gives the first frames, as many as may be
    held."""
    size = source.info.width * source.info.height * 1.5
    most = int(min(max(_HELD_BYTES / max(size, 1.0), _LEAST_HELD), _MOST_HELD))
    held: list[Frame] = []
    clock, count = Clock(), 0
    while (clock.wall_s < seconds or count < fewest) and (frame := source.read()) is not None:
        count += 1
        if len(held) < most:
            held.append(frame)
    return clock.stage("decode", count), held


def detecting(
    detector: Detector, frames: Sequence[Frame], seconds: float, batch_size: int
) -> tuple[Stage, list[Detections]]:
    """The detector on these frames as a run over a file has them: one after the other where it streams, else
    `batch_size` at a time; then one by one for the times of its parts. The detections are those of the frames."""
    takes_pictures = getattr(detector, "takes_pictures", False)
    images: list[Any] = [frame.picture if takes_pictures else frame.bgr for frame in frames]
    for _ in islice(_over_and_over(detector, images, batch_size), _WARM_UP * batch_size):
        pass
    found: list[Detections] = []
    clock, count = Clock(), 0
    for detections in _over_and_over(detector, images, batch_size):
        count += 1
        if len(found) < len(images):
            found.append(detections)
        elif clock.wall_s >= seconds:
            break
    stage = clock.stage("detect", count)
    return Stage(stage.name, count, stage.wall_s, stage.cpu_s, _parts(detector, images[:16])), found


def _over_and_over(detector: Detector, images: Sequence[Any], batch_size: int) -> Iterator[Detections]:
    if isinstance(detector, StreamingDetector):
        yield from detector.detect_each(cycle(images))
    else:
        for at in cycle(range(0, len(images), batch_size)):
            yield from detector.detect(images[at : at + batch_size])


def _parts(detector: Detector, images: Sequence[object]) -> Mapping[str, float]:
    """Milliseconds of preparing, network, and decoding with NMS, of one picture at a time."""
    times: list[Mapping[str, float]] = []
    for image in images:
        detector.detect([image])  # type: ignore[list-item]
        times.append(getattr(detector, "last_ms", {}))
    middle = len(times) // 2
    return {part: sorted(one.get(part, 0.0) for one in times)[middle] for part in (times[0] if times else {})}


def tracking(
    tracker: Tracker, frames: Sequence[Frame], found: Sequence[Detections], seconds: float
) -> tuple[Stage, list[Tracks]]:
    """The tracker on these detections, over and over; the tracks are those of the first time."""
    tracks: list[Tracks] = []
    clock, count = Clock(), 0
    while not tracks or clock.wall_s < seconds:
        tracker.reset()
        for frame, detections in zip(frames, found, strict=True):
            updated = tracker.update(detections, frame.t)
            if len(tracks) < len(frames):
                tracks.append(updated)
            count += 1
    return clock.stage("track", count), tracks


def recording(sink: Sink, frames: Sequence[Frame], tracks: Sequence[Tracks]) -> Stage:
    """Drawing and encoding of these frames. Closes the sink."""
    clock = Clock()
    with _closed(sink):
        for frame, shown in zip(frames, tracks, strict=True):
            sink.write(FrameResult(frame, Detections(), shown))
    return clock.stage("record", len(frames))


@contextmanager
def _closed(sink: Sink) -> Iterator[None]:
    try:
        yield
    finally:
        sink.close()
