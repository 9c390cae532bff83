"""One detector for several sources that want the same."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from rtdet.config import RunConfig
from rtdet.demo import CLASS_NAMES
from rtdet.errors import ModelError, UnknownNameError
from rtdet.shared_detectors import SharedDetectors
from rtdet.types import Detections
from tests.fake_detector import FakeDetector


class Maker:
    def __init__(self, takes_s: float = 0.0) -> None:
        self.made: list[FakeDetector] = []
        self._takes_s = takes_s

    def __call__(self, config: RunConfig) -> FakeDetector:
        time.sleep(self._takes_s)
        if config.model == "broken":
            raise ModelError("broken cannot be read")
        self.made.append(
            FakeDetector(lambda _image: Detections(class_names=CLASS_NAMES), class_names=CLASS_NAMES)
        )
        return self.made[-1]


def test_sources_of_the_same_model_share_one_and_those_of_another_size_do_not() -> None:
    maker = Maker()
    shared = SharedDetectors(maker, ends_with_clients=True)
    door, yard = (
        shared.share(RunConfig("door", conf=0.3), "door"),
        shared.share(RunConfig("yard", conf=0.6), "yard"),
    )
    large = shared.share(RunConfig("door", imgsz=1280), "door")
    assert len(maker.made) == 2
    assert (door.thresholds.confidence, yard.thresholds.confidence) == (0.25, 0.6)
    door.close()
    assert not maker.made[0].is_closed
    yard.close()
    assert [one.is_closed for one in maker.made] == [True, False], "with the last of them"
    large.close()


def test_those_that_want_it_at_the_same_time_wait_for_one_that_loads_it() -> None:
    maker, shares = Maker(0.2), []
    shared = SharedDetectors(maker, ends_with_clients=True)
    threads = [
        threading.Thread(target=lambda i=i: shares.append(shared.share(RunConfig(f"cam{i}"), f"cam{i}")))
        for i in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(shares), len(maker.made)) == (6, 1)
    for share in shares:
        share.close()


def test_one_that_was_left_by_all_or_has_failed_is_loaded_again() -> None:
    maker = Maker()
    shared = SharedDetectors(maker, ends_with_clients=True)
    shared.share(RunConfig("door"), "door").close()
    again = shared.share(RunConfig("door"), "door")
    assert len(maker.made) == 2
    maker.made[1].close()
    with pytest.raises(ModelError, match=r"closed"):
        again.detect([np.zeros((8, 8, 3), np.uint8)])
    whole = shared.share(RunConfig("door"), "door")
    assert whole.detect([np.zeros((8, 8, 3), np.uint8)])
    assert len(maker.made) == 3
    whole.close()


def test_a_class_that_the_shared_one_does_not_know_and_a_model_that_cannot_be_loaded_are_errors() -> None:
    shared = SharedDetectors(Maker(), ends_with_clients=True)
    first = shared.share(RunConfig("door"), "door")
    with pytest.raises(UnknownNameError, match=r"hedgehog"):
        shared.share(RunConfig("yard", classes=("hedgehog",)), "yard")
    with pytest.raises(ModelError, match=r"broken"):
        shared.share(RunConfig("yard", model="broken"), "yard")
    first.close()


def test_after_an_error_of_any_kind_it_is_loaded_again() -> None:
    def fail(_image: object) -> Detections:
        raise RuntimeError("the device is gone")

    maker = Maker()
    broken = FakeDetector(fail, class_names=CLASS_NAMES)
    shared = SharedDetectors(
        lambda config: maker(config) if broken.is_closed else broken, ends_with_clients=True
    )
    first = shared.share(RunConfig("door"), "door")
    with pytest.raises(RuntimeError, match=r"the device is gone"):
        first.detect([np.zeros((8, 8, 3), np.uint8)])
    give_up = time.monotonic() + 60
    while not broken.is_closed:  # by its thread
        assert time.monotonic() < give_up
        time.sleep(0.01)
    again = shared.share(RunConfig("door"), "door")
    assert again.detect([np.zeros((8, 8, 3), np.uint8)])
    again.close()


def test_where_they_stay_until_the_end_one_that_was_left_is_there_and_one_that_failed_is_not_loaded_again() -> (
    None
):
    def fail(image: np.ndarray) -> Detections:
        if image.any():
            raise RuntimeError("the device is gone")
        return Detections(class_names=CLASS_NAMES)

    made: list[FakeDetector] = []

    def make(_config: RunConfig) -> FakeDetector:
        made.append(FakeDetector(fail, class_names=CLASS_NAMES))
        return made[-1]

    shared, black = SharedDetectors(make, ends_with_clients=False), np.zeros((8, 8, 3), np.uint8)
    shared.load(RunConfig("door"))
    with pytest.raises(UnknownNameError, match=r"hedgehog"):
        shared.load(RunConfig("yard", classes=("hedgehog",)))
    shared.share(RunConfig("door"), "door").close()
    yard = shared.share(RunConfig("yard", conf=0.6), "yard")
    assert len(yard.detect([black])) == len(made) == 1
    assert yard.thresholds.confidence == 0.6
    with pytest.raises(RuntimeError, match=r"the device is gone"):
        yard.detect([black + 1])
    with pytest.raises(RuntimeError, match=r"the device is gone"):
        shared.share(RunConfig("gate"), "gate")
    shared.close()
    assert len(made) == 1
