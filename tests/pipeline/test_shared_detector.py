"""One detector for several runs: everyone gets a share, and what one does leaves the others alone."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtdet.errors import ModelError
from rtdet.geometry.nms import batched_nms
from rtdet.pipeline import Pipeline, Policy, SharedDetector
from rtdet.pipeline.governor import has_sides, quick_precision_of
from rtdet.protocols import Detector
from rtdet.types import Detections, Image, InputSize, Thresholds
from tests.fake_detector import FakeDetector

ROOT = Path(__file__).resolve().parents[2]


def _box_of(image: Image) -> Detections:
    """Boxes that tell which picture they are of: their left edge is its first value."""
    left = float(image[0, 0, 0])
    boxes = np.array([[left, 1, left + 9, 11], [left, 20, left + 9, 30]])
    return Detections(boxes, np.array([0.9, 0.3]), np.array([0, 1]), ("person", "car"))


def _detector(**settings: object) -> FakeDetector:
    return FakeDetector(_box_of, class_names=("person", "car"), **settings)  # type: ignore[arg-type]


class _Clients:
    """Threads that each ask `client` again and again: `pause_s` apart, with `count` pictures at a time."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()

    def start(self, client: Detector, picture: Image, *, pause_s: float = 0.0, count: int = 1) -> None:
        def ask() -> None:
            try:
                while not self._over.wait(pause_s):
                    client.detect([picture] * count)
            except Exception as error:
                self.errors.append(error)

        self._threads.append(threading.Thread(target=ask, name="asks"))
        self._threads[-1].start()

    def finish(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()


def test_eight_clients_of_different_speeds_get_equal_shares_of_a_detector_that_is_too_slow(parts) -> None:
    detector, clients = _detector(latency_s=0.005), _Clients()
    with SharedDetector(detector, batch_size=3) as hub:
        shares = [hub.client(f"camera {n}") for n in range(8)]
        for n, share in enumerate(shares):
            clients.start(share, parts.picture(n), pause_s=0.001 * n)
        parts.until(lambda: min(share.served for share in shares) >= 30)
        served = [share.served for share in shares]
        clients.finish()
    assert max(served) - min(served) <= 0.1 * np.mean(served)
    assert not clients.errors


def test_who_asks_with_many_pictures_gets_no_more_than_who_asks_with_one(parts) -> None:
    detector, clients = _detector(latency_s=0.004), _Clients()
    with SharedDetector(detector) as hub:
        file, camera = hub.client("file"), hub.client("camera")
        clients.start(file, parts.picture(1), count=8)
        clients.start(camera, parts.picture(2))
        parts.until(lambda: min(file.served, camera.served) >= 10)
        before = np.array([file.served, camera.served])
        parts.until(lambda: min(file.served, camera.served) >= 80)
        served = np.array([file.served, camera.served]) - before
        clients.finish()
    assert max(served) - min(served) <= 0.1 * np.mean(served)


def test_everyone_gets_the_results_of_its_own_pictures_in_their_order(parts) -> None:
    with SharedDetector(_detector(), batch_size=3) as hub:
        found: dict[int, list[Detections]] = {}

        def ask(first: int) -> None:
            found[first] = hub.client(str(first)).detect([parts.picture(first + i) for i in range(7)])

        threads = [threading.Thread(target=ask, args=(10 * n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for first, results in found.items():
        assert [one.boxes[0, 0] for one in results] == [first + i for i in range(7)]


class _Gate:
    """A detector that waits in its first call until it is let go, so that others come to wait."""

    def __init__(self, inner: Detector) -> None:
        self.inner, self.class_names = inner, inner.class_names
        self.suppression = getattr(inner, "suppression", "none")
        self.entered, self.may_go = threading.Event(), threading.Event()
        self.calls: list[tuple[Thresholds, int]] = []

    @property
    def thresholds(self) -> Thresholds:
        return self.inner.thresholds

    @thresholds.setter
    def thresholds(self, thresholds: Thresholds) -> None:
        self.inner.thresholds = thresholds

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        self.entered.set()
        assert self.may_go.wait(20)
        self.calls.append((self.thresholds, len(images)))
        return self.inner.detect(images)

    def close(self) -> None:
        self.inner.close()


def _waiting(hub: SharedDetector) -> int:
    return sum(client._place.waiting for client in hub.clients)


def test_thresholds_belong_to_a_client_and_equal_ones_go_through_together(parts) -> None:
    gate, clients = _Gate(_detector()), []
    asked = [Thresholds(0.25), Thresholds(0.5), Thresholds(0.25), Thresholds(0.95, low=0.2)]
    found: dict[int, Detections] = {}
    with SharedDetector(gate) as hub:
        first = threading.Thread(target=hub.client("first").detect, args=([parts.picture()],))
        first.start()
        assert gate.entered.wait(20)
        for n, thresholds in enumerate(asked):
            client = hub.client(str(n), thresholds)

            def ask(n: int = n, client: Detector = client) -> None:
                (found[n],) = client.detect([parts.picture(n)])

            clients.append(threading.Thread(target=ask))
            clients[-1].start()
        parts.until(lambda: _waiting(hub) == 4)
        gate.may_go.set()
        for thread in (first, *clients):
            thread.join()
    assert [calls for _, calls in gate.calls[1:]] == [2, 1, 1]
    for n, thresholds in enumerate(asked):
        (own,) = _detector(thresholds=thresholds).detect([parts.picture(n)])
        assert np.array_equal(own.boxes, found[n].boxes)
        assert np.array_equal(own.scores, found[n].scores)


def test_where_boxes_are_thinned_out_by_nms_pictures_of_other_scores_and_numbers_go_through_at_once(
    parts,
) -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 60, (80, 2))
    raw = Detections(
        np.hstack([corners, corners + rng.uniform(10, 40, (80, 2))]),
        rng.uniform(0.01, 1, 80), rng.integers(0, 2, 80), ("person", "car"),
    )  # fmt: skip

    class Thins(FakeDetector):
        suppression = "nms"

        def detect(self, images):
            return [self._thinned() for _ in super().detect(images)]

        def _thinned(self) -> Detections:
            asked = self.thresholds
            found = raw[np.flatnonzero(raw.scores >= asked.least_score)]
            kept = batched_nms(found.boxes, found.scores, found.labels, asked.iou)
            return found[kept[: asked.max_detections]]

    gate, threads = _Gate(Thins(class_names=("person", "car"))), []
    asked = [
        Thresholds(0.25), Thresholds(0.5), Thresholds(0.95, low=0.1), Thresholds(0.02, max_detections=3),
        Thresholds(0.25, iou=0.2), Thresholds(0.3, classes=frozenset({"car"})),
    ]  # fmt: skip
    found: dict[int, Detections] = {}
    with SharedDetector(gate) as hub:
        threads.append(_in_thread(lambda: hub.client("first").detect([parts.picture()]))[0])
        assert gate.entered.wait(20)
        for n, thresholds in enumerate(asked):
            client = hub.client(str(n), thresholds)

            def ask(n: int = n, client: Detector = client) -> None:
                (found[n],) = client.detect([parts.picture()])

            threads.append(_in_thread(ask)[0])
        parts.until(lambda: _waiting(hub) == len(asked))
        gate.may_go.set()
        for thread in threads:
            thread.join()
    assert [calls for _, calls in gate.calls[1:]] == [4, 1, 1]
    for n, thresholds in enumerate(asked):
        (alone,) = Thins(class_names=("person", "car"), thresholds=thresholds).detect([parts.picture()])
        assert len(alone) > 2
        assert np.array_equal(alone.boxes, found[n].boxes)
        assert np.array_equal(alone.scores, found[n].scores)


def test_a_client_may_ask_for_classes_and_scores_of_its_own_and_change_its_mind(parts) -> None:
    with SharedDetector(_detector()) as hub:
        door, yard = hub.client("door"), hub.client("yard")
        door.thresholds = replace(door.thresholds, classes=frozenset({"car"}))
        assert [len(one) for one in (*door.detect([parts.picture()]), *yard.detect([parts.picture()]))] == [
            1,
            2,
        ]
        yard.thresholds = Thresholds(0.95)
        assert len(yard.detect([parts.picture()])[0]) == 0
        assert len(door.detect([parts.picture()])[0]) == 1


def test_what_the_detector_says_of_itself_its_clients_say_too() -> None:
    detector = _detector(input_size=InputSize(416, is_fixed=True))
    detector.suppression, detector.takes_pictures = "nms", True  # type: ignore[attr-defined]
    with SharedDetector(detector) as hub:
        client = hub.client("door")
        assert isinstance(client, Detector)
        assert client.class_names == ("person", "car")
        assert client.thresholds == detector.thresholds
        assert (client.suppression, client.takes_pictures) == ("nms", True)
        assert client.input_size == InputSize(416, is_fixed=True)
    with SharedDetector(_detector()) as hub:
        client = hub.client("door")
        assert (client.suppression, client.takes_pictures, client.input_size) == ("none", False, None)


class _Resized(FakeDetector):
    """Its input may be of any size."""

    def __init__(self) -> None:
        super().__init__(input_size=InputSize(416))
        self.side, self.asked = 416, list[int]()

    def set_side(self, side: int) -> None:
        self.side = side
        self.asked.append(side)


def test_the_detector_has_the_smallest_input_that_one_of_its_clients_wants() -> None:
    detector = _Resized()
    with SharedDetector(detector) as hub:
        door, yard, gate = (hub.client(name) for name in ("door", "yard", "gate"))
        door.set_side(320)
        yard.set_side(224)
        yard.set_side(288)
        assert (door.side, gate.side, gate.full_side) == (288, 288, 416)
        yard.set_side(416)
        assert gate.side == 320
        door.close()
        assert gate.side == 416
        door.set_side(320)
        assert detector.asked == [320, 224, 288, 320, 416]


def test_the_detector_is_as_quick_as_one_of_its_clients_wants() -> None:
    detector = _Resized()
    detector.input_size, detector.quick_precision, detector.is_quick = (
        InputSize(416, is_fixed=True),
        "bf16",
        False,
    )
    detector.set_quick = lambda is_quick: setattr(detector, "is_quick", is_quick)
    with SharedDetector(detector) as hub:
        door, yard = hub.client("door"), hub.client("yard")
        assert (quick_precision_of(door), has_sides(door)) == ("bf16", False)
        door.set_quick(True)
        yard.set_quick(True)
        yard.set_quick(False)
        assert detector.is_quick
        assert yard.is_quick
        door.close()
        assert not detector.is_quick


@pytest.mark.parametrize("size", [None, InputSize(416, is_fixed=True)])
def test_a_share_of_a_detector_with_one_input_says_that_it_cannot_be_changed(size) -> None:
    detector = _Resized()
    detector.input_size = size
    with SharedDetector(detector) as hub:
        assert not has_sides(hub.client("door"))


def test_a_client_tells_what_its_pictures_cost(parts) -> None:
    detector = _detector()
    detector.last_ms = {"preprocess": 1.0, "infer": 4.0}  # type: ignore[attr-defined]
    with SharedDetector(detector, batch_size=2) as hub:
        client = hub.client("door")
        client.detect([parts.picture()] * 5)
        assert client.last_ms == pytest.approx({"preprocess": 1.0, "infer": 4.0})
    with SharedDetector(_detector()) as hub:
        client = hub.client("door")
        client.detect([parts.picture()])
        assert client.last_ms.keys() == {"infer"}


class _NamedPicture:
    """A picture as a decoder gives it: with a size, and no array yet."""

    size = (64, 48)


def test_pictures_that_are_no_arrays_go_through_as_they_are() -> None:
    seen: list[object] = []

    class Takes(FakeDetector):
        takes_pictures = True

        def detect(self, images):
            seen.extend(images)
            return [Detections() for _ in images]

    pictures = [_NamedPicture(), _NamedPicture()]
    with SharedDetector(Takes()) as hub:
        hub.client("door").detect(pictures)  # type: ignore[arg-type]
    assert seen == pictures


def _in_thread(call: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="asks")
    thread.start()
    return thread, errors


@pytest.mark.parametrize("who", ["client", "hub"])
def test_whoever_waits_is_freed_when_its_client_or_all_is_closed(parts, who: str) -> None:
    gate = _Gate(_detector())
    hub = SharedDetector(gate)
    in_call, waiting, other = hub.client("in call"), hub.client("waiting"), hub.client("other")
    first, _ = _in_thread(lambda: in_call.detect([parts.picture()]))
    assert gate.entered.wait(20)
    second, errors = _in_thread(lambda: waiting.detect([parts.picture()]))
    parts.until(lambda: _waiting(hub) == 1)
    if who == "client":
        waiting.close()
    else:
        assert hub.close(timeout_s=0.1) is False
    second.join(20)  # while the detector is still in its call
    assert not second.is_alive()
    (error,) = errors
    assert isinstance(error, ModelError)
    assert "waiting" in str(error)
    gate.may_go.set()
    first.join()
    if who == "client":
        assert len(other.detect([parts.picture()])) == 1
        with pytest.raises(ModelError, match="closed"):
            waiting.detect([parts.picture()])
    assert hub.close()
    assert gate.inner.is_closed  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match="closed"):
        other.detect([parts.picture()])
    with pytest.raises(ModelError, match="closed"):
        hub.client("late")


def test_a_client_that_stops_asking_or_leaves_costs_the_others_nothing(parts) -> None:
    detector, clients = _detector(), _Clients()
    with SharedDetector(detector) as hub:
        idle, leaving, busy = (hub.client(name) for name in ("idle", "leaving", "busy"))
        for client in (idle, leaving):
            client.detect([parts.picture()])
        leaving.close()
        clients.start(busy, parts.picture(), count=4)
        parts.until(lambda: busy.served >= 400)
        clients.finish()
        assert hub.clients == (idle, busy)
        assert len(idle.detect([parts.picture()])) == 1


def test_an_error_of_the_detector_reaches_every_client_also_later(parts) -> None:
    class Breaks(FakeDetector):
        def detect(self, images):
            raise ModelError("the device is gone")

    gate = _Gate(Breaks())
    with SharedDetector(gate) as hub:
        shares = [hub.client(str(n)) for n in range(3)]
        late = hub.client("late")
        runs = []
        for share in shares:
            runs.append(_in_thread(lambda share=share: share.detect([parts.picture()])))
            assert gate.entered.wait(20)  # the first one's picture is in the call
        parts.until(lambda: _waiting(hub) == 2)
        gate.may_go.set()
        for thread, errors in runs:
            thread.join(20)
            assert [str(error) for error in errors] == ["the device is gone"]
        assert len({id(errors[0]) for _, errors in runs}) == 3
        with pytest.raises(ModelError, match="the device is gone"):
            late.detect([parts.picture()])
        with pytest.raises(ModelError, match="the device is gone"):
            hub.client("later")
    assert gate.inner.is_closed  # type: ignore[attr-defined]


def test_too_few_results_are_an_error() -> None:
    class Loses(FakeDetector):
        def detect(self, images):
            return []

    with SharedDetector(Loses()) as hub, pytest.raises(ModelError, match="0 results for 1 pictures"):
        hub.client("door").detect([np.zeros((48, 64, 3), np.uint8)])


def test_nothing_is_asked_for_nothing_and_a_batch_needs_a_picture() -> None:
    detector = _detector()
    with SharedDetector(detector) as hub:
        assert hub.client("door").detect([]) == []
    assert detector.images_seen == 0
    assert detector.is_closed
    with pytest.raises(ValueError, match="at least one picture"):
        SharedDetector(_detector(), batch_size=0)


def test_pipelines_on_one_detector_end_and_fail_by_themselves(parts) -> None:
    detector = _detector()
    with SharedDetector(detector) as hub:
        sinks = [parts.Sink() for _ in range(4)]
        troubles = [None, parts.Trouble("raise", at=5), parts.Trouble("block", at=5), None]
        runs = [
            Pipeline(
                parts.Source(40, trouble=trouble), hub.client(str(n)), parts.Tracker(), [sink],
                policy=Policy.WAIT, batch_size=4,
            )
            for n, (sink, trouble) in enumerate(zip(sinks, troubles, strict=True))
        ]  # fmt: skip
        for run in runs:
            run.start()
        assert runs[0].join(20)
        assert runs[3].join(20)
        with pytest.raises(parts.Boom):
            runs[1].join(20)
        assert not runs[2].join(0)
        assert runs[2].stop()
        assert [len(sink.results) for sink in sinks] == [40, 5, 5, 40]
        assert not detector.is_closed
        assert hub.clients == ()


def test_a_detector_that_never_comes_back_is_left_behind_and_said(parts, caplog) -> None:
    hub = SharedDetector(parts.Detector(parts.Trouble("deaf", at=0)))
    thread, errors = _in_thread(lambda: hub.client("door").detect([parts.picture()]))
    parts.until(lambda: hub.clients)
    parts.until(lambda: hub.detector.trouble.struck.is_set())  # type: ignore[attr-defined]
    assert hub.close(timeout_s=0.05) is False
    thread.join(20)
    assert [type(error) for error in errors] == [ModelError]
    assert "was left behind" in caplog.text


def test_a_process_that_ends_waits_for_the_call_that_its_detector_is_in() -> None:
    script = """
import threading, time
import numpy as np
from rtdet.errors import ModelError
from rtdet.pipeline import SharedDetector
from tests.fake_detector import FakeDetector

begun = threading.Event()

class Slow(FakeDetector):
    def detect(self, images):
        begun.set()
        time.sleep(3)
        return super().detect(images)

    def close(self):
        print("closed", flush=True)

hub = SharedDetector(Slow())

def ask():
    try:
        hub.client("door").detect([np.zeros((48, 64, 3), np.uint8)])
    except ModelError:
        pass

threading.Thread(target=ask, daemon=True).start()
assert begun.wait(60)
hub.close(0.1)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=True, cwd=ROOT
    )
    assert ended.stdout == "closed\n"
    assert "did not come back within 0.1 s and was left behind" in ended.stderr
