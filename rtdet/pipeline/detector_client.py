"""What a run has of a detector that it shares with others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rtdet.errors import ModelError
from rtdet.pipeline.governor import quick_precision_of
from rtdet.pipeline.requests import Picture, Request
from rtdet.pipeline.turns import Place
from rtdet.types import Detections, Image, InputSize, Thresholds

if TYPE_CHECKING:
    from rtdet.pipeline.shared_detector import SharedDetector

# A waiting thread looks again this often: a wait without a time limit cannot be interrupted on Windows.
_LOOK_AGAIN_S = 0.25


class DetectorClient:
    """A share of a SharedDetector, as a Detector (protocols.Detector). Of what the detector says of itself it has the
    same: classes, `input_size`, `suppression`, `takes_pictures`.

    `detect` waits for its turns. It raises ModelError as soon as the client or the shared detector is closed, from
    whatever thread, and the detector's own error where that failed.

    served: pictures that were looked at for it. last_ms: of its last `detect` call, the milliseconds per picture that
    the detector's parts took, without those of waiting for turns; the whole as `infer` where it tells no parts.
    """

    def __init__(self, hub: SharedDetector, name: str, thresholds: Thresholds) -> None:
        self.name, self.thresholds = name, thresholds
        self.class_names: Sequence[str] = hub.detector.class_names
        self.suppression = hub._suppression
        self.takes_pictures: bool = getattr(hub.detector, "takes_pictures", False)
        self.served = 0
        self.last_ms: Mapping[str, float] = {}
        self._hub = hub
        self._place = Place()
        self._request: Request | None = None
        self._answered = threading.Condition(hub._lock)
        self._one_call = threading.Lock()
        self._is_closed = False

    @property
    def input_size(self) -> InputSize | None:
        """The detector's, None where it does not tell."""
        size: InputSize | None = getattr(self._hub.detector, "input_size", None)
        return size

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """One Detections for each picture, as the detector would give them by itself with these thresholds."""
        return self._wait_for(Request(self, images)) if len(images) else []

    def detect_newest(self, newest: Callable[[], Image]) -> Detections:
        """As `detect` for one picture, which `newest` gives once its turn has come: from the shared detector's
        thread, at most once. What it raises is raised here, and is nobody else's error."""
        return self._wait_for(Request(self, [None], newest))[0]

    def _wait_for(self, request: Request) -> list[Detections]:
        with self._one_call:
            self._hub._ask(self, request)
            with self._answered:
                while request.error is None and request.missing:
                    self._answered.wait(_LOOK_AGAIN_S)
                self._request = None
                self._place.waiting = 0
            if request.error is not None:
                raise request.error
            self.last_ms = {name: ms / len(request.images) for name, ms in request.ms.items()}
            return request.found

    def close(self) -> None:
        """Leaves. The shared detector goes on."""
        self._hub._leave(self)

    # Called with the lock of the shared detector

    def _take(self, count: int) -> list[Picture]:
        request = self._request
        assert request is not None
        first, request.taken = request.taken, request.taken + count
        return [Picture(request, i, self.thresholds) for i in range(first, first + count)]

    def _give_up(self, error: BaseException) -> None:
        self._is_closed = True
        if self._request is not None and self._request.missing:
            self._request.error = error
        self._request, self._place.waiting = None, 0
        self._answered.notify_all()


class SidedClient(DetectorClient):
    """A share of a detector whose network can be changed as it runs. It has one input and precision for all: the
    smallest and the quickest that one of its clients wants, as whoever is too slow for one of them is busy with the
    pictures of all."""

    @property
    def quick_precision(self) -> str:
        """The detector's, as Sided.quick_precision."""
        return quick_precision_of(self._hub.detector)

    @property
    def is_quick(self) -> bool:
        """Whether the detector runs in that."""
        is_quick: bool = getattr(self._hub.detector, "is_quick", False)
        return is_quick

    def set_quick(self, is_quick: bool) -> None:
        """Wants the quick precision, or no more. Never waits."""
        self._hub._wish_quick(self, is_quick)

    @property
    def side(self) -> int:
        """Pixels of the longer side of the input that is in use."""
        side: int = self._hub.detector.side  # type: ignore[attr-defined]  # it has sides
        return side

    @property
    def full_side(self) -> int:
        """What `side` is where nobody wants another."""
        assert self._hub._full_side is not None
        return self._hub._full_side

    def set_side(self, side: int) -> None:
        """Wants an input of so many pixels on the longer side, as Sided.set_side. Never waits."""
        self._hub._wish_side(self, side)


def closed(name: str) -> ModelError:
    return ModelError(f"the detector that {name} shares with others was closed")
