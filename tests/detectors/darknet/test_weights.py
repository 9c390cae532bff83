from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from rtdet.detectors.darknet.network import read_network
from rtdet.detectors.darknet.weights import EPSILON, fold, read_weights
from rtdet.errors import ModelError


@pytest.mark.parametrize(("version", "seen"), [((0, 1), 5), ((0, 2), 2**40), ((1, 0), 3)])
def test_since_version_0_2_the_pictures_seen_take_eight_bytes(
    version: tuple[int, int], seen: int, save_pair: Callable[..., Path], nets: ModuleType
) -> None:
    cfg = save_pair(nets.SMALL["v2-like"], version=version, seen=seen)
    path, network = cfg.with_suffix(".weights"), read_network(cfg)
    weights = read_weights(path, network)
    assert path.stat().st_size == 4 * network.weights + (16 if version == (0, 1) else 20)
    assert (weights.version[:2], weights.seen) == (version, seen)
    expected = nets.weights_of(network.layers)
    np.testing.assert_array_equal(weights.arrays[0]["bias"], expected[:4])
    np.testing.assert_array_equal(weights.arrays[0]["weight"].reshape(-1), expected[16 : 16 + 4 * 27])


@pytest.mark.parametrize("bytes_more", [-5000, -4, -1, 1, 4, 1000])
def test_a_file_of_another_length_says_by_how_many_bytes(
    bytes_more: int, save_pair: Callable[..., Path], nets: ModuleType
) -> None:
    cfg = save_pair(nets.SMALL["v3-like"])
    path = cfg.with_suffix(".weights")
    content = path.read_bytes()
    path.write_bytes(content[:bytes_more] if bytes_more < 0 else content + b"\0" * bytes_more)
    how = f"{abs(bytes_more):,} bytes too {'short' if bytes_more < 0 else 'long'} for small.cfg"
    with pytest.raises(ModelError, match=how) as error:
        read_weights(path, read_network(cfg))
    assert "small.weights" in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_are_no_weights_are_named(save_pair: Callable[..., Path], nets: ModuleType) -> None:
    cfg = save_pair(nets.SMALL["v2-like"])
    path, network = cfg.with_suffix(".weights"), read_network(cfg)
    length = path.stat().st_size
    for content, message in (
        (b"", "empty"),
        (b"\0" * 11, "ends in its header, after 11 bytes"),
        (b"<html>" + b" " * (length - 6), "web page"),
        (b"\xff" * length, "no Darknet weights file"),
        (struct.pack("<5i", 0, 2, 5, 0, 0) + b"\xff" * (length - 20), "damaged"),
    ):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=message):
            read_weights(path, network)


def test_a_negative_variance_is_damage(save_pair: Callable[..., Path], nets: ModuleType) -> None:
    cfg = save_pair(nets.SMALL["v2-like"])
    network = read_network(cfg)
    values = nets.weights_of(network.layers)
    values[12:16] = -1  # after bias, scale and mean of four filters
    nets.save_weights(cfg.with_suffix(".weights"), values)
    with pytest.raises(ModelError, match=r"variance of layer 0 \(\[convolutional\], line"):
        read_weights(cfg.with_suffix(".weights"), network)


def test_matrices_of_versions_over_1000_and_flipped_filters_are_turned(
    save_pair: Callable[..., Path], nets: ModuleType
) -> None:
    text = nets.net(4) + nets.conv(5, flipped=1) + nets.section("connected", output=7)
    plain = save_pair(text, "plain")
    turned = save_pair(text, "turned", version=(1001, 0))
    network = read_network(plain)
    one = read_weights(plain.with_suffix(".weights"), network)
    other = read_weights(turned.with_suffix(".weights"), network)
    flat = one.arrays[1]["weight"].reshape(-1)
    np.testing.assert_array_equal(other.arrays[1]["weight"], flat.reshape(80, 7).T)
    file_order = nets.weights_of(network.layers)[20 : 20 + 5 * 27]
    np.testing.assert_array_equal(one.arrays[0]["weight"].reshape(5, 27), file_order.reshape(27, 5).T)


def test_batch_normalisation_folds_into_the_weights() -> None:
    from rtdet.detectors.darknet.layers import Convolutional

    layer = Convolutional(
        kind="convolutional", line=1, inputs=(-1,), shapes=((2, 1, 1),), shape=(3, 1, 1), kernel=1, strides=(1, 1),
        padding=0, batch_normalize=True,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    arrays = {name: rng.random(shape).astype(np.float32) for name, shape in layer.arrays}
    weight, bias = fold(layer, arrays)
    x = rng.random(2)
    raw = arrays["weight"].reshape(3, 2) @ x
    expected = (raw - arrays["mean"]) / np.sqrt(arrays["variance"] + EPSILON) * arrays["scale"] + arrays[
        "bias"
    ]
    np.testing.assert_allclose(weight.reshape(3, 2) @ x + bias, expected, atol=1e-5)
