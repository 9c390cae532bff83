"""Each layer against Darknet's own loops, written out plainly, and the torch module against the OpenVINO graph."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from rtdet.backends import open_network
from rtdet.detectors.darknet.compute import ACTIVATIONS
from rtdet.detectors.darknet.graph import make_graph
from rtdet.detectors.darknet.module import DarknetModule
from rtdet.detectors.darknet.network import Network, read_network
from rtdet.detectors.darknet.weights import Weights, read_weights

Both = Callable[[str], tuple[Network, Weights, np.ndarray, np.ndarray]]


@pytest.fixture
def both(save_pair: Callable[..., Path], nets: ModuleType) -> Both:
    """Network and weights of a text, a picture (C, H, W), and the last output, torch's and OpenVINO's."""

    def both(text: str) -> tuple[Network, Weights, np.ndarray, np.ndarray]:
        cfg = save_pair(text)
        network = read_network(cfg)
        weights = read_weights(cfg.with_suffix(".weights"), network)
        picture = nets.picture(network.picture) * 4 - 2
        opened = open_network(
            make_graph(network, weights), (1, *network.picture), backend="openvino", precision="fp32"
        )
        (of_graph,) = opened.run_many([picture])
        opened.close()
        with torch.no_grad():
            of_module = DarknetModule(network, weights).eval()(torch.from_numpy(picture))
        assert of_module[-1].shape[1:] == network.layers[-1].shape
        for one, other in zip(of_module, of_graph, strict=True):
            np.testing.assert_allclose(one.numpy(), other, atol=1e-4)
        return network, weights, picture[0], of_module[-1].numpy()[0]

    return both


PLAIN: dict[str, Callable[[float], float]] = {
    "linear": lambda x: x,
    "logistic": lambda x: 1 / (1 + math.exp(-x)),
    "loggy": lambda x: 2 / (1 + math.exp(-x)) - 1,
    "relu": lambda x: max(x, 0),
    "relu6": lambda x: min(max(x, 0), 6),
    "elu": lambda x: x if x >= 0 else math.exp(x) - 1,
    "selu": lambda x: 1.0507 * x if x >= 0 else 1.0507 * 1.6732 * (math.exp(x) - 1),
    "gelu": lambda x: 0.5 * x * (1 + math.tanh(0.797885 * x + 0.035677 * x**3)),
    "relie": lambda x: x if x > 0 else 0.01 * x,
    "ramp": lambda x: x * (x > 0) + 0.1 * x,
    "leaky": lambda x: x if x > 0 else 0.1 * x,
    "revleaky": lambda x: x if x > 0 else 0.1 * x,
    "tanh": math.tanh,
    "plse": lambda x: 0.01 * (x + 4) if x < -4 else 0.01 * (x - 4) + 1 if x > 4 else 0.125 * x + 0.5,
    "stair": lambda x: math.floor(x / 2) + (0 if math.floor(x) % 2 == 0 else x - math.floor(x)),
    "hardtan": lambda x: min(max(x, -1), 1),
    "lhtan": lambda x: 0.001 * x if x < 0 else 0.001 * (x - 1) + 1 if x > 1 else x,
    "swish": lambda x: x / (1 + math.exp(-x)),
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
    "hard_mish": lambda x: x if x > 0 else x * x / 2 + x if x > -2 else 0,
}


@pytest.mark.parametrize("name", PLAIN)
def test_activations_are_darknets(name: str, both: Both, nets: ModuleType) -> None:
    text = (
        nets.net(8)
        + nets.section("upsample", stride=1, scale=5)
        + nets.section("activation", activation=name)
    )
    _, _, picture, output = both(text)
    expected = np.vectorize(PLAIN[name], otypes=[float])(picture.astype(np.float64) * 5)
    np.testing.assert_allclose(output, expected, atol=2e-4)


def test_activations_over_channels_sum_up_to_about_one(both: Both, nets: ModuleType) -> None:
    _, _, picture, output = both(nets.net(8) + nets.section("activation", activation="normalize_channels"))
    positive = np.maximum(picture, 0)
    np.testing.assert_allclose(output, positive / (positive.sum(axis=0) + 0.0001), atol=1e-5)
    for name in ("normalize_channels_softmax", "normalize_channels_softmax_maxval"):
        _, _, picture, output = both(nets.net(8) + nets.section("activation", activation=name))
        powers = np.exp(picture)
        np.testing.assert_allclose(output, powers / powers.sum(axis=0), atol=1e-3)
    assert len(ACTIVATIONS) == len(PLAIN) + 3


@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(2, 2, None), (2, 1, None), (3, 2, 0), (5, 1, None), (3, 3, 3)]
)
@pytest.mark.parametrize("kind", ["maxpool", "local_avgpool"])
def test_pools_are_padded_as_in_darknet(
    kind: str, size: int, stride: int, padding: int | None, both: Both, nets: ModuleType
) -> None:
    more = {} if padding is None else {"padding": padding}
    network, _, picture, output = both(nets.net(11, 9) + nets.section(kind, size=size, stride=stride, **more))
    pad = size - 1 if padding is None else padding
    rows, columns = (9 + pad - size) // stride + 1, (11 + pad - size) // stride + 1
    assert network.layers[0].shape == (3, rows, columns)
    for channel, row, column in itertools.product(range(3), range(rows), range(columns)):
        top, left = row * stride - pad // 2, column * stride - pad // 2
        window = picture[channel, max(top, 0) : top + size, max(left, 0) : left + size]
        expected = window.max() if kind == "maxpool" else window.mean()
        assert output[channel, row, column] == pytest.approx(expected, abs=1e-5)


def test_convolutions_know_strides_padding_dilation_groups_and_shared_weights(
    both: Both, nets: ModuleType
) -> None:
    text = (
        nets.net(12, 10) + nets.conv(4, 3, stride_x=2, stride_y=1) + nets.conv(6, 3, 1, dilation=2, groups=2)
    )
    text += nets.section("convolutional", filters=6, size=3, stride=2, padding=2, activation="linear")
    network, *_ = both(text)
    assert [layer.shape for layer in network.layers] == [(4, 10, 6), (6, 10, 6), (6, 6, 4)]
    shared = (
        nets.net(12)
        + nets.conv(3)
        + nets.conv(3, share_index=0, activation="mish")
        + nets.conv(3, share_index=-1)
    )
    network, weights, *_ = both(shared)
    assert sorted(weights.arrays) == [0]
    assert network.weights == 3 * 3 * 9 + 4 * 3


def _reorg(x: np.ndarray, w: int, h: int, c: int, stride: int, *, forward: bool) -> np.ndarray:
    """Darknet's reorg_cpu, loop by loop."""
    result, flat = np.zeros(x.size, x.dtype), x.reshape(-1)
    split = c // (stride * stride)
    for k, j, i in itertools.product(range(c), range(h), range(w)):
        near = i + w * (j + h * k)
        offset, k2 = divmod(k, split)
        i2, j2 = i * stride + offset % stride, j * stride + offset // stride
        far = i2 + w * stride * (j2 + h * stride * k2)
        result[far if forward else near] = flat[near if forward else far]
    return result


@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("kind", ["reorg", "reorg_old", "reorg3d"])
def test_reorg_has_darknets_own_order(kind: str, reverse: int, both: Both, nets: ModuleType) -> None:
    text = nets.net(6, 4) + nets.out(16) + nets.section(kind, stride=2, reverse=reverse)
    network, weights, picture, output = both(text)
    conv = (
        weights.arrays[0]["weight"].reshape(16, 3) @ picture.reshape(3, -1)
        + weights.arrays[0]["bias"][:, None]
    )
    channels, height, width = network.layers[-1].shape
    assert (channels, height, width) == ((4, 8, 12) if reverse else (64, 2, 3))
    sides = (width, height, channels) if kind == "reorg3d" else (6, 4, 16)
    expected = _reorg(conv.astype(np.float32), *sides, 2, forward=bool(reverse))
    np.testing.assert_allclose(output.reshape(-1), expected, atol=1e-4)


def test_shortcuts_add_what_they_have_of_channels(both: Both, nets: ModuleType) -> None:
    text = (
        nets.net(6)
        + nets.out(4)
        + nets.out(2)
        + nets.out(6)
        + nets.out(4)
        + nets.shortcut(-2, -3, 0, alpha=0.5, beta=2)
    )
    network, weights, picture, output = both(text)
    values = [picture]
    for index in range(4):
        arrays = weights.arrays[index]
        mixed = (
            np.einsum("oc,chw->ohw", arrays["weight"][:, :, 0, 0], values[-1]) + arrays["bias"][:, None, None]
        )
        values.append(mixed)
    expected = 0.5 * values[4] + 2 * values[3][:4] + values[1]
    expected[:2] += values[2]
    np.testing.assert_allclose(output, expected, atol=1e-4)
    assert network.layers[-1].inputs == (3, 2, 1, 0)


@pytest.mark.parametrize("normalization", ["none", "avg_relu", "softmax"])
@pytest.mark.parametrize("kind", ["per_feature", "per_channel"])
def test_weighted_shortcuts_are_a_weighted_mean(
    kind: str, normalization: str, both: Both, nets: ModuleType
) -> None:
    text = nets.net(6) + nets.out(3) + nets.out(3)
    text += nets.shortcut(-2, activation="leaky", weights_type=kind, weights_normalization=normalization)
    network, weights, *_ = both(text)
    assert weights.arrays[2]["weight"].shape == ((2, 3) if kind == "per_channel" else (2, 1))
    assert network.weights == 2 * 12 + weights.arrays[2]["weight"].size


def test_products_scale_channels_and_places(both: Both, nets: ModuleType) -> None:
    squeeze = nets.net(6) + nets.out(4) + nets.section("avgpool") + nets.section("scale_channels", from_=0)
    _, weights, picture, output = both(squeeze)
    arrays = weights.arrays[0]
    values = np.einsum("oc,chw->ohw", arrays["weight"][:, :, 0, 0], picture) + arrays["bias"][:, None, None]
    np.testing.assert_allclose(output, values * values.mean(axis=(1, 2), keepdims=True), atol=1e-4)
    places = (
        nets.net(6)
        + nets.out(4)
        + nets.out(1, "logistic")
        + nets.section("scale_channels", from_=0, scale_wh=1)
    )
    assert both(places)[0].layers[-1].shape == (4, 6, 6)


def test_locally_connected_layers_have_a_matrix_for_each_place(both: Both, nets: ModuleType) -> None:
    for size, stride, pad in ((3, 1, 1), (3, 2, 0), (2, 2, 0)):
        local = nets.section("local", size=size, stride=stride, pad=pad, filters=5, activation="leaky")
        network, weights, picture, output = both(nets.net(8, 6) + local)
        padded = np.pad(picture, ((0, 0), (pad, pad), (pad, pad)))
        _, rows, columns = network.layers[0].shape
        matrices, bias = weights.arrays[0]["weight"], weights.arrays[0]["bias"]
        for row, column in itertools.product(range(rows), range(columns)):
            window = padded[:, row * stride : row * stride + size, column * stride : column * stride + size]
            value = matrices[row * columns + column] @ window.reshape(-1) + bias[:, row, column]
            np.testing.assert_allclose(
                output[:, row, column], np.where(value > 0, value, 0.1 * value), atol=1e-4
            )


def test_connected_batchnorm_crop_and_softmax(both: Both, nets: ModuleType) -> None:
    text = (
        nets.net(8)
        + nets.section("crop", crop_width=6, crop_height=4)
        + nets.section("batchnorm")
        + nets.conv(4)
    )
    text += nets.section("connected", output=6, batch_normalize=1, activation="relu") + nets.section(
        "softmax", groups=2
    )
    _, _, _, output = both(text)
    np.testing.assert_allclose(output.reshape(2, 3).sum(axis=1), 1, atol=1e-5)
    _, _, picture, output = both(nets.net(8) + nets.section("crop", crop_width=6, crop_height=4))
    np.testing.assert_allclose(output, picture[:, 2:6, 1:7] * 2 - 1, atol=1e-6)
    _, _, picture, output = both(nets.net(8) + nets.section("softmax", spatial=1, temperature=2))
    np.testing.assert_allclose(output.sum(axis=0), 1, atol=1e-5)


def test_every_small_network_is_the_same_in_torch_and_openvino(both: Both, nets: ModuleType) -> None:
    for text in nets.SMALL.values():
        both(text)
    grid = nets.net(32) + nets.conv(6, 3, 8) + nets.section("connected", output=28, activation="linear")
    both(grid + nets.section("detection", classes=2, coords=4, side=2, num=1, sqrt=1))


def test_the_module_trains_and_shows_every_layer(save_pair: Callable[..., Path], nets: ModuleType) -> None:
    cfg = save_pair(nets.SMALL["v3-like"])
    network = read_network(cfg)
    module = DarknetModule(network, read_weights(cfg.with_suffix(".weights"), network))
    assert sum(parameter.numel() for parameter in module.parameters()) == network.parameters
    pictures = torch.rand(3, *network.picture)
    values = module.values(pictures)
    assert all(values[i].shape == (3, *layer.shape) for i, layer in enumerate(network.layers))
    before = [parameter.clone() for parameter in module.parameters()]
    sum(output.square().mean() for output in module(pictures)).backward()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter -= 0.1 * parameter.grad
    moved = [not torch.equal(old, new) for old, new in zip(before, module.parameters(), strict=True)]
    assert sum(moved) > len(moved) * 0.8
