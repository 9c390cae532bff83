"""What every backend promises; a new line in BACKENDS is tested here at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from rtdet.backends import BACKENDS, Network, open_network
from rtdet.errors import ModelError

SHAPE = (1, 3, 64, 96)


class Net(torch.nn.Module):
    """Convolutions, batch norm and the shapes of a detector's heads."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, 2, 1, bias=False), torch.nn.BatchNorm2d(8), torch.nn.Hardswish()
        )
        self.depthwise = torch.nn.Conv2d(8, 8, 3, 2, 1, groups=8)
        self.scores = torch.nn.Conv2d(8, 6, 1)
        self.boxes = torch.nn.Conv2d(8, 4, 1)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.depthwise(self.stem(batch))
        return self.scores(features).flatten(2).transpose(1, 2), self.boxes(features).flatten(2)


@pytest.fixture(scope="module")
def net() -> Net:
    torch.manual_seed(1)
    return Net()


@pytest.fixture(params=sorted(BACKENDS))
def network(
    request: pytest.FixtureRequest, net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Network]:
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path))
    opened = open_network(net, SHAPE, backend=request.param, device="cpu", precision="fp32")
    yield opened
    opened.close()


def inputs(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.standard_normal(SHAPE, dtype=np.float32) for _ in range(count)]


@pytest.mark.parametrize("count", [1, 2, 9])
def test_outputs_equal_torch_within_1e_4_and_come_in_order(network: Network, net: Net, count: int) -> None:
    arrays = inputs(count)
    results = list(network.run_many(iter(arrays)))
    assert len(results) == count
    with torch.no_grad():
        for array, outputs in zip(arrays, results, strict=True):
            expected = net.eval()(torch.from_numpy(array))
            assert [output.shape for output in outputs] == [tuple(e.shape) for e in expected]
            for output, wanted in zip(outputs, expected, strict=True):
                np.testing.assert_allclose(output, wanted.numpy(), atol=1e-4)


def test_no_inputs_give_no_outputs(network: Network) -> None:
    assert list(network.run_many([])) == []


def test_outputs_belong_to_the_caller(network: Network) -> None:
    first = next(iter(network.run_many(inputs(1))))
    kept = [output.copy() for output in first]
    list(network.run_many([array * 3 for array in inputs(8)]))
    for output, copy in zip(first, kept, strict=True):
        np.testing.assert_array_equal(output, copy)
        output += 1  # writable


def test_it_says_what_it_runs_on(network: Network) -> None:
    assert network.backend in BACKENDS
    assert (network.device, network.precision) == ("cpu", "fp32")


def test_an_error_in_the_inputs_reaches_the_caller_and_leaves_the_network_usable(network: Network) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield from inputs(3)
        raise RuntimeError("the picture was bad")

    with pytest.raises(RuntimeError, match="the picture was bad"):
        list(network.run_many(broken()))
    assert len(list(network.run_many(inputs(2)))) == 2


def test_an_input_of_another_shape_is_a_model_error(network: Network) -> None:
    with pytest.raises(ModelError):
        list(network.run_many([np.zeros((1, 5, 64, 96), dtype=np.float32)]))


def test_close_may_be_called_twice_and_ends_it(network: Network) -> None:
    network.close()
    network.close()
    with pytest.raises(ModelError, match="closed"):
        list(network.run_many(inputs(1)))
