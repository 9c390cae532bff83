"""Pictures on their way through a shared detector: who has asked, for what, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rtdet.types import Detections, Image, Thresholds

if TYPE_CHECKING:
    from rtdet.pipeline.detector_client import DetectorClient


class Request:
    """One call of a client's `detect`, or of `detect_newest`: its one image is then None, until `newest` gives it."""

    def __init__(
        self,
        client: DetectorClient,
        images: Sequence[Image | None],
        newest: Callable[[], Image] | None = None,
    ) -> None:
        self.client, self.images, self.newest = client, images, newest
        self.taken, self.missing = 0, len(images)
        self.found: list[Detections] = [Detections()] * len(images)
        self.ms: dict[str, float] = {}
        self.error: BaseException | None = None


class Picture:
    """A picture of a request, on its way, and the thresholds that held when its turn came."""

    __slots__ = ("_image", "index", "request", "thresholds")

    def __init__(self, request: Request, index: int, thresholds: Thresholds) -> None:
        self.request, self.index, self.thresholds = request, index, thresholds
        self._image = request.images[index]

    @property
    def image(self) -> Image:
        assert self._image is not None, "it was fetched"
        return self._image

    def fetch(self) -> None:
        """Has the newest handed over, where that was to wait for its turn."""
        if self.request.newest is not None:
            self._image = self.request.newest()

    def answer(self, found: Detections, times: Mapping[str, float]) -> None:
        request, client = self.request, self.request.client
        request.found[self.index] = found
        for name, ms in times.items():
            request.ms[name] = request.ms.get(name, 0.0) + ms
        request.missing -= 1
        client.served += 1
        client._place.answered_at = time.monotonic()
        if not request.missing:
            client._answered.notify_all()


def for_one_call(pictures: Sequence[Picture], suppression: str) -> Iterable[list[Picture]]:
    """Divides the pictures into those that a detector of this suppression can be asked for at once. Of boxes that
    were thinned out by NMS for a low score, those of a higher one are just what they would be without the others: a
    box is suppressed only by one that scores more. Of any other way that is not known."""
    groups: dict[object, list[Picture]] = {}
    for one in pictures:
        groups.setdefault(_kind(one.thresholds, suppression), []).append(one)
    return groups.values()


def _kind(asked: Thresholds, suppression: str) -> object:
    """The same for what can be asked for at once."""
    return (asked.iou, asked.classes) if suppression in ("nms", "diou") else asked


def is_wide_enough(wider: Thresholds, pictures: Sequence[Picture], suppression: str) -> bool:
    """Whether pictures of one call find what they ask for by these thresholds too."""
    asked = widest(pictures)
    return asked == wider or (
        _kind(wider, suppression) == _kind(asked, suppression)
        and wider.least_score <= asked.least_score
        and wider.max_detections >= asked.max_detections
    )


def widest(pictures: Sequence[Picture]) -> Thresholds:
    """What all of them are asked for, where they differ in scores and numbers only."""
    asked = {one.thresholds for one in pictures}
    first = pictures[0].thresholds
    if len(asked) == 1:
        return first
    return replace(
        first,
        confidence=min(one.least_score for one in asked),
        low=None,
        max_detections=max(one.max_detections for one in asked),
    )


def within(asked: Thresholds, wider: Thresholds, found: Detections) -> Detections:
    """Of what a detector found by wider thresholds, by falling score, what it would have found as it was asked."""
    if asked == wider:
        return found
    return found[np.flatnonzero(found.scores >= asked.least_score)[: asked.max_detections]]
