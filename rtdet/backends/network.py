"""The protocol that every backend returns: a network that is ready to run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Tensor = npt.NDArray[np.float32]
Outputs = tuple[npt.NDArray[Any], ...]
Shape = tuple[int, int, int, int]


class Network(Protocol):
    """A network, compiled for one device. Used by one thread at a time.

    backend, device and precision say what was chosen: never "auto".
    """

    backend: str
    device: str
    precision: str

    def run_many(self, inputs: Iterable[Tensor]) -> Iterator[Outputs]:
        """The outputs for each (1, 3, H, W) float32 input, in order.

        Inputs are pulled as the network gets free, so that preparing the next one overlaps running this
        one; an input array may not be written to until its result has come. The outputs are the caller's
        own arrays. Raises ModelError when the network cannot be run on such an input.
        """
        ...

    def close(self) -> None:
        """Frees the memory; may be called twice. `run_many` raises ModelError from then on."""
        ...
