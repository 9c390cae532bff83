"""PyTorch as it is (eager): on CUDA, MPS, and on the CPU as the reference that the others are held to."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from rtdet.backends.forks import refuse_after_fork
from rtdet.backends.machine import core_count
from rtdet.backends.network import Inputs, Outputs, PixelInput, Pixels, Shape, Shapes, Tensor, in_one_tuple
from rtdet.errors import ModelError, UsageError

TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
_GRAY_OF_BGR = (0.114, 0.587, 0.299)
_IN_FLIGHT = 2  # on a GPU: one input is copied over while the other is computed


def open_torch(
    model: torch.nn.Module | Path,
    shapes: Shapes,
    device: str,
    precision: str,
    pixels: PixelInput | None = None,
) -> TorchNetwork:
    if isinstance(model, Path):
        raise UsageError(f"the torch backend cannot run {model.name}; use --backend auto")
    return TorchNetwork(model, torch.device(device), choose_precision(device, precision), shapes[0], pixels)


def choose_precision(device: str, wanted: str) -> str:
    """On the CPU torch is the reference: fp32. On CUDA fp16 is the fastest that every card has."""
    if wanted == "auto":
        return "fp16" if device.startswith("cuda") else "fp32"
    if wanted == "fp16" and device == "cpu":
        raise UsageError("torch has no fast fp16 on CPUs; use --precision bf16 or fp32")
    if wanted == "bf16" and device.startswith("cuda") and not torch.cuda.is_bf16_supported():
        raise UsageError("this GPU does not support bf16; use --precision fp16 or fp32")
    return wanted


class TorchNetwork:
    """A copy of a module on a device, in evaluation mode. Its outputs: a tensor, or a tuple or list."""

    backend = "torch"

    def __init__(
        self,
        module: torch.nn.Module,
        device: torch.device,
        precision: str,
        shape: Shape,
        pixels: PixelInput | None = None,
    ) -> None:
        self.device, self.precision, self._shape, self._pixels = str(device), precision, shape, pixels
        self._device = device
        self._module: torch.nn.Module | None = copy.deepcopy(module).eval().to(device)
        for parameter in self._module.parameters():
            parameter.requires_grad_(False)
        if device.type == "cuda":
            self._module.to(memory_format=torch.channels_last)
        elif device.type == "cpu":
            torch.set_num_threads(min(torch.get_num_threads(), core_count()))

    def run_many(self, inputs: Iterable[Inputs]) -> Iterator[Outputs]:
        refuse_after_fork()
        depth = _IN_FLIGHT if self._device.type == "cuda" else 1
        running: deque[tuple[list[torch.Tensor], Any]] = deque()
        for array in inputs:
            running.append(self._start(*in_one_tuple(array)))
            if len(running) >= depth:
                yield _finish(*running.popleft())
        while running:
            yield _finish(*running.popleft())

    def _start(self, *arrays: Tensor | Pixels) -> tuple[list[torch.Tensor], Any]:
        """Queue one input: the outputs in host memory, and the CUDA event after which they are filled."""
        if self._module is None:
            raise ModelError("the network was closed")
        on_cuda = self._device.type == "cuda"
        with ExitStack() as contexts:
            contexts.enter_context(torch.inference_mode())
            if self.precision != "fp32":
                contexts.enter_context(torch.autocast(self._device.type, TYPES[self.precision]))
            if on_cuda:  # the shapes never change, so the fastest kernels are worth searching for
                contexts.enter_context(torch.cuda.device(self._device))
                contexts.enter_context(torch.backends.cudnn.flags(benchmark=True))
            tensors = [self._placed(torch.from_numpy(array)) for array in arrays]
            if (pixels := self._pixels) is not None:
                tensors[pixels.index] = from_pixels(tensors[pixels.index], pixels)
            try:
                outputs = self._module(*tensors)
            except RuntimeError as error:
                raise ModelError(f"torch failed on an input of {arrays[0].shape}: {_short(error)}") from error
            tensors = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
            if not on_cuda:
                return [_to_host(tensor) for tensor in tensors], None
            on_host = [_to_pinned(tensor) for tensor in tensors]
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record()
        return on_host, event

    def _placed(self, tensor: torch.Tensor) -> torch.Tensor:
        if self._device.type != "cuda":
            return tensor.to(self._device)
        tensor = tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor

    def close(self) -> None:
        self._module = None


def from_pixels(picture: torch.Tensor, pixels: PixelInput) -> torch.Tensor:
    """uint8 (B, H, W, 3) BGR as the float32 that a network's input takes, on the picture's own device."""
    values = picture.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    if pixels.color == "gray":
        weights = torch.tensor(_GRAY_OF_BGR, device=values.device).view(1, 3, 1, 1)
        values = (values * weights).sum(1, keepdim=True)
    elif pixels.color == "rgb":
        values = values.flip(1)
    count = pixels.channels
    offset = torch.tensor(pixels.offset[:count], device=values.device).view(1, count, 1, 1)
    deviation = torch.tensor(pixels.std[:count], device=values.device).view(1, count, 1, 1)
    values = (values - offset) / deviation
    if "hwc" in pixels.layout:
        values = values.permute(0, 2, 3, 1).contiguous()
    return values if "n" in pixels.layout else values[0]


def _to_host(tensor: torch.Tensor) -> torch.Tensor:
    return (tensor.float() if tensor.is_floating_point() else tensor).cpu()


def _to_pinned(tensor: torch.Tensor) -> torch.Tensor:
    tensor = (tensor.float() if tensor.is_floating_point() else tensor).contiguous()
    pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return pinned.copy_(tensor, non_blocking=True)


def _finish(tensors: list[torch.Tensor], event: Any) -> Outputs:
    if event is not None:
        event.synchronize()
    # A module may hand out its own buffer (priors, say); the copy makes every output the caller's own.
    return tuple(tensor.numpy().copy() for tensor in tensors)


def _short(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
