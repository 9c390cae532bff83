"""One of OpenVINO's requests, with the arrays that lie over its inputs and outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtdet.backends.network import Inputs, Outputs, in_one_tuple


class Request:
    """Runs a compiled network once at a time. What goes in is copied into OpenVINO's own memory: that costs less than
    having it look at another array each time, and leaves that array to its owner."""

    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()
        self._inputs = [tensor.data for tensor in self._request.input_tensors]
        # Where the length of an output depends on what is in the picture its memory is another each time.
        is_static = all(port.partial_shape.is_static for port in compiled.outputs)
        self._outputs = [tensor.data for tensor in self._request.output_tensors] if is_static else None

    def start(self, inputs: Inputs) -> None:
        """Begins to run. Raises ValueError for inputs of other shapes, RuntimeError for what OpenVINO refuses."""
        arrays = in_one_tuple(inputs)
        if len(arrays) != len(self._inputs):
            raise ValueError(f"it has {len(self._inputs)} inputs, and got {len(arrays)}")
        for own, given in zip(self._inputs, arrays, strict=True):
            # A picture's axis for a batch is left out where the network has none.
            array = given[0] if given.ndim == own.ndim + 1 and len(given) == 1 else given
            if array.shape != own.shape:
                raise ValueError(f"it takes {list(own.shape)}, not {list(given.shape)}")
            np.copyto(own, array, casting="unsafe")
        self._request.start_async()

    def wait(self) -> None:
        """Returns when it has run. Raises RuntimeError where that failed."""
        self._request.wait()

    def outputs(self) -> Outputs:
        """What it gave, as arrays of the caller's own."""
        if self._outputs is not None:
            return tuple(output.copy() for output in self._outputs)
        return tuple(tensor.data.copy() for tensor in self._request.output_tensors)
