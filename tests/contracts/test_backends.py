"""What every backend promises; a new line in BACKENDS is tested here at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from rtdet.backends import BACKENDS, Network, open_network
from rtdet.backends.network import PixelInput
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


class Shown(torch.nn.Module):
    """Gives its inputs back, times two and plus the second."""

    def forward(self, further: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
        return picture * 2 + further


IMAGENET = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
PIXELS = [
    PixelInput(1),
    PixelInput(1, "rgb", std=(255.0, 255.0, 255.0)),
    PixelInput(1, "rgb", *IMAGENET),
    PixelInput(1, "bgr", *IMAGENET, layout="nhwc"),
    PixelInput(1, "rgb", layout="nhwc"),
    PixelInput(1, "rgb", *IMAGENET, layout="chw"),
    PixelInput(1, "bgr", layout="hwc", zero_point=128),
    PixelInput(1, "gray", (10.0,) * 3, (2.0,) * 3),
    PixelInput(1, "gray", layout="nhwc"),
]


@pytest.mark.parametrize("backend", sorted(BACKENDS))
@pytest.mark.parametrize("pixels", PIXELS, ids=lambda one: f"{one.color}-{one.layout}-{one.std[0]:g}")
def test_a_picture_becomes_the_input_that_it_stands_for(
    pixels: PixelInput, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path))
    picture = np.random.default_rng(5).integers(0, 256, (1, 20, 30, 3), dtype=np.uint8)
    values = picture.astype(np.float64)
    if pixels.color == "gray":
        values = (values * (0.114, 0.587, 0.299)).sum(-1, keepdims=True)
    elif pixels.color == "rgb":
        values = values[..., ::-1]
    count = values.shape[-1]
    values = (values - pixels.mean[:count]) / pixels.std[:count] - pixels.zero_point
    values = values if "n" in pixels.layout else values[0]
    expected = values if "hwc" in pixels.layout else np.moveaxis(values, -1, -3)
    shapes = ((1,) * expected.ndim, expected.shape)
    network = open_network(Shown(), shapes, backend=backend, device="cpu", precision="fp32", pixels=pixels)
    (outputs,) = network.run_many([(np.full(shapes[0], 3, np.float32), picture)])
    # A grey that is made before the network is rounded to whole numbers.
    tolerance = 1.01 / pixels.std[0] if pixels.color == "gray" else 1e-4
    np.testing.assert_allclose(outputs[0], expected * 2 + 3, atol=tolerance)
    assert pixels.picture_shape(expected.shape) == picture.shape
    network.close()


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.float16])
def test_a_picture_goes_into_a_network_of_other_numbers(
    backend: str, dtype: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path))
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    shape = (1, 20, 30, 3)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Cast", ["picture"], ["out"], to=onnx.TensorProto.FLOAT)],
        "numbers",
        [onnx.helper.make_tensor_value_info("picture", kind, shape)],
        [onnx.helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, shape)],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "m.onnx")
    zero_point = 128 if dtype is np.int8 else 0
    pixels = PixelInput(0, "rgb", layout="nhwc", zero_point=zero_point)
    picture = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    network = open_network(tmp_path / "m.onnx", shape, backend=backend, device="cpu", pixels=pixels)
    (outputs,) = network.run_many([picture])
    np.testing.assert_array_equal(outputs[0], picture[..., ::-1].astype(np.float32) - zero_point)
    network.close()
