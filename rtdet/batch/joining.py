"""The pieces of a film as the parts of a pipeline that runs through them in one: the tracks are those of one pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from rtdet.batch.piece_file import NotJoinableError, read_piece, read_seen
from rtdet.batch.piece_source import why_no_seam
from rtdet.protocols import SourceState
from rtdet.types import Detections, FloatArray, Frame, Image, Thresholds
from rtdet.video.sources.container import FileSource
from rtdet.video.sources.timeline import Timeline, stamped

# What is shown of a picture that nobody needs to see.
_GRAY = 114


def check_seams(files: Sequence[str]) -> None:
    """Raises NotJoinableError where the pieces in these files do not follow each other as in one pass."""
    for before, after in pairwise(map(read_seen, files)):
        if reason := why_no_seam(before, after):
            raise NotJoinableError(reason)


def found_in(files: Sequence[str | Path]) -> Iterator[tuple[int | None, tuple[int, int], Detections]]:
    """Of each picture, in order: its time in ticks, its size and what was found in it. Holds one piece at a time."""
    for file in files:
        piece = read_piece(file)
        yield from zip(piece.seen.pts, piece.sizes, piece.found, strict=True)


class JoinedSource:
    """The frames of a film without their pictures, which are grey, at the times that one pass gives them.

    film: it, open, which is asked only for what its header says; closed with this. `found` has, by the frame's
    number, what was found in the frames that were read and not asked for yet.
    """

    def __init__(self, files: Sequence[str], film: FileSource) -> None:
        self.info, self.state = film.info, SourceState.OPEN
        self._film = film
        self._time_base, frame_s = film.clock
        self._timeline = Timeline(frame_s)
        self._start_pts: int | None = None
        self._pictures = found_in(files)
        self._index = 0
        self._found: dict[int, Detections] = {}
        self._gray: Image = np.zeros((0, 0, 3), np.uint8)
        self._lock = threading.Lock()

    def read(self) -> Frame | None:
        with self._lock:
            picture = None if self.state is SourceState.ENDED else next(self._pictures, None)
            if picture is None:
                if self.state is not SourceState.ENDED:
                    self.state = SourceState.ENDED
                    self._film.check_end(self._timeline.last or 0.0)
                return None
            pts, (width, height), found = picture
            t, own, self._start_pts = stamped(self._timeline, self._start_pts, pts, self._time_base)
            if self._gray.shape[:2] != (height, width):
                self._gray = np.full((height, width, 3), _GRAY, np.uint8)
            index, self._index = self._index, self._index + 1
            self._found[index] = found
            time_base = self._time_base if own else None
            return Frame(self._gray, t, index, time.monotonic(), pts if own else None, time_base)

    def found(self, frame: Frame) -> Detections:
        """What was found in a frame that `read` gave; each is asked for once."""
        return self._found.pop(frame.index)

    def close(self) -> None:
        with self._lock:
            self.state = SourceState.ENDED
            self._film.close()


class FoundAlready:
    """What was found in the frames of a film as it is read anew, with its pictures. Raises NotJoinableError where
    they are not those of the pieces."""

    def __init__(self, files: Sequence[str]) -> None:
        self._pictures = found_in(files)
        self._index = -1

    def found(self, frame: Frame) -> Detections:
        """Of the next frame."""
        self._index += 1
        picture = next(self._pictures, None)
        if picture is None or frame.index != self._index or frame.size != picture[1]:
            raise NotJoinableError("read once more, it has other pictures")
        if frame.pts is not None and frame.pts != picture[0]:
            raise NotJoinableError("read once more, its pictures have other times")
        return picture[2]

    def is_at_end(self) -> bool:
        """Whether no picture is left."""
        return next(self._pictures, None) is None


class PieceDetector:
    """Gives what a detector has given in the frames of the pieces (protocols.FrameDetector)."""

    def __init__(
        self,
        found: Callable[[Frame], Detections],
        class_names: Sequence[str],
        thresholds: Thresholds,
        suppression: str,
    ) -> None:
        self.class_names, self.thresholds, self.suppression = class_names, thresholds, suppression
        self._found = found

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """Nothing: a picture alone does not say which frame it is."""
        return [Detections(class_names=self.class_names) for _ in images]

    def detect_frames(self, frames: Sequence[Frame]) -> list[Detections | None]:
        return [self._found(frame) for frame in frames]

    def carries(self, frame: Frame) -> bool:
        return False

    def camera_step(self, frame: Frame) -> FloatArray | None:
        return None

    def close(self) -> None:
        """It holds nothing."""
