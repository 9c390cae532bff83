"""One detector for several runs at a time, which it serves in turns."""

from __future__ import annotations

import atexit
import copy
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

from rtdet.errors import ModelError
from rtdet.pipeline.detector_client import DetectorClient, SidedClient, closed
from rtdet.pipeline.governor import has_sides, quick_precision_of
from rtdet.pipeline.requests import Picture, Request, for_one_call, is_wide_enough, widest, within
from rtdet.pipeline.streaming import answers
from rtdet.pipeline.supervisor import describe
from rtdet.pipeline.turns import Turns
from rtdet.protocols import Detector, StreamingDetector
from rtdet.types import Detections, Image, Thresholds, size_of

log = logging.getLogger("rtdet.pipeline")

# A waiting thread looks again this often: a wait without a time limit cannot be interrupted on Windows.
_LOOK_AGAIN_S = 0.25
_END_LIMIT_S = 2.0
_EXIT_LIMIT_S = 10.0


class SharedDetector:
    """Owns `detector`, and the one thread that runs it for all clients. It waits for nothing but a picture: what has
    come in by the time it is free goes in together, up to `batch_size` pictures, those of the clients in turns
    (`turns`). One that streams (protocols.StreamingDetector) gets the next of them as soon as it has room, and looks
    at them without a pause. A client that asks for nothing costs nothing.

    ends_with_clients: it is closed, with the detector, once the last of its clients has left.

    An error of the detector itself ends it: it reaches every client, those that ask later too. Everything here may be
    called from any thread.

    >>> hub = SharedDetector(load_detector("rtdet-n"))
    >>> door, yard = hub.client("door"), hub.client("yard")   # a Detector each, for a pipeline each
    """

    def __init__(self, detector: Detector, batch_size: int = 8, *, ends_with_clients: bool = False) -> None:
        if batch_size < 1:
            raise ValueError(f"a batch must have at least one picture, not {batch_size}")
        self._detector = detector
        self._thresholds = detector.thresholds
        self._suppression: str = getattr(detector, "suppression", "none")
        self._ends_with_clients = ends_with_clients
        # The side of its input, where that can be changed, and what clients want it to be instead.
        self._full_side: int | None = detector.side if has_sides(detector) else None
        self._sides: dict[DetectorClient, int] = {}
        self._quick: set[DetectorClient] = set()  # those that want it quick and less exact
        # Re-entrant, because the garbage collector may run a finaliser that closes a client inside.
        self._lock = threading.RLock()
        self._asked = threading.Condition(self._lock)
        self._clients: list[DetectorClient] = []
        self._turns = Turns(batch_size)
        self._calls: deque[list[Picture]] = deque()  # the thread's, next
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._is_closed = False
        _open.add(self)

    def client(self, name: str, thresholds: Thresholds | None = None) -> DetectorClient:
        """A Detector for one run; `name` is what it is called in messages. Its thresholds are its own, at first
        those that the shared one came with. Raises ModelError once closed, or the error of the detector."""
        with self._lock:
            if self._error is not None:
                raise _copy(self._error)
            if self._is_closed:
                raise closed(name)
            is_sided = self._full_side is not None or quick_precision_of(self._detector)
            kind = SidedClient if is_sided else DetectorClient
            client = kind(self, name, thresholds or self._thresholds)
            self._clients.append(client)
        return client

    @property
    def detector(self) -> Detector:
        """The detector that is shared; to be asked what it is, not to be run."""
        return self._detector

    @property
    def clients(self) -> tuple[DetectorClient, ...]:
        """Those that have not left."""
        return tuple(self._clients)

    @property
    def error(self) -> BaseException | None:
        """What the detector failed with."""
        return self._error

    def close(self, timeout_s: float = _END_LIMIT_S) -> bool:
        """Ends it, and closes the detector once it has come back from its last call. Who waits for it gets a
        ModelError at once. False where the detector had not come back after `timeout_s` and was left behind."""
        with self._lock:
            was_closed, self._is_closed = self._is_closed, True
            for client in self._clients:
                client._give_up(closed(client.name))
            self._clients = []
            self._asked.notify_all()
            thread = self._thread
        if thread is None:
            if not was_closed:
                self._detector.close()
            return True
        if thread is threading.current_thread():
            return False
        thread.join(timeout_s)
        if thread.is_alive():
            name = describe(self._detector)
            log.warning("%s did not come back within %g s and was left behind", name, timeout_s)
        return not thread.is_alive()

    def __enter__(self) -> SharedDetector:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # Called by clients

    def _ask(self, client: DetectorClient, request: Request) -> None:
        with self._lock:
            if self._error is not None:
                raise _copy(self._error)
            if client.is_closed:
                raise closed(client.name)
            if self._thread is None:
                self._thread = threading.Thread(target=self._main, name="rtdet-shared-detector", daemon=True)
                self._thread.start()
            client._request = request
            self._turns.join(client._place, request.missing)
            self._asked.notify_all()

    def _leave(self, client: DetectorClient) -> None:
        with self._lock:
            self._clients = [other for other in self._clients if other is not client]
            self._wish_side(client, None)
            self._wish_quick(client, False)
            client._give_up(closed(client.name))
            is_over = self._ends_with_clients and not self._clients and not self._is_closed
        if is_over:
            self.close()

    def _wish_quick(self, client: DetectorClient, is_quick: bool) -> None:
        with self._lock:
            before = bool(self._quick)
            if is_quick and not client.is_closed:
                self._quick.add(client)
            else:
                self._quick.discard(client)
            if bool(self._quick) != before and not self._is_closed:
                self._detector.set_quick(bool(self._quick))  # type: ignore[attr-defined]  # it has a quick one

    def _wish_side(self, client: DetectorClient, side: int | None) -> None:
        """The client wants an input of that side; None: no more."""
        with self._lock:
            full = self._full_side
            if full is None or self._is_closed:
                return
            before = min(self._sides.values(), default=full)
            if side is None or side == full or client.is_closed:
                self._sides.pop(client, None)
            else:
                self._sides[client] = side
            wanted = min(self._sides.values(), default=full)
            if wanted != before:
                self._detector.set_side(wanted)  # type: ignore[attr-defined]  # it has sides

    # Its thread

    def _main(self) -> None:
        try:
            while self._has_calls(wait=True):
                self._run(self._calls.popleft())
        except BaseException as error:
            self._fail(error)
        try:
            self._detector.close()
        except Exception as error:
            log.warning("%s failed when it was closed: %s", describe(self._detector), error)

    def _has_calls(self, *, wait: bool) -> bool:
        """Whether there are pictures to look at: those whose turn it is, where all before them are in hand. `wait`:
        until there are; False at the end."""
        while not self._calls and (batch := self._next_batch(wait=wait)):
            ready = [one for one in batch if self._is_ready(one)]
            self._calls.extend(for_one_call(ready, self._suppression))
        return bool(self._calls)

    def _next_batch(self, *, wait: bool) -> list[Picture]:
        with self._lock:
            while not self._is_closed:
                places = {client._place: client for client in self._clients}
                chosen = self._turns.choose(list(places), time.monotonic())
                if chosen or not wait:
                    return [one for place, count in chosen for one in places[place]._take(count)]
                self._asked.wait(_LOOK_AGAIN_S)
            return []

    def _is_ready(self, one: Picture) -> bool:
        """Has a picture that is the newest of its source handed over; False where that fails. Without the lock:
        whoever hands it over has locks of its own."""
        try:
            one.fetch()
        except Exception as error:
            with self._lock:
                one.request.error = error
                one.request.client._answered.notify_all()
            return False
        return True

    def _run(self, pictures: list[Picture]) -> None:
        """Looks at pictures of several clients, by thresholds that are wide enough for all of them."""
        thresholds = widest(pictures)
        if self._detector.thresholds != thresholds:
            self._detector.thresholds = thresholds
        if isinstance(self._detector, StreamingDetector):
            self._run_on(self._detector, thresholds, pictures)
        else:
            self._run_once(thresholds, pictures)

    def _run_on(self, detector: StreamingDetector, thresholds: Thresholds, pictures: list[Picture]) -> None:
        """Looks at these pictures, and at what comes meanwhile for as long as the same thresholds do for it."""
        began = time.monotonic()

        def questions() -> Iterator[tuple[Picture, Image]]:
            these = pictures
            while these:
                for one in _by_size(these):
                    if one.request.error is None:  # else nobody waits for it any more
                        yield one, one.image
                goes_on = not self._is_mixed() and self._has_calls(wait=False)
                these = self._calls.popleft() if goes_on and self._does_for(thresholds) else []

        with closing(answers(detector, questions())) as found:
            for one, detections in found:
                self._answer([one], thresholds, [detections], began)
                began = time.monotonic()

    def _is_mixed(self) -> bool:
        """Whether some ask in bulk and others with the newest picture there is. Those would wait behind all that is
        in hand of the former, which fills each place that becomes free before they ask again."""
        with self._lock:
            return len({client._place.is_bulk for client in self._clients}) > 1

    def _does_for(self, thresholds: Thresholds) -> bool:
        """Whether the next pictures can be looked at by these thresholds."""
        return is_wide_enough(thresholds, self._calls[0], self._suppression)

    def _run_once(self, thresholds: Thresholds, pictures: list[Picture]) -> None:
        pictures, began = _by_size(pictures), time.monotonic()
        found = self._detector.detect([one.image for one in pictures])
        if len(found) != len(pictures):
            raise ModelError(
                f"{describe(self._detector)} gave {len(found)} results for {len(pictures)} pictures"
            )
        self._answer(pictures, thresholds, found, began)

    def _answer(
        self, pictures: Sequence[Picture], thresholds: Thresholds, found: Sequence[Detections], began: float
    ) -> None:
        """Hands on what was found by a call that `began`, or since the last answer."""
        whole_ms = (time.monotonic() - began) * 1e3 / len(pictures)
        times: Mapping[str, float] = getattr(self._detector, "last_ms", None) or {"infer": whole_ms}
        with self._lock:
            for one, detections in zip(pictures, found, strict=True):
                one.answer(within(one.thresholds, thresholds, detections), times)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._error, self._is_closed = error, True
            self._calls.clear()
            for client in self._clients:
                client._give_up(_copy(error))


def _by_size(pictures: list[Picture]) -> list[Picture]:
    """So that those of one size go through the network together."""
    return sorted(pictures, key=lambda one: size_of(one.image))


def _copy(error: BaseException) -> BaseException:
    """An error of its own for each thread that raises it: they would add to one traceback."""
    try:
        own = copy.copy(error)
    except Exception:
        return error
    own.__cause__ = error
    return own


# An interpreter that exits while native code runs in a daemon thread may crash; on a machine that is busy with other
# things a call of eight pictures may take seconds.
_open: weakref.WeakSet[SharedDetector] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for hub in list(_open):
        hub.close(_EXIT_LIMIT_S)
