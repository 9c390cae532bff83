"""The quickest back end: timed once, remembered, and the same ever after."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from rtdet.backends import open_network, quickest, registry
from rtdet.backends.devices import Device
from rtdet.backends.network import Inputs, Outputs
from rtdet.backends.onnxruntime import export_onnx
from rtdet.backends.quickest import Choice, example_of, key_of, open_quickest, remembered
from rtdet.detectors.registry import load_detector
from rtdet.errors import ModelError

PICTURE = np.zeros((1, 3, 8, 8), dtype=np.float32)
USUAL, OTHER, THIRD = ("openvino", "cpu"), ("onnxruntime", "cpu"), ("openvino", "npu")


class Clock:
    """A clock that goes on only where a made-up network works: a loaded machine has no say."""

    now_s = 0.0

    def perf_counter(self) -> float:
        return self.now_s


CLOCK = Clock()


class Slow:
    """A network that takes a time for each picture, and another one for each of several in a row."""

    backend = device = precision = "made up"

    def __init__(self, one_s: float, many_s: float) -> None:
        self.one_s, self.many_s, self.is_closed = one_s, many_s, False

    def run_many(self, inputs: Iterable[Inputs]) -> Iterator[Outputs]:
        count = len(list(inputs))
        for _ in range(count):
            CLOCK.now_s += self.one_s if count == 1 else self.many_s
            yield (PICTURE,)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "quickest"


class Opener:
    def __init__(self, **speeds: tuple[float, float] | Exception) -> None:
        self.speeds = {"openvino cpu": (0.02, 0.02)} | speeds
        self.opened: list[Choice] = []
        self.networks: dict[Choice, Slow] = {}

    def __call__(self, choice: Choice) -> Slow:
        self.opened.append(choice)
        speed = self.speeds[" ".join(choice)]
        if isinstance(speed, Exception):
            raise speed
        self.networks[choice] = Slow(*speed)
        return self.networks[choice]


def opened(opener: Callable[[Choice], Slow], *choices: Choice, key: str = "model") -> Choice:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quickest, "time", CLOCK)
        return open_quickest(choices or (USUAL, OTHER), opener, PICTURE, key, "model.onnx")[0]


def test_the_quicker_one_is_taken_said_once_and_remembered(caplog: pytest.LogCaptureFixture) -> None:
    opener = Opener(**{"onnxruntime cpu": (0.01, 0.01)})
    with caplog.at_level(logging.INFO, "rtdet.backends"):
        assert opened(opener) == OTHER
        assert opener.networks[USUAL].is_closed
        assert not opener.networks[OTHER].is_closed
        again = Opener(**{"onnxruntime cpu": (0.5, 0.5)})  # as slow as it may be now
        assert opened(again) == OTHER
    assert again.opened == [OTHER]
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "timed model.onnx once on this machine, ms a picture: onnxruntime on cpu 1"
    )
    assert "from now on it runs by onnxruntime on cpu" in record.getMessage()
    (known,) = remembered()
    assert (known.model, known.backend, known.device) == ("model.onnx", *OTHER)


def test_a_gain_below_the_least_changes_nothing_and_is_remembered_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quickest, "LEAST_GAIN", 0.9)
    assert opened(Opener(**{"onnxruntime cpu": (0.01, 0.01)})) == USUAL
    again = Opener()
    assert opened(again) == USUAL
    assert again.opened == [USUAL]


def test_one_that_is_slower_with_many_in_a_row_is_not_taken_and_that_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "rtdet.backends"):
        assert opened(Opener(**{"onnxruntime cpu": (0.01, 0.05)})) == USUAL
    assert re.search(r"onnxruntime on cpu [\d.]+ \([\d.]+ in a row\), openvino", caplog.text)


def test_of_several_quicker_ones_the_quickest_is_taken() -> None:
    opener = Opener(**{"onnxruntime cpu": (0.014, 0.014), "openvino npu": (0.005, 0.005)})
    assert opened(opener, USUAL, OTHER, THIRD) == THIRD


def test_a_network_that_takes_no_time_is_left_where_it_is(caplog: pytest.LogCaptureFixture) -> None:
    opener = Opener(**{"openvino cpu": (0.0005, 0.0005), "onnxruntime cpu": (0.0, 0.0)})
    with caplog.at_level(logging.INFO, "rtdet.backends"):
        assert opened(opener) == USUAL
    assert opener.opened == [USUAL]
    assert not caplog.records


def test_what_cannot_be_opened_is_passed_over_and_the_usual_ones_error_is_raised() -> None:
    broken = ModelError("no such shape")
    assert opened(Opener(**{"onnxruntime cpu": broken})) == USUAL
    with pytest.raises(ModelError, match="no such shape"):
        opened(Opener(**{"openvino cpu": broken, "onnxruntime cpu": (0.01, 0.01)}), key="other")


def test_a_back_end_whose_package_is_broken_is_passed_over() -> None:
    assert opened(Opener(**{"onnxruntime cpu": ImportError("DLL load failed")})) == USUAL


def test_a_network_that_takes_no_noise_is_opened_all_the_same(folder: Path) -> None:
    class Choosy(Slow):
        def run_many(self, inputs: Iterable[Inputs]) -> Iterator[Outputs]:
            raise ModelError("it takes pictures only")

    choosy, other = Choosy(0, 0), Slow(0, 0)
    choice, network = open_quickest(
        (USUAL, OTHER), lambda choice: choosy if choice == USUAL else other, PICTURE, "key", "model.onnx"
    )
    assert (choice, network) == (USUAL, choosy)
    assert not choosy.is_closed
    assert not list(folder.glob("*.json"))


def test_what_was_remembered_and_can_no_longer_be_opened_gives_way_to_the_usual_one() -> None:
    opened(Opener(**{"onnxruntime cpu": (0.01, 0.01)}))
    assert opened(Opener(**{"onnxruntime cpu": ModelError("gone")})) == USUAL


def test_a_damaged_memory_is_found_out_again(folder: Path) -> None:
    opened(Opener(**{"onnxruntime cpu": (0.01, 0.01)}))
    (place,) = folder.glob("*.json")
    content = json.loads(place.read_text())
    place.write_text(json.dumps(content | {"backend": "torch"}))
    assert opened(Opener(**{"onnxruntime cpu": (0.01, 0.01)})) == OTHER
    assert json.loads(place.read_text())["backend"] == "onnxruntime"


def test_where_nothing_can_be_remembered_nothing_is_timed(folder: Path) -> None:
    folder.parent.write_text("a file where the folder should be")
    opener = Opener(**{"onnxruntime cpu": (0.01, 0.01)})
    assert opened(opener) == USUAL
    assert opener.opened == [USUAL]


def test_another_model_or_setting_is_timed_by_itself(tmp_path: Path) -> None:
    first, second = tmp_path / "a.onnx", tmp_path / "b.onnx"
    first.write_bytes(b"one")
    second.write_bytes(b"one")
    assert key_of(first, "fp32") == key_of(second, "fp32")
    assert key_of(first, "fp32") != key_of(first, "auto")
    second.write_bytes(b"two")
    assert key_of(first, "fp32") != key_of(second, "fp32")


def test_example_inputs_have_the_shapes() -> None:
    several = example_of(((1, 3, 8, 8), (1, 2)))
    assert isinstance(several, tuple)
    assert [one.shape for one in several] == [(1, 3, 8, 8), (1, 2)]
    assert (several[1] == 1).all()


class Wide(torch.nn.Module):
    """Slow enough to be timed."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            *(torch.nn.Conv2d(3 if i == 0 else 48, 48, 3, padding=1) for i in range(6))
        )

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.layers(batch).mean((2, 3))


def test_a_file_runs_by_the_same_back_end_every_time_and_a_named_one_overrules(tmp_path: Path) -> None:
    path, shape = tmp_path / "net.onnx", (1, 3, 160, 160)
    torch.manual_seed(0)
    path.write_bytes(export_onnx(Wide(), shape))
    picture = np.random.default_rng(0).random(shape, dtype=np.float32)
    results, chosen = [], set()
    for _ in range(2):
        network = open_network(path, shape)
        chosen.add((network.backend, network.device))
        results.append(next(iter(network.run_many([picture])))[0])
        network.close()
    assert len(chosen) == 1
    assert results[0].tobytes() == results[1].tobytes()
    (known,) = remembered()
    assert set(known.ms) == {"openvino on cpu", "onnxruntime on cpu"}
    for backend in ("openvino", "onnxruntime"):
        network = open_network(path, shape, backend=backend)
        assert network.backend == backend
        network.close()


def test_rtdets_own_networks_are_timed_on_openvinos_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU under another name stands for a GPU that is not at hand."""
    other = Device("openvino:HETERO:CPU", "openvino", "made up")
    monkeypatch.setattr(registry, "intel_devices", lambda: (other,))
    monkeypatch.setattr(quickest, "LEAST_GAIN", -10.0)  # it counts as quicker, however quick it is
    monkeypatch.setattr(quickest, "QUICK_MS", 0.0)
    picture = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    found = []
    for _ in range(2):
        detector = load_detector("rtdet-n", imgsz=160)
        assert detector.network.device in ("cpu", other.name)  # type: ignore[attr-defined]
        found.append((detector.network.device, detector.detect([picture])[0].scores.tobytes()))  # type: ignore[attr-defined]
        detector.close()
    assert found[0] == found[1]
    (known,) = remembered()
    assert set(known.ms) == {"openvino on cpu", f"openvino on {other.name}"}
    assert load_detector("rtdet-n", imgsz=160, device="cpu").network.device == "cpu"  # type: ignore[attr-defined]
