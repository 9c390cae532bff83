"""A step recorded once for each number of pictures and then only run again: no Python and few launches a batch."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from rtdet.backends.torch_streams import OneQueue, Replay, Step

log = logging.getLogger("rtdet.backends")


class Recorded:
    """A step for inputs of always the same shapes but for the number of pictures, their first axis.

    What it cannot record, it runs as it is. Its outputs are no memory of the recording's.
    """

    def __init__(self, step: Step, streams: OneQueue) -> None:
        self._step, self._streams = step, streams
        self._recordings: dict[int, _Recording | None] = {}

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        count = len(inputs[0])
        size = _next_power_of_two(count)
        if size not in self._recordings:
            self._recordings[size] = self._record(inputs, size)
        recording = self._recordings[size]
        return self._step(inputs) if recording is None else recording.run(inputs, count)

    def _record(self, inputs: Sequence[Tensor], size: int) -> _Recording | None:
        static = [torch.zeros((size, *one.shape[1:]), dtype=one.dtype, device=one.device) for one in inputs]
        for buffer, one in zip(static, inputs, strict=True):
            buffer[: len(one)].copy_(one)
        found = obstacle(self._step, static)
        if found is not None:
            log.debug("the network is not recorded as a CUDA graph: it calls %s", found)
            return None
        try:
            replay, outputs = self._streams.record(self._step, static)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            log.debug("the network cannot be recorded as a CUDA graph: %s", error)
            return None
        return _Recording(replay, static, outputs)

    def forget(self) -> None:
        """Frees what was recorded."""
        self._recordings.clear()


class _Recording:
    """Inputs and outputs that stay where they are, and what computes these from those."""

    def __init__(self, replay: Replay, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        self._replay, self._inputs, self._outputs = replay, inputs, outputs

    def run(self, inputs: Sequence[Tensor], count: int) -> list[Tensor]:
        """Rows beyond `count` are computed on what was there before, and left out."""
        for buffer, one in zip(self._inputs, inputs, strict=True):
            buffer[:count].copy_(one, non_blocking=True)
        self._replay()
        full = len(self._inputs[0])
        return [(output if count == full else output[:count]).clone() for output in self._outputs]


def _next_power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length()


def obstacle(step: Step, inputs: Sequence[Tensor]) -> str | None:
    """The first operation of a step that needs the host to look at a number or to copy something: such a step cannot
    be recorded, and to find that out while recording would leave CUDA's state in disorder. None: there is none."""
    # Under inference_mode operations arrive before they are taken apart, and what they do is hidden.
    heard = _Listening()  # type: ignore[no-untyped-call]
    with torch.inference_mode(False), torch.no_grad(), heard:
        step([one.clone() for one in inputs])
    found: str | None = heard.found
    return found


class _Listening(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the first operation that waits for the device. Only of its own thread."""

    found: str | None = None

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Else torch imports its compiler, which takes seconds, to keep it away from here."""
        return False

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        outputs = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__
        waits = name in _WAITS or _crosses(name, args, outputs) or _chooses(name, args)
        if waits and self.found is None:
            self.found = name
        return outputs


# The shape or the value of what they give is only known once it has been computed.
_WAITS = {
    "_local_scalar_dense", "nonzero", "masked_select", "_unique", "_unique2", "unique_dim", "unique_consecutive",
    "bincount", "repeat_interleave", "nms", "equal", "histc",
}  # fmt: skip


def _crosses(name: str, args: tuple[Any, ...], outputs: Any) -> bool:
    """Whether something is copied from one device to another; a constant of the program's comes from the host."""
    if name == "lift_fresh":
        return bool(args[0].device.type != "cpu")
    if name not in ("_to_copy", "copy_") or not isinstance(outputs, Tensor):
        return False
    source = args[1] if name == "copy_" else args[0]
    return isinstance(source, Tensor) and source.device != outputs.device


def _chooses(name: str, args: tuple[Any, ...]) -> bool:
    """Whether rows are chosen by a mask, whose number of ones nobody knows beforehand, or by numbers on the host."""
    if name not in ("index", "index_put", "index_put_", "_index_put_impl_"):
        return False
    chosen = [one for one in args[1] if isinstance(one, Tensor)]
    return any(one.dtype in (torch.bool, torch.uint8) or one.device != args[0].device for one in chosen)
