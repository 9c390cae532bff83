"""PyTorch: on CUDA, MPS, and on the CPU as the reference that the others are held to.

On CUDA pictures are gathered into batches where several wait, go to the device through pinned memory while the batch
before is computed, and a CUDA graph computes them (`torch_static`). All of it is the same code on the CPU, but for
what `torch_streams` holds.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch

from rtdet.backends.forks import refuse_after_fork
from rtdet.backends.machine import core_count
from rtdet.backends.network import Inputs, Outputs, PixelInput, Shapes, in_one_tuple
from rtdet.backends.torch_staging import Part, Ring, Slot
from rtdet.backends.torch_static import Recorded
from rtdet.backends.torch_step import TYPES, Eager, choose_precision, placed
from rtdet.backends.torch_streams import Step, streams_of
from rtdet.errors import ModelError, UsageError

__all__ = ["TYPES", "TorchNetwork", "choose_precision", "open_torch"]

log = logging.getLogger("rtdet.backends")

# Pictures of 640x640 in a batch, and the most of smaller ones. On the CPU a batch is no quicker.
_BATCH = {"cuda": 16, "mps": 4, "cpu": 1}
_PIXELS = 640 * 640
# As a share of the largest number: what rounding may change where another kernel computes the same.
_ROUNDING = {"fp32": 2e-3, "fp16": 1e-2, "bf16": 4e-2}


def open_torch(
    model: torch.nn.Module | Path,
    shapes: Shapes,
    device: str,
    precision: str,
    pixels: PixelInput | None = None,
) -> TorchNetwork:
    if isinstance(model, Path):
        raise UsageError(f"the torch backend cannot run {model.name}; use --backend auto")
    return TorchNetwork(model, torch.device(device), choose_precision(device, precision), shapes, pixels)


class TorchNetwork:
    """A copy of a module on a device, in evaluation mode. Its outputs: a tensor, or a tuple or list.

    batch: the most pictures computed at once, where the module proves to compute each of several as it would alone;
    None: what suits the device. is_static: whether the steps of the computation are recorded once and then run again;
    None: on CUDA. is_ready: the module is on the device, in its precision, and known to compute each of several as it
    would alone; it is used, not copied. bytes_at: inputs that are uint8.
    """

    backend = "torch"

    def __init__(
        self,
        module: torch.nn.Module,
        device: torch.device,
        precision: str,
        shapes: Shapes,
        pixels: PixelInput | None = None,
        *,
        batch: int | None = None,
        is_static: bool | None = None,
        is_ready: bool = False,
        bytes_at: frozenset[int] = frozenset(),
    ) -> None:
        self.device, self.precision = str(device), precision
        given = list(shapes)
        if pixels is not None:
            given[pixels.index] = pixels.picture_shape(shapes[pixels.index])
            bytes_at |= {pixels.index}
        dtypes = [torch.uint8 if i in bytes_at else torch.float32 for i in range(len(shapes))]
        self._shape = given[0 if pixels is None else pixels.index]
        self._batch = _most_of(device, given, shapes) if batch is None else batch
        self._has_proved = is_ready or self._batch == 1
        if device.type == "cpu":
            torch.set_num_threads(min(torch.get_num_threads(), core_count()))
        try:
            module = module if is_ready else placed(module, device, precision)
            step = Eager(module, device, precision, pixels)
            self._streams = streams_of(device)  # which wait for what was put on the device before them
        except RuntimeError as error:
            raise self._failed(error) from error
        self.is_static = device.type == "cuda" if is_static is None else is_static
        self._module: torch.nn.Module | None = module
        self._eager: Step | None = step
        self._step: Step | None = Recorded(step, self._streams) if self.is_static else step
        self._ring = Ring(given, dtypes, self._streams)

    @property
    def module(self) -> torch.nn.Module:
        """What it runs, on the device and in its precision: not to be changed. Raises ModelError once closed."""
        if self._module is None:
            raise ModelError("the network was closed")
        return self._module

    def run_many(self, inputs: Iterable[Inputs]) -> Iterator[Outputs]:
        refuse_after_fork()
        waiting, running = iter(inputs), deque[Slot]()
        try:
            while (slot := self._gathered(waiting)) is not None:
                running.append(slot)
                self._start(slot)
                if len(running) >= self._streams.in_flight:
                    yield from self._finished(running.popleft())
            while running:
                yield from self._finished(running.popleft())
        finally:
            if running:  # who stopped early may begin anew at once
                self._streams.finish(None)
            for slot in running:
                self._ring.give(slot)

    def _gathered(self, inputs: Iterator[Inputs]) -> Slot | None:
        """A slot with as many of the inputs as are computed at once; None once there are no more."""
        slot = self._ring.take()
        try:
            for one in inputs:
                if self._step is None:
                    raise ModelError("the network was closed")
                slot.put(in_one_tuple(one))
                if slot.count >= self._batch:
                    return slot
        except BaseException:
            self._ring.give(slot)
            raise
        if slot.count:
            return slot
        self._ring.give(slot)
        return None

    def _start(self, slot: Slot) -> None:
        """Has a slot's inputs computed."""
        streams = self._streams
        try:
            inputs, uploaded = slot.upload()
            with streams.computing(), torch.inference_mode():
                streams.wait(uploaded)
                parts = self._computed(inputs, slot.count)
                computed = streams.mark()
            slot.download(parts, computed)
        except RuntimeError as error:
            raise self._failed(error) from error

    def _finished(self, slot: Slot) -> list[Outputs]:
        try:
            return slot.take()
        except RuntimeError as error:
            raise self._failed(error) from error
        finally:
            self._ring.give(slot)

    def _computed(self, inputs: Sequence[torch.Tensor], count: int) -> list[Part]:
        """The outputs of `count` pictures, in as few steps as the module and the device's memory allow."""
        if self._step is None:
            raise ModelError("the network was closed")
        if count > 1 and not self._has_proved:
            return self._proved(inputs, count)
        if count > self._batch:
            return self._in_parts(inputs, count)
        try:
            return [Part(count, self._step(inputs))]
        except RuntimeError as error:
            if count == 1 or not _is_out_of_memory(error):
                raise
            log.debug("%d pictures at once are too many for the memory of %s", count, self.device)
        self._batch = _power_of_two(count // 2)
        self._forget()
        return self._in_parts(inputs, count)

    def _in_parts(self, inputs: Sequence[torch.Tensor], count: int) -> list[Part]:
        parts: list[Part] = []
        start = 0
        while start < count:
            size = min(self._batch, count - start)  # which may become less on the way
            parts += self._computed([_rows(one, start, size, count) for one in inputs], size)
            start += size
        return parts

    def _proved(self, inputs: Sequence[torch.Tensor], count: int) -> list[Part]:
        """The outputs of pictures computed one by one. The module computes several at once from then on, if two at
        once come out the same."""
        assert self._eager is not None
        self._has_proved = True
        most, self._batch = self._batch, 1
        parts = self._in_parts(inputs, count)
        try:
            together = self._eager([_rows(one, 0, 2, count) for one in inputs])
        except RuntimeError as error:
            log.debug("the network takes one picture at a time: %s", _short(error))
            return parts
        alone = zip(parts[0].outputs, parts[1].outputs, strict=True)
        near = _ROUNDING[self.precision]
        if all(_are_same(both, *ones, near) for both, ones in zip(together, alone, strict=True)):
            self._batch = most
        else:
            log.debug("the network computes several pictures otherwise than each alone")
        return parts

    def _failed(self, error: RuntimeError) -> ModelError:
        if _is_out_of_memory(error):
            return ModelError(
                f"{self.device} has too little memory left for an input of {self._shape}: use a smaller --imgsz or "
                "model, or close what else uses the device"
            )
        return ModelError(f"torch failed on an input of {self._shape}: {_short(error)}")

    def _forget(self) -> None:
        """Gives back what recordings hold; they are made anew where there is room."""
        if isinstance(self._step, Recorded):
            self._streams.finish(None)
            self._step.forget()
        self._streams.release()

    def close(self) -> None:
        if self._step is None:
            return
        self._forget()
        self._step = self._eager = self._module = None
        self._ring.clear()
        self._streams.release()


def _most_of(device: torch.device, given: Shapes | list[tuple[int, ...]], shapes: Shapes) -> int:
    """How many pictures are computed at once; one where an input has no axis for more."""
    if any(shape[:1] != (1,) for shape in (*given, *shapes)):
        return 1
    return batch_of(device, max(math.prod(shape) for shape in given) // 3)


def batch_of(device: torch.device, pixels: int) -> int:
    """How many pictures of so many pixels are computed at once on a device."""
    most = _BATCH.get(device.type, 1)
    return _power_of_two(min(most, most * _PIXELS // max(1, pixels)))


def _power_of_two(count: int) -> int:
    """The largest that is not more, and at least 1: the sizes that are recorded."""
    return 1 << max(0, count.bit_length() - 1)


def _rows(tensor: torch.Tensor, start: int, size: int, count: int) -> torch.Tensor:
    """The part of a tensor that belongs to `size` pictures from `start` on, of `count`."""
    each = len(tensor) // count
    return tensor[start * each : (start + size) * each]


def _are_same(together: torch.Tensor, first: torch.Tensor, second: torch.Tensor, near: float) -> bool:
    """Whether what two pictures at once gave is what each gave alone."""
    if first.ndim == 0 or first.shape != second.shape or len(together) != 2 * len(first):
        return False
    alone = torch.cat([first, second]).float()
    if not alone.numel():
        return True
    # Where two numbers are nearly equal rounding decides on their order, and a few rows may change places.
    is_same = (together.float() - alone).abs() <= near * max(float(alone.abs().max()), 1e-6)
    return float(is_same.float().mean()) > 0.99


def _is_out_of_memory(error: BaseException) -> bool:
    text = str(error)
    return (
        isinstance(error, torch.OutOfMemoryError)
        or "out of memory" in text
        or "can't allocate memory" in text
    )


def _short(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
