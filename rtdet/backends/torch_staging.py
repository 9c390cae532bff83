"""Where inputs wait for the device and outputs come back to: memory that is used again and again."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rtdet.backends.machine import core_count
from rtdet.backends.network import Outputs, Shape
from rtdet.backends.torch_streams import OneQueue
from rtdet.errors import ModelError

_KINDS: dict[torch.dtype, np.dtype[Any]] = {
    torch.uint8: np.dtype(np.uint8),
    torch.float32: np.dtype(np.float32),
}

_LARGE = 256 << 10  # bytes of an input that another thread copies
_MOST_COPIERS = 4


@cache
def _copiers() -> ThreadPoolExecutor:
    """The threads that copy large inputs, those of all networks: NumPy lets other threads run meanwhile."""
    return ThreadPoolExecutor(min(_MOST_COPIERS, core_count()), thread_name_prefix="torch-staging")


def _copy(array: Any, place: Any) -> None:
    if isinstance(array, np.ndarray):
        np.copyto(place, array, casting="same_kind")
    else:
        array.write_to(place)


@dataclass(frozen=True)
class Part:
    """The outputs of `count` pictures that were computed at once."""

    count: int
    outputs: list[Tensor]


class Slot:
    """Room for one batch, from its inputs' arrival until its outputs have been handed out.

    shapes: of the inputs of one picture. dtypes: what the inputs hold, uint8 or float32.
    """

    def __init__(self, shapes: Sequence[Shape], dtypes: Sequence[torch.dtype], streams: OneQueue) -> None:
        self._shapes, self._dtypes, self._streams = shapes, dtypes, streams
        self._room = 0
        self._hosts: list[Tensor] = []
        self._arrays: list[Any] = []
        self._buffers: list[Tensor | None] = []
        self._outputs: list[list[Tensor | None]] = []
        self._held: Sequence[Part] = ()
        self._done: Any = None
        self._copies: list[Future[None]] = []
        self.count = 0

    def put(self, inputs: Sequence[Any]) -> None:
        """One picture's arrays, copied; or what has a `shape` and `dtype` and writes itself into one (`write_to`).
        Raises ModelError for other shapes or numbers."""
        if len(inputs) != len(self._shapes):
            raise ModelError(f"the network has {len(self._shapes)} inputs, and was given {len(inputs)}")
        for array, shape, dtype in zip(inputs, self._shapes, self._dtypes, strict=True):
            if np.shape(array) != shape or not np.can_cast(array.dtype, _KINDS[dtype], "same_kind"):
                kind = "pixels (uint8)" if dtype == torch.uint8 else "numbers"
                raise ModelError(
                    f"torch failed on an input of {np.shape(array)} {array.dtype}: it takes {kind} of {shape}"
                )
        if self.count == self._room:
            self._grow()
        for rows, array, shape in zip(self._arrays, inputs, self._shapes, strict=True):
            length = shape[0]
            place = rows[self.count * length : (self.count + 1) * length]
            if self._streams.copies_aside and place.nbytes >= _LARGE:
                self._copies.append(_copiers().submit(_copy, array, place))
            else:
                _copy(array, place)
        self.count += 1

    def _grow(self) -> None:
        """Twice the room: most sources give one picture at a time, and pinned memory is dear."""
        self._finish_copies()
        self._room = max(1, 2 * self._room)
        old = self._arrays
        self._hosts = [
            self._streams.host_buffer((self._room * shape[0], *shape[1:]), dtype)
            for shape, dtype in zip(self._shapes, self._dtypes, strict=True)
        ]
        self._arrays = [host.numpy() for host in self._hosts]
        with self._streams.uploading():
            self._buffers = [self._streams.device_buffer(host) for host in self._hosts]
        for new, rows in zip(self._arrays, old, strict=False):
            new[: len(rows)] = rows

    def upload(self) -> tuple[list[Tensor], Any]:
        """The inputs on the device, and the mark after which they are there."""
        self._finish_copies()
        with self._streams.uploading():
            inputs = []
            for host, buffer, shape in zip(self._hosts, self._buffers, self._shapes, strict=True):
                rows = self.count * shape[0]
                inputs.append(self._streams.upload(host[:rows], None if buffer is None else buffer[:rows]))
            return inputs, self._streams.mark()

    def download(self, parts: Sequence[Part], computed: Any) -> None:
        """Has the outputs, which are there after the mark `computed`, brought back."""
        self._held = parts  # their memory may not be another's before they have been read
        before, self._outputs = self._outputs, []
        with self._streams.downloading():
            self._streams.wait(computed)
            for i, part in enumerate(parts):
                used = before[i] if i < len(before) else []
                used += [None] * (len(part.outputs) - len(used))
                pairs = zip(part.outputs, used, strict=False)
                self._outputs.append([self._streams.download(output, into) for output, into in pairs])
            self._done = self._streams.mark()

    def take(self) -> list[Outputs]:
        """The outputs of each picture, as arrays of the caller's own; the slot is free then. May raise RuntimeError,
        with what went wrong on the device."""
        self._streams.finish(self._done)
        found: list[Outputs] = []
        for part, tensors in zip(self._held, self._outputs, strict=True):
            arrays = [tensor.numpy() for tensor in tensors if tensor is not None]
            if part.count > 1:
                each = [array.reshape(part.count, -1, *array.shape[1:]) for array in arrays]
                found += [tuple(rows[i].copy() for rows in each) for i in range(part.count)]
            else:  # a module may hand out its own buffer (priors, say): hence the copies
                found.append(tuple(array.copy() for array in arrays))
        self.clear()
        return found

    def _finish_copies(self) -> None:
        copies, self._copies = self._copies, []
        wait(copies)
        for copy in copies:
            copy.result()

    def clear(self) -> None:
        """Forgets what is in it."""
        wait(self._copies)
        self._copies = []
        self.count, self._held, self._done = 0, (), None


class Ring:
    """The slots of one network. As many are kept as are used at a time."""

    def __init__(self, shapes: Sequence[Shape], dtypes: Sequence[torch.dtype], streams: OneQueue) -> None:
        self._shapes, self._dtypes, self._streams = shapes, dtypes, streams
        self._free: list[Slot] = []
        self._most = streams.in_flight + 1

    def take(self) -> Slot:
        """An empty slot."""
        return self._free.pop() if self._free else Slot(self._shapes, self._dtypes, self._streams)

    def give(self, slot: Slot) -> None:
        """A slot that is no longer used."""
        slot.clear()
        if len(self._free) < self._most:
            self._free.append(slot)

    def clear(self) -> None:
        """Frees the memory."""
        self._free.clear()
