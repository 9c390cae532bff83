"""The input size of a detector, changed while it looks at pictures."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from rtdet.backends.openvino import native_precisions
from rtdet.detectors.graph_detector import GraphDetector
from rtdet.detectors.registry import load_detector
from rtdet.detectors.sides import Form, Forms
from rtdet.errors import ModelError, UsageError
from rtdet.types import InputSize, Thresholds
from tests.contracts.test_detectors import darknet, family, noise, torchvision
from tests.detectors.heads.makers import MAKERS

ROOT = Path(__file__).resolve().parents[2]


def test_the_old_side_is_in_use_until_the_new_one_is_prepared():
    begun, go_on, prepared = threading.Event(), threading.Event(), list[int]()

    def prepare(form: Form) -> None:
        begun.set()
        assert go_on.wait(30)
        prepared.append(form.side)

    forms = Forms(Form(416), prepare)
    forms.change(side=320)
    assert begun.wait(30)
    forms.change(side=224)
    forms.change(side=288)
    assert forms.now.side == 416
    go_on.set()
    while forms.now.side != 288:
        pass
    assert prepared == [320, 288], "of several wishes the last one counts"
    forms.change(side=288)
    forms.close()
    forms.change(side=320)
    assert prepared == [320, 288], "a detector that is closed prepares nothing"


def test_a_side_that_cannot_be_had_is_a_warning_and_the_old_one_stays(caplog):
    failed = threading.Event()

    def prepare(form: Form) -> None:
        failed.set()
        raise ValueError(f"no {form.side}")

    forms = Forms(Form(416), prepare)
    forms.change(side=320)
    assert failed.wait(30)
    while forms._thread is not None:
        pass
    assert forms.now.side == 416
    assert "the input stays at 416 pixels: no 320" in caplog.text
    with pytest.raises(UsageError, match="63 pixels is too small"):
        forms.change(side=63)


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


def test_another_input_is_used_from_the_next_picture_on_also_by_one_that_never_runs_out_of_them():
    detector = load_detector("rtdet-n", thresholds=Thresholds(0.05))
    picture = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    (whole,) = detector.detect([picture])
    half = detector.side // 2

    def pictures():
        yield picture
        detector.set_side(half)
        while detector.side != half:
            yield picture
        yield picture

    *before, found = detector.detect_each(pictures())
    smaller = load_detector("rtdet-n", thresholds=Thresholds(0.05), imgsz=half)
    (expected,) = smaller.detect([picture])
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.5)
    for one in before:
        np.testing.assert_allclose(one.boxes, whole.boxes, atol=0.5)
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


@pytest.mark.skipif("bf16" not in native_precisions(), reason="this processor has no quicker precision")
def test_a_network_that_is_exact_of_its_own_accord_may_be_quick_and_exact_again(tmp_path):
    path, picture = family(tmp_path), noise(96, 128)
    detector = load_detector(path, thresholds=Thresholds(0.01), backend="openvino", device="cpu")
    exact = detector.detect([picture])[0]
    assert (detector.quick_precision, detector.is_quick) == ("bf16", False)
    detector.set_quick(True)
    until(lambda: detector.is_quick)
    quick = detector.detect([picture])[0]
    assert not np.array_equal(quick.boxes, exact.boxes)
    expected = load_detector(
        path, thresholds=Thresholds(0.01), backend="openvino", device="cpu", precision="bf16"
    )
    assert expected.quick_precision == ""
    np.testing.assert_array_equal(quick.boxes, expected.detect([picture])[0].boxes)
    detector.set_quick(False)
    until(lambda: not detector.is_quick)
    np.testing.assert_array_equal(detector.detect([picture])[0].boxes, exact.boxes)
    detector.close()
    expected.close()


@pytest.mark.skipif("bf16" not in native_precisions(), reason="this processor has no quicker precision")
def test_a_network_of_others_that_gives_positions_may_be_quick_too(tmp_path):
    made = next(iter(MAKERS["yolov8"]()))
    detector = GraphDetector(made.save(tmp_path / "made.onnx"), backend="openvino", device="cpu")
    assert (detector.quick_precision, detector.network.precision) == ("bf16", "fp32")
    detector.set_quick(True)
    until(lambda: detector.is_quick)
    assert len(detector.detect([made.picture()])) == 1
    assert {network.precision for network in detector._networks.values()} == {"fp32", "bf16"}
    detector.close()


def until(condition) -> None:
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never happened")


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
    while detector._forms._thread is not None:
        pass
    detector.detect([picture])
    assert detector._networks.keys() == networks.keys()
    assert threads == {threading.current_thread()}
    detector.close()


def test_a_detector_that_is_closed_while_it_prepares_a_side_leaves_no_network_open(caplog):
    detector = load_detector("rtdet-n", thresholds=Thresholds(0.05))
    detector.set_side(320)
    thread = detector._forms._thread
    detector.close()
    if thread is not None:
        thread.join(60)
    for network in detector._networks.values():
        with pytest.raises(ModelError, match="was closed"):
            list(network.run_many([np.zeros((1, 256, 320, 3), dtype=np.uint8)]))
    assert not caplog.records


def test_a_process_that_ends_waits_for_the_network_that_is_being_compiled():
    script = """
import threading, time
from rtdet.detectors.sides import Form, Forms

begun = threading.Event()

def prepare(form):
    begun.set()
    time.sleep(3)
    print("prepared", form.side, flush=True)

forms = Forms(Form(416), prepare)
forms.change(side=320)
assert begun.wait(60)
forms.change(side=224)
forms.close()
"""
    assert _said_of(script) == "prepared 320\n", "it is waited for, and nothing else is prepared"


def test_a_process_that_ends_while_openvino_compiles_is_not_aborted():
    script = """
import threading, time
import numpy as np
from rtdet.detectors.registry import load_detector

class SlowToGo:
    def __del__(self, sleep=time.sleep):
        sleep(4)  # Python is nearly gone: no thread may come back from native code any more

slow = SlowToGo()
detector = load_detector("rtdet-n", backend="openvino", device="cpu")
detector.detect([np.zeros((240, 320, 3), np.uint8)])
begun, network = threading.Event(), detector._network

def told(*form):
    begun.set()
    return network(*form)

detector._network = told
detector.set_side(detector.side // 2)
print(begun.wait(60), flush=True)
time.sleep(0.2)  # by then it is inside of OpenVINO
"""
    assert _said_of(script) == "True\n"


def _said_of(script: str) -> str:
    """What a process of Python prints that ends well."""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=100, cwd=ROOT
    )
    assert ended.returncode == 0, ended.stderr
    assert "terminate called" not in ended.stderr
    return ended.stdout
