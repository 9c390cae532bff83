"""A kept run as the parts of a pipeline: its video, or grey pictures in its place, and its candidates."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rtdet.errors import SourceError
from rtdet.kept.about import About, fingerprint
from rtdet.kept.reading import KeptRun, is_kept_run
from rtdet.pipeline.keeping import chosen
from rtdet.pipeline.kept_frame import CARRIED
from rtdet.protocols import SourceState
from rtdet.types import Detections, FloatArray, Frame, Image, SourceInfo, Thresholds
from rtdet.video.sources.reading import MAX_MEGAPIXELS, too_large

log = logging.getLogger("rtdet.kept")

GRAY = 96
# Two times of one frame differ by less: a container's times are exact, a clock's are floats.
_SAME_S = 1e-3
_USUAL_FPS = 25.0


def find_video(run: KeptRun) -> str | None:
    """What `open_source` may be given to see the run's pictures: the demo, the video where it was, or beside the run,
    under its name or another; of a run that was kept of a kept one, that one's. None where it is not to be found: a
    camera's pictures are gone. Told by its hash from another video of its name, of which a warning says that it is
    another.
    """
    found = _find_source(run)
    if found is None or not is_kept_run(Path(found)):
        return found
    with KeptRun(Path(found)) as before:
        return find_video(before)


def _find_source(run: KeptRun) -> str | None:
    about = run.about
    if about.source == "demo" or about.source.startswith("demo:"):
        return about.source
    if not about.fingerprint:
        return None
    folder = run.path.resolve().parent
    named = [Path(about.path), folder / Path(about.path).name]
    for path in named:
        if _is_the_one(path, about):
            return str(path)
    size = about.fingerprint.get("bytes")
    try:
        others = sorted(path for path in folder.iterdir() if path.is_file() and path.stat().st_size == size)
    except OSError:
        others = []
    found = next((path for path in others if _is_the_one(path, about)), None)
    if found is None and (other := next((path for path in named if path.is_file()), None)) is not None:
        log.warning("%s is not the video that %s was kept of: it has another content", other, run.path.name)
    return None if found is None else str(found)


def _is_the_one(path: Path, about: About) -> bool:
    try:
        if not path.is_file() or path.stat().st_size != about.fingerprint.get("bytes"):
            return False
        return fingerprint(path) == dict(about.fingerprint)
    except (SourceError, OSError, ValueError):  # it cannot be read, or no path can be called so
        return False


class GraySource:
    """The frames of a kept run without their pictures (protocols.Source): grey, at their own times. Starts at the
    first frame from `start_s` on. Raises SourceError where they are larger than `max_megapixels`."""

    def __init__(self, run: KeptRun, start_s: float = 0.0, max_megapixels: float = MAX_MEGAPIXELS) -> None:
        frames = run.frames
        sizes = np.vstack((run.about.size, frames.sizes))
        width, height = sizes[sizes.prod(axis=1).argmax()].tolist()
        if line := too_large(run.path, width, height, max_megapixels):
            raise SourceError(line)
        self._rows = np.flatnonzero(np.isfinite(frames.times_s) | bool(run.about.are_pictures))
        self._frames = frames
        self._at = 0
        self._picture: Image = np.zeros((0, 0, 3), np.uint8)
        self.state = SourceState.OPEN
        self.info = self._info(run.about)
        if start_s > 0:
            self.seek(start_s)

    def _info(self, about: About) -> SourceInfo:
        info, times = about.info, self._frames.times_s[self._rows]
        steps = np.diff(times)
        usual = 1 / float(np.median(steps[steps > 0])) if (steps > 0).any() else _USUAL_FPS
        fps = info.fps or usual
        return replace(
            info,
            fps=fps,
            frame_count=len(self._rows),
            duration_s=float(np.nanmax(times, initial=0.0)) + 1 / fps if len(times) else 0.0,
            is_live=False,
            is_seekable=True,
            detail="without its pictures",
        )

    def read(self) -> Frame | None:
        if self.state is SourceState.ENDED or self._at >= len(self._rows):
            self.state = SourceState.ENDED
            return None
        frames, row = self._frames, int(self._rows[self._at])
        self._at += 1
        width, height = (int(side) for side in frames.sizes[row])
        if self._picture.shape[:2] != (height, width):
            self._picture = np.full((max(height, 1), max(width, 1), 3), GRAY, np.uint8)
        pts = int(frames.pts[row])
        t, number = float(frames.times_s[row]), int(frames.numbers[row])
        return Frame(
            self._picture.copy(), t, number - 1, pts=None if pts < 0 else pts, name=frames.names[row]
        )

    def seek(self, t: float) -> None:
        """The next frame is the first of this time or later."""
        half = 0.5 / (self.info.fps or _USUAL_FPS)
        later = np.flatnonzero(self._frames.times_s[self._rows] >= t - half)
        self._at = int(later[0]) if len(later) else max(len(self._rows) - 1, 0)
        self.state = SourceState.OPEN

    def time_of(self, index: int) -> float | None:
        """See protocols.NumberedSource."""
        if not len(self._rows):
            return None
        place = int(np.searchsorted(self._frames.numbers[self._rows], index + 1))
        return float(self._frames.times_s[self._rows[min(place, len(self._rows) - 1)]])

    def close(self) -> None:
        self.state = SourceState.ENDED


class KeptDetector:
    """Gives the candidates of a kept run for the frames of its source (protocols.FrameDetector). It owns the run."""

    def __init__(self, run: KeptRun, thresholds: Thresholds) -> None:
        self.run, self.thresholds = run, thresholds
        self.class_names: Sequence[str] = run.class_names
        self.suppression = run.about.suppression
        frames = run.frames
        self._numbers = frames.numbers
        self._times = frames.times_s
        self._is_processed, self._dropped = frames.is_processed, frames.dropped
        self._by_time = np.argsort(self._times, kind="stable")
        self._sorted = self._times[self._by_time]

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """Nothing: a picture alone does not say which frame it is."""
        return [Detections(class_names=self.class_names) for _ in images]

    def detect_frames(self, frames: Sequence[Frame]) -> list[Detections | None]:
        """What the thresholds let through of what was found in these frames; None for those that were not looked
        at."""
        return [self._found(frame) for frame in frames]

    def carries(self, frame: Frame) -> bool:
        """Whether the run's tracks were carried to this frame, and nobody looked at it."""
        row = self._row_of(frame)
        return row is not None and self._dropped[row] == CARRIED

    def camera_step(self, frame: Frame) -> FloatArray | None:
        """The camera's transform (2, 3) that the run's tracker was told."""
        row = self._row_of(frame)
        return None if row is None else self.run.camera_step(row)

    def _found(self, frame: Frame) -> Detections | None:
        row = self._row_of(frame)
        if row is None or not self._is_processed[row]:
            return None
        candidates = self.run.candidates(int(self._numbers[row]))
        return chosen(candidates, self.thresholds, self.suppression)

    def _row_of(self, frame: Frame) -> int | None:
        """By number, and where that is another time, as in a video that was cut, by time."""
        row = int(np.searchsorted(self._numbers, frame.index + 1))
        are_pictures = self.run.about.are_pictures
        is_there = row < len(self._numbers) and self._numbers[row] == frame.index + 1
        if is_there and (are_pictures or abs(self._times[row] - frame.t) < _SAME_S):
            return row
        if are_pictures:
            return None
        times = self._sorted
        place = int(np.searchsorted(times, frame.t - _SAME_S))
        is_there = place < len(times) and abs(times[place] - frame.t) < _SAME_S
        return int(self._by_time[place]) if is_there else None

    def close(self) -> None:
        self.run.close()
