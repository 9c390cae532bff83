"""The input size of a detector, changed while it looks at pictures."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from rtdet.detectors.registry import load_detector
from rtdet.detectors.sides import Side
from rtdet.errors import ModelError, UsageError
from rtdet.types import InputSize, Thresholds
from tests.contracts.test_detectors import darknet, noise, torchvision


def test_the_old_side_is_in_use_until_the_new_one_is_prepared():
    begun, go_on, prepared = threading.Event(), threading.Event(), list[int]()

    def prepare(side: int) -> None:
        begun.set()
        assert go_on.wait(30)
        prepared.append(side)

    side = Side(416, prepare)
    side.change(320)
    assert begun.wait(30)
    side.change(224)
    side.change(288)
    assert side.now == 416
    go_on.set()
    while side.now != 288:
        pass
    assert prepared == [320, 288], "of several wishes the last one counts"
    side.change(288)
    side.close()
    side.change(320)
    assert prepared == [320, 288], "a detector that is closed prepares nothing"


def test_a_side_that_cannot_be_had_is_a_warning_and_the_old_one_stays(caplog):
    failed = threading.Event()

    def prepare(side: int) -> None:
        failed.set()
        raise ValueError(f"no {side}")

    side = Side(416, prepare)
    side.change(320)
    assert failed.wait(30)
    while side._thread is not None:
        pass
    assert side.now == 416
    assert "the input stays at 416 pixels: no 320" in caplog.text
    with pytest.raises(UsageError, match="63 pixels is too small"):
        side.change(63)


def test_a_detector_looks_with_another_input_and_boxes_stay_in_pixels_of_the_picture():
    detector = load_detector("rtdet-n", thresholds=Thresholds(0.05))
    picture = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    detector.detect([picture])
    before = detector.side
    detector.set_side(before // 2)
    for _ in range(10**6):
        if detector.side == before // 2:
            break
        detector.detect([picture])
    assert detector.side == before // 2
    smaller = load_detector("rtdet-n", thresholds=Thresholds(0.05), imgsz=before // 2)
    found, expected = detector.detect([picture])[0], smaller.detect([picture])[0]
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.5)
    detector.close()
    smaller.close()


def changed_to(detector, side: int, picture: np.ndarray):
    """What it finds once its input is of that side."""
    detector.set_side(side)
    for _ in range(10**6):
        if detector.side == side:
            break
        detector.detect([picture])
    assert detector.side == side
    return detector.detect([picture])[0]


def test_the_input_of_a_darknet_network_changes_and_comes_back(tmp_path):
    path = darknet(tmp_path)
    picture = noise(240, 320)
    detector = load_detector(path, thresholds=Thresholds(0.01))
    whole = detector.detect([picture])[0]
    assert (detector.input_size, detector.side) == (InputSize(64), 64)
    larger = load_detector(path, thresholds=Thresholds(0.01), imgsz=128)
    found, expected = changed_to(detector, 128, picture), larger.detect([picture])[0]
    assert len(found) == len(expected) != len(whole)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.5)
    np.testing.assert_array_equal(changed_to(detector, 64, picture).boxes, whole.boxes)
    larger.close()
    detector.close()
    with pytest.raises(ModelError, match="was closed"):
        detector.detect([picture])


def test_the_input_of_a_model_of_torchvision_changes_in_proportion_and_comes_back(tmp_path):
    path = torchvision(tmp_path)
    picture = noise(96, 128)
    detector = load_detector(path, thresholds=Thresholds(0.01), device="cpu", imgsz=128)
    whole = detector.detect([picture])[0]
    smaller = load_detector(path, thresholds=Thresholds(0.01), device="cpu", imgsz=64)
    found, expected = changed_to(detector, 64, picture), smaller.detect([picture])[0]
    assert len(found)
    np.testing.assert_array_equal(found.boxes, expected.boxes)
    np.testing.assert_array_equal(changed_to(detector, 128, picture).boxes, whole.boxes)
    detector.close()
    smaller.close()
    usual = load_detector(path, thresholds=Thresholds(0.01), device="cpu")
    assert usual.side == usual.input_size.usual == 640
    changed_to(usual, 320, picture)
    assert (usual.model.transform.min_size, usual.model.transform.max_size) == ((160,), 320)
    usual.close()


def test_a_network_that_is_in_use_is_not_run_by_the_thread_that_prepares_another_side():
    """A side that comes out as the same input: the network for it is there, and may be computing a picture."""
    detector = load_detector("rtdet-n")
    picture = np.zeros((240, 320, 3), np.uint8)
    detector.detect([picture])
    threads = set()
    networks = dict(detector._networks)
    for network in networks.values():
        run_many = network.run_many
        network.run_many = lambda inputs, run=run_many: (
            threads.add(threading.current_thread()),
            run(inputs),
        )[1]
    detector.set_side(detector.side - 1)
    while detector._side._thread is not None:
        pass
    detector.detect([picture])
    assert detector._networks.keys() == networks.keys()
    assert threads == {threading.current_thread()}
    detector.close()


def test_a_detector_that_is_closed_while_it_prepares_a_side_leaves_no_network_open(caplog):
    detector = load_detector("rtdet-n", thresholds=Thresholds(0.05))
    detector.set_side(320)
    thread = detector._side._thread
    detector.close()
    if thread is not None:
        thread.join(60)
    for network in detector._networks.values():
        with pytest.raises(ModelError, match="was closed"):
            list(network.run_many([np.zeros((1, 256, 320, 3), dtype=np.uint8)]))
    assert not caplog.records
