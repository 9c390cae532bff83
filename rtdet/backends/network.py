"""The protocol that every backend returns: a network that is ready to run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Tensor = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]
Inputs = Tensor | Pixels | tuple[Tensor | Pixels, ...]
Outputs = tuple[npt.NDArray[Any], ...]
Shape = tuple[int, ...]
Shapes = tuple[Shape, ...]
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class PixelInput:
    """How one of a network's inputs is made of a picture. The network is then given uint8 (1, H, W, 3) BGR,
    contiguous, and everything else is part of what it computes.

    index: of the input that takes the picture.
    color: the order of the channels that the input takes: bgr, rgb or gray.
    mean, std, zero_point: the input gets (pixel - mean) / std - zero_point, pixels from 0 to 255, mean and std in the
        order of `color`; the zero point is that of an int8 input which was quantised from 0 to 255.
    layout: the order of the input's axes: nchw, nhwc, chw or hwc.
    """

    index: int = 0
    color: str = "bgr"
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    layout: str = "nchw"
    zero_point: int = 0

    @property
    def offset(self) -> Triple:
        """What to subtract before the division, zero point included: the input gets (pixel - offset) / std."""
        first, second, third = (m + s * self.zero_point for m, s in zip(self.mean, self.std, strict=True))
        return first, second, third

    @property
    def channels(self) -> int:
        """Of the network's input: 3, or 1 for grey."""
        return 1 if self.color == "gray" else 3

    def picture_shape(self, shape: Shape) -> Shape:
        """Of the uint8 picture, (1, H, W, 3), for an input of `shape`."""
        sides = dict(zip(self.layout, shape, strict=True))
        return sides.get("n", 1), sides["h"], sides["w"], 3


def in_one_tuple(inputs: Inputs) -> tuple[Tensor | Pixels, ...]:
    """The arrays that a network's inputs get, one for each of them."""
    return inputs if isinstance(inputs, tuple) else (inputs,)


def as_shapes(shape: Shape | Shapes) -> Shapes:
    """A tuple of shapes, of one shape or of several."""
    several = tuple(one for one in shape if isinstance(one, tuple))
    return several or (tuple(side for side in shape if isinstance(side, int)),)


class Network(Protocol):
    """A network, compiled for one device. Used by one thread at a time.

    backend, device and precision say what was chosen: never "auto".
    """

    backend: str
    device: str
    precision: str

    def run_many(self, inputs: Iterable[Inputs]) -> Iterator[Outputs]:
        """The outputs for each input, in order: a float32 array of the shape that the network was opened for, or a
        tuple of them for a network with several inputs. A network that takes other numbers (uint8, fp16, int64) gets
        them converted. One that was opened with a PixelInput takes uint8 (1, H, W, 3) BGR there. Real outputs are
        float32, others as the network gives them.

        Inputs are pulled as the network gets free, so that preparing the next one overlaps running this
        one; an input array may not be written to until its result has come. The outputs are the caller's
        own arrays. Raises ModelError when the network cannot be run on such an input.
        """
        ...

    def close(self) -> None:
        """Frees the memory; may be called twice. `run_many` raises ModelError from then on."""
        ...
