"""Goes through a film once and hands each frame, with its tracks, to what is made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rtdet.protocols import Sink, Source
from rtdet.rendering.hiding import HiddenClasses
from rtdet.rendering.looked_at import LookedAt
from rtdet.rendering.matching import TracksOfFilm
from rtdet.types import Detections, Frame, FrameResult

# Times are sums of floats: a frame this close to the end of a span is beyond it.
_ROUNDING_S = 1e-6


@dataclass(frozen=True)
class Span:
    """What of a film is rendered, from the next frame of the source on: until `end_s` on its clock, for `duration_s`
    from the first frame, for `max_frames`, whichever comes first. Frames before `start_s` are left out."""

    start_s: float = 0.0
    end_s: float | None = None
    duration_s: float | None = None
    max_frames: int | None = None

    def is_over(self, frame: Frame, first: Frame | None, rendered: int) -> bool:
        """Whether the frame, which follows `rendered` frames of the span, is beyond it."""
        if self.max_frames is not None and rendered >= self.max_frames:
            return True
        if self.end_s is not None and frame.t >= self.end_s - _ROUNDING_S:
            return True
        begun = frame.t if first is None else first.t
        return self.duration_s is not None and frame.t - begun >= self.duration_s - _ROUNDING_S


def render(
    source: Source,
    tracks: TracksOfFilm,
    sinks: Sequence[Sink],
    span: Span,
    *,
    hidden: HiddenClasses | None = None,
    looked_at: LookedAt | None = None,
    on_frame: Callable[[], None] = lambda: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Writes the frames of the span to the sinks, which it closes, also where an error ends it; returns how many.

    What is to be hidden is hidden before any sink sees a picture. With `looked_at`, frames before and after those
    that a run looked at are left out. `is_stopped` is asked before each frame. Raises SourceError and OutputError.
    """
    first: Frame | None = None
    count = 0
    try:
        while not is_stopped():
            if span.max_frames is not None and count >= span.max_frames:
                break
            frame = source.read()
            if frame is None:
                if count:  # a clip beyond the end says nothing of where the film ends
                    tracks.check_end()
                break
            if span.is_over(frame, first, count):
                break
            if frame.t < span.start_s - _ROUNDING_S:
                continue
            if looked_at is not None:
                if looked_at.is_after(frame.index + 1, source.info.frame_count):
                    break
                if looked_at.is_before(frame.index + 1):
                    continue
            first = first or frame
            result = _result(frame, tracks, hidden, looked_at)
            for sink in sinks:
                sink.write(result)
            count += 1
            on_frame()
    finally:
        _close(sinks)
    return count


def _result(
    frame: Frame, tracks: TracksOfFilm, hidden: HiddenClasses | None, looked_at: LookedAt | None
) -> FrameResult:
    of_frame, number = tracks.of(frame), frame.index + 1
    if hidden is not None:
        is_unknown = looked_at is not None and looked_at.is_unknown(number)
        bgr = hidden.hide_all(frame.bgr) if is_unknown else hidden.apply(frame.bgr, number)
        frame = replace(frame, picture=bgr)
    return FrameResult(frame, Detections(), of_frame)


def _close(sinks: Sequence[Sink]) -> None:
    """Closes every sink; raises the first error."""
    failure: Exception | None = None
    for sink in sinks:
        try:
            sink.close()
        except Exception as error:
            failure = failure or error
    if failure is not None:
        raise failure
