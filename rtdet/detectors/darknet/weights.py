"""A Darknet .weights file: a header, then the numbers of each layer, float32, little-endian, without any names."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtdet.backends.placeholders import refuse_placeholder
from rtdet.detectors.darknet.layers import BatchNorm, Connected, Convolutional, Layer
from rtdet.detectors.darknet.network import Network
from rtdet.errors import ModelError

Array = npt.NDArray[np.float32]

# Added to the variance, as OpenCV's reader of Darknet does. Darknet's own number is 1e-5 or 1e-6, by version.
EPSILON = 1e-6


@dataclass(frozen=True)
class Weights:
    """version (major, minor, revision) of the file's format; seen: pictures seen in training; arrays: by the index of
    each layer that has any, the arrays by name (see `Layer.arrays`)."""

    version: tuple[int, int, int]
    seen: int
    arrays: Mapping[int, Mapping[str, Array]]


def read_weights(path: Path, network: Network) -> Weights:
    """The weights of a network. Raises ModelError for a file that is shorter or longer than the network's weights, by
    how many bytes, and for numbers that no training gives."""
    if not path.is_file():
        raise ModelError(f"there is no model file {path}")
    refuse_placeholder(path)
    needed = 4 * network.weights
    try:
        with path.open("rb") as file:
            start = file.read(20)
        length = path.stat().st_size
        version, seen, header = _header(path, start, length - needed)
        _check_length(path, network.path, header + needed, length)
        values = np.memmap(path, dtype="<f4", mode="r", offset=header) if needed else np.zeros(0, dtype="<f4")
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    return Weights(version, seen, _arrays(path, network, values, transposed=max(version[:2]) > 1000))


def _header(path: Path, start: bytes, rest: int) -> tuple[tuple[int, int, int], int, int]:
    """(version, pictures seen, bytes of the header): since version 0.2 the pictures are counted in 64 bits. Of
    versions over 1000, whose matrices are transposed, both forms exist: the file's length tells (`rest` bytes beside
    the weights)."""
    if len(start) < 16:
        raise ModelError(
            f"{path} is no Darknet weights file: it ends in its header, after {len(start)} bytes"
        )
    major, minor, revision = struct.unpack("<3i", start[:12])
    if min(major, minor) < 0 or max(major, minor) > 100_000:
        raise ModelError(f"{path} is no Darknet weights file: its version would be {major}.{minor}")
    is_long = rest != 16 if max(major, minor) > 1000 else major * 10 + minor >= 2
    if is_long and len(start) < 20:
        raise ModelError(
            f"{path} is no Darknet weights file: it ends in its header, after {len(start)} bytes"
        )
    (seen,) = struct.unpack("<Q", start[12:20]) if is_long else struct.unpack("<I", start[12:16])
    return (major, minor, revision), seen, 20 if is_long else 16


def _check_length(path: Path, cfg: Path, expected: int, length: int) -> None:
    if length < expected:
        what, cause = f"{expected - length:,} bytes too short", "it was cut off, or belongs to another cfg"
    elif length > expected:
        what, cause = f"{length - expected:,} bytes too long", "it belongs to another cfg"
    else:
        return
    raise ModelError(f"{path} is {what} for {cfg.name} ({length:,} bytes, not {expected:,}): {cause}")


def _arrays(path: Path, network: Network, values: Array, *, transposed: bool) -> dict[int, dict[str, Array]]:
    arrays: dict[int, dict[str, Array]] = {}
    position = 0
    for index, layer in enumerate(network.layers):
        named: dict[str, Array] = {}
        for name, shape in layer.arrays:
            count = math.prod(shape)
            array = values[position : position + count]
            position += count
            if not np.isfinite(array).all() or (name == "variance" and array.min() < -EPSILON / 2):
                text = (
                    f"its {name} of layer {index} ([{layer.kind}], line {layer.line} of {network.path.name})"
                )
                raise ModelError(
                    f"{path} is damaged, or belongs to another cfg: {text} is no number that training gives"
                )
            named[name] = _as_shape(layer, name, array, shape, transposed=transposed)
        if named:
            arrays[index] = named
    return arrays


def _as_shape(layer: Layer, name: str, array: Array, shape: tuple[int, ...], *, transposed: bool) -> Array:
    """In the named shape, whichever way round the file has it."""
    is_flipped = isinstance(layer, Convolutional) and layer.flipped
    if name == "weight" and (is_flipped or (transposed and isinstance(layer, Connected))):
        return array.reshape(math.prod(shape[1:]), shape[0]).T.reshape(shape)
    return array.reshape(shape)


def fold(layer: Layer, arrays: Mapping[str, Array]) -> tuple[Array, Array]:
    """(weight, bias) of a convolution or matrix with its batch normalisation in it: y = (x - mean) / sqrt(variance +
    EPSILON) * scale + bias. Of a [batchnorm] the weight is the factor of each channel."""
    bias = arrays["bias"].astype(np.float64)
    if "scale" not in arrays:
        return np.asarray(arrays["weight"], dtype=np.float32), np.asarray(bias, dtype=np.float32)
    factor = arrays["scale"] / np.sqrt(arrays["variance"].astype(np.float64) + EPSILON)
    bias = bias - arrays["mean"] * factor
    if isinstance(layer, BatchNorm):
        return np.asarray(factor, dtype=np.float32), np.asarray(bias, dtype=np.float32)
    weight = arrays["weight"]
    factors = factor.astype(np.float32).reshape(-1, *[1] * (weight.ndim - 1))
    return np.asarray(weight * factors, dtype=np.float32), np.asarray(bias, dtype=np.float32)
