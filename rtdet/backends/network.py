"""The protocol that every backend returns: a network that is ready to run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Tensor = npt.NDArray[np.float32]
Inputs = Tensor | tuple[Tensor, ...]
Outputs = tuple[npt.NDArray[Any], ...]
Shape = tuple[int, ...]
Shapes = tuple[Shape, ...]


def in_one_tuple(inputs: Inputs) -> tuple[Tensor, ...]:
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
        them converted. Real outputs are float32, others as the network gives them.

        Inputs are pulled as the network gets free, so that preparing the next one overlaps running this
        one; an input array may not be written to until its result has come. The outputs are the caller's
        own arrays. Raises ModelError when the network cannot be run on such an input.
        """
        ...

    def close(self) -> None:
        """Frees the memory; may be called twice. `run_many` raises ModelError from then on."""
        ...
