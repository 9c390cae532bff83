"""Pictures go to a detector, and what it found in those before comes back."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from typing import TypeVar

from rtdet.errors import ModelError
from rtdet.pipeline.supervisor import describe
from rtdet.protocols import StreamingDetector
from rtdet.types import Detections, Image

_Asked = TypeVar("_Asked")


def answers(
    detector: StreamingDetector, questions: Iterable[tuple[_Asked, Image]]
) -> Generator[tuple[_Asked, Detections]]:
    """Whoever asked, with what is in the picture that came with it, in order; to be closed by whoever leaves early.
    Raises ModelError for another number of results than of pictures."""
    asked = deque[_Asked]()

    def images() -> Iterator[Image]:
        for one, image in questions:
            asked.append(one)
            yield image

    with closing(detector.detect_each(images())) as found:
        for detections in found:
            if not asked:
                raise ModelError(f"{describe(detector)} gave more results than it was given pictures")
            yield asked.popleft(), detections
    if asked:
        raise ModelError(f"{describe(detector)} gave no result for {len(asked)} pictures")
