"""The models of a worker: each is loaded once and used for one source after the other."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from typing import Any

from rtdet.build import build_detector
from rtdet.config import RunConfig
from rtdet.detectors.selection import check_classes as check_classes_known
from rtdet.detectors.selection import thresholds_of
from rtdet.protocols import Detector, StreamingDetector
from rtdet.trackers.registry import check_classes
from rtdet.types import Detections, Image, SourceInfo, Thresholds, size_of

# Rows of a manifest may name models of their own.
_MOST = 2


class Detectors:
    """Gives the detector of a run, with its thresholds; keeps the last two models that were asked for."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[Any, ...], Detector] = OrderedDict()

    def get(
        self, config: RunConfig, info: SourceInfo, on_load: Callable[[], None] = lambda: None
    ) -> Detector:
        """The detector as a run of its own would have it on this source; `on_load` is called before a model is
        loaded. Raises ModelError, UsageError, ..."""
        key = config.of_the_detector
        detector = self._open.pop(key, None)
        if detector is None:
            while len(self._open) >= _MOST:
                self._open.popitem(last=False)[1].close()
            on_load()
            detector = build_detector(config)
        self._open[key] = detector
        thresholds = thresholds_of(config)
        check_classes_known(thresholds, detector.class_names)
        expected = frozenset(info.class_names) & frozenset(detector.class_names)
        if expected and not thresholds.classes:
            thresholds = replace(thresholds, classes=expected)
        detector.thresholds = thresholds
        check_classes(config.tracker, config.set, detector.class_names)
        return detector

    def drop(self) -> None:
        """Closes all, after an error that may have been theirs."""
        while self._open:
            with suppress(Exception):
                self._open.popitem()[1].close()


class NotingDetector:
    """A detector that notes what it gave in each picture, and the pictures' sizes. It streams where that one does."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.class_names = detector.class_names
        self.suppression: str = getattr(detector, "suppression", "none")
        self.takes_pictures: bool = getattr(detector, "takes_pictures", False)
        self.found: list[Detections] = []
        self.sizes: list[tuple[int, int]] = []
        if isinstance(detector, StreamingDetector):
            self.detect_each = partial(self._detect_each, detector)

    @property
    def thresholds(self) -> Thresholds:
        return self._detector.thresholds

    @thresholds.setter
    def thresholds(self, thresholds: Thresholds) -> None:
        self._detector.thresholds = thresholds

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        found = self._detector.detect(images)
        self.found += found
        self.sizes += map(size_of, images)
        return found

    def _detect_each(self, detector: StreamingDetector, images: Iterable[Image]) -> Generator[Detections]:
        """See protocols.StreamingDetector."""

        def sized() -> Iterator[Image]:
            for image in images:
                self.sizes.append(size_of(image))
                yield image

        with closing(detector.detect_each(sized())) as answers:
            for found in answers:
                self.found.append(found)
                yield found

    def close(self) -> None:
        """The detector stays open: it is used for other sources."""
