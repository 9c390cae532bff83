"""A detector that says what it is told to, for tests of everything but a network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from rtdet.errors import ModelError
from rtdet.types import Detections, Image, InputSize, Thresholds

_DEFAULT_THRESHOLDS = Thresholds()
Script = Callable[[Image], Detections] | Iterable[Detections]


class FakeDetector:
    """Finds what `script` says: the n-th Detections in the n-th image (nothing after the last one), or
    whatever a function makes of the image.

    Confidence, classes and max_detections of `thresholds` are applied as a real detector would; overlaps
    are the script's own business, unless `raw`, which passes everything on untouched. `latency_s` is the
    time that one image takes; `close` cuts it short. `images_seen` and `batches` tell what was asked.
    """

    def __init__(
        self,
        script: Script = (),
        *,
        class_names: Sequence[str] = ("object",),
        thresholds: Thresholds = _DEFAULT_THRESHOLDS,
        latency_s: float = 0.0,
        raw: bool = False,
        input_size: InputSize | None = None,
    ) -> None:
        self.class_names = tuple(class_names)
        self.thresholds = thresholds
        self.latency_s = latency_s
        self.input_size = input_size
        self.batches: list[int] = []
        self._raw = raw
        self._look = script if callable(script) else _reader(script)
        self._closed = threading.Event()

    @property
    def images_seen(self) -> int:
        return sum(self.batches)

    @property
    def is_closed(self) -> bool:
        return self._closed.is_set()

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """Raises ModelError once closed."""
        if self.is_closed:
            raise ModelError("the fake detector is closed")
        self.batches.append(len(images))
        return [self._detect_one(image) for image in images]

    def close(self) -> None:
        self._closed.set()

    def _detect_one(self, image: Image) -> Detections:
        if self.latency_s:
            self._closed.wait(self.latency_s)
        found = self._look(image)
        return found if self._raw else self._filtered(found)

    def _filtered(self, found: Detections) -> Detections:
        wanted = self.thresholds
        found = Detections(found.boxes, found.scores, found.labels, found.class_names or self.class_names)
        keep = [
            row
            for row in (-found.scores).argsort(kind="stable")
            if found.scores[row] >= wanted.least_score
            and (not wanted.classes or found.name_of(row) in wanted.classes)
        ]
        return found[keep[: wanted.max_detections]]


def _reader(script: Iterable[Detections]) -> Callable[[Image], Detections]:
    lines = iter(script)
    return lambda _image: next(lines, Detections())
