"""The torch backend on a CUDA device: streams, pinned memory and graphs, which a CPU has not. `pytest -m cuda`."""

from __future__ import annotations

import gc
import threading
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rtdet.backends import open_network
from rtdet.backends.network import PixelInput
from rtdet.backends.torch import TorchNetwork
from rtdet.backends.torch_static import Recorded
from rtdet.errors import ModelError

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and there is none here"),
]

SHAPE = (1, 3, 96, 128)
NEAR = {"fp32": 5e-3, "fp16": 2e-2, "bf16": 8e-2}


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((3, 32), (32, 64), (64, 64)):
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.SiLU()]
        self.stem = nn.Sequential(*layers)
        self.head = nn.Conv2d(64, 9, 1)

    def forward(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        features = self.stem(batch)
        return self.head(features).flatten(2).transpose(1, 2), features.mean((2, 3))


class Looking(Net):
    """The host has to look at a number: no graph can hold that."""

    def forward(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(batch * (2.0 if float(batch.mean()) > 1e6 else 1.0))


class Constant(Net):
    """A constant of the host's in the middle."""

    def forward(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(batch + torch.tensor([0.0, 0.0, 0.0], device=batch.device).view(1, 3, 1, 1))


def pictures(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (1, 96, 128, 3), dtype=np.uint8) for _ in range(count)]


PIXELS = PixelInput(0, "rgb", (123.0, 116.0, 103.0), (58.0, 57.0, 56.0))


def opened(module: nn.Module, precision: str = "fp16") -> TorchNetwork:
    network = open_network(module, SHAPE, backend="torch", device="cuda", precision=precision, pixels=PIXELS)
    assert isinstance(network, TorchNetwork)
    return network


def on_cpu(module: nn.Module, inputs: Sequence[np.ndarray]) -> list[tuple[np.ndarray, ...]]:
    network = open_network(module, SHAPE, backend="torch", device="cpu", precision="fp32", pixels=PIXELS)
    return list(network.run_many(inputs))


def assert_near(
    found: Sequence[tuple[np.ndarray, ...]], wanted: Sequence[tuple[np.ndarray, ...]], near: float
) -> None:
    assert len(found) == len(wanted)
    for outputs, expected in zip(found, wanted, strict=True):
        for output, one in zip(outputs, expected, strict=True):
            assert output.shape == one.shape
            np.testing.assert_allclose(output, one, atol=near * float(np.abs(one).max()), rtol=0)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
@pytest.mark.parametrize("count", [1, 2, 5, 16, 37])
def test_pictures_give_what_they_give_on_the_cpu(precision: str, count: int) -> None:
    torch.manual_seed(1)
    module, inputs = Net(), pictures(count)
    network = opened(module, precision)
    wanted = on_cpu(module, inputs)
    for _ in range(3):  # the first pass warms up and records
        assert_near(list(network.run_many(inputs)), wanted, NEAR[precision])
    assert (network.backend, network.device, network.precision) == ("torch", "cuda", precision)
    network.close()


def test_a_graph_is_captured_for_each_size_once() -> None:
    network = opened(Net())
    list(network.run_many(pictures(37)))
    list(network.run_many(pictures(37)))
    assert isinstance(network._step, Recorded)
    recordings = dict(network._step._recordings)
    assert sorted(recordings) == [1, 8, 16]
    assert None not in recordings.values()
    list(network.run_many(pictures(37)))
    assert network._step._recordings == recordings
    network.close()


@pytest.mark.parametrize("kind", [Looking, Constant])
def test_a_network_that_cannot_be_captured_runs_as_it_is(kind: type[Net]) -> None:
    module, inputs = kind(), pictures(20)
    network = opened(module)
    for _ in range(2):
        assert_near(list(network.run_many(inputs)), on_cpu(module, inputs), NEAR["fp16"])
    other = Net()  # and the next network is captured as ever
    beside = opened(other)
    assert_near(list(beside.run_many(inputs)), on_cpu(other, inputs), NEAR["fp16"])
    assert isinstance(beside._step, Recorded)
    assert None not in beside._step._recordings.values()
    network.close()
    beside.close()


def test_a_capture_that_fails_all_the_same_leaves_everything_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtdet.backends.torch_static.obstacle", lambda step, inputs: None)
    module, inputs = Looking(), pictures(20)
    network = opened(module)
    for _ in range(2):
        assert_near(list(network.run_many(inputs)), on_cpu(module, inputs), NEAR["fp16"])
    network.close()
    module = Net()
    network = opened(module)
    assert_near(list(network.run_many(inputs)), on_cpu(module, inputs), NEAR["fp16"])
    network.close()


def test_networks_in_several_threads_capture_and_run_beside_each_other() -> None:
    inputs = pictures(40)
    modules = [Net() for _ in range(3)]
    wanted = [on_cpu(module, inputs) for module in modules]
    found: dict[int, list[tuple[np.ndarray, ...]]] = {}

    def run(place: int) -> None:
        network = opened(modules[place])
        for _ in range(10):
            found[place] = list(network.run_many(inputs))
        network.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(modules))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, expected in enumerate(wanted):
        assert_near(found[place], expected, NEAR["fp16"])


def test_who_leaves_early_can_begin_anew() -> None:
    module, inputs = Net(), pictures(64)
    network = opened(module)
    wanted = on_cpu(module, inputs)
    for _ in range(5):
        results = network.run_many(inputs)
        next(results)
        results.close()  # type: ignore[attr-defined]
    assert_near(list(network.run_many(inputs)), wanted, NEAR["fp16"])
    network.close()


def test_a_closed_network_gives_its_memory_back() -> None:
    gc.collect()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated(), torch.cuda.memory_reserved()
    for _ in range(3):
        network = opened(Net())
        list(network.run_many(pictures(40)))
        network.close()
    del network
    gc.collect()
    torch.cuda.empty_cache()
    # cuBLAS keeps a workspace for each stream that it has met.
    assert torch.cuda.memory_allocated() - before[0] < 200e6
    assert torch.cuda.memory_reserved() - before[1] < 256e6


def test_too_little_memory_for_one_picture_is_one_clear_line() -> None:
    class Huge(nn.Module):
        def forward(self, batch: Tensor) -> Tensor:
            return torch.empty(1 << 50, device=batch.device)[: len(batch)] + batch.mean()

    network = opened(Huge())
    with pytest.raises(ModelError, match=r"cuda has too little memory left for an input of"):
        list(network.run_many(pictures(1)))
    network.close()
