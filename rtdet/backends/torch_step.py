"""What a torch network computes on its device: the module in its precision, behind what makes its input of pixels."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from rtdet.backends.network import PixelInput
from rtdet.errors import UsageError

TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
_GRAY_OF_BGR = (0.114, 0.587, 0.299)
# Layers whose weights autocast converts whenever they run.
_CONVERTED = (
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear,
)  # fmt: skip


def choose_precision(device: str, wanted: str) -> str:
    """On the CPU torch is the reference: fp32. On CUDA fp16 is the fastest that every card has."""
    if wanted == "auto":
        return "fp16" if device.startswith("cuda") else "fp32"
    if wanted == "fp16" and device == "cpu":
        raise UsageError("torch has no fast fp16 on CPUs; use --precision bf16 or fp32")
    if wanted == "bf16" and device.startswith("cuda") and not torch.cuda.is_bf16_supported():
        raise UsageError("this GPU does not support bf16; use --precision fp16 or fp32")
    return wanted


def placed(module: nn.Module, device: torch.device, precision: str) -> nn.Module:
    """A copy of a module on a device, in evaluation mode, as `Eager` runs it."""
    module = copy.deepcopy(module).eval().to(device)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    if precision != "fp32":
        # Once, not with each picture. What they compute is the same to the last bit: autocast would do as much.
        for layer in module.modules():
            if isinstance(layer, _CONVERTED):
                layer.to(TYPES[precision])
    if device.type == "cuda":
        module.to(memory_format=torch.channels_last)
    return module


class Eager:
    """Runs a module that is `placed`. Its outputs: a tensor, or a tuple or list; real ones become float32."""

    def __init__(
        self, module: nn.Module, device: torch.device, precision: str, pixels: PixelInput | None = None
    ) -> None:
        self._module, self._device, self._precision = module, device, precision
        self._index = 0 if pixels is None else pixels.index
        self._picture = None if pixels is None else PictureInput(pixels).to(device)

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        inputs = list(inputs)
        with ExitStack() as contexts:
            if self._precision != "fp32":
                kind = TYPES[self._precision]
                contexts.enter_context(torch.autocast(self._device.type, kind, cache_enabled=False))
            if (
                self._device.type == "cuda"
            ):  # the shapes never change, so the fastest kernels are worth a search
                contexts.enter_context(_kernels_searched())
            if self._picture is not None:
                inputs[self._index] = self._picture(inputs[self._index])
            outputs = self._module(*inputs)
        outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
        return [(one.float() if one.is_floating_point() else one).contiguous() for one in outputs]


class PictureInput(nn.Module):
    """uint8 (B, H, W, 3) BGR to the float32 that a network's input takes, on the picture's own device."""

    gray: Tensor
    offset: Tensor
    std: Tensor

    def __init__(self, pixels: PixelInput) -> None:
        super().__init__()
        self._pixels = pixels
        # Buffers: a constant that is made with each picture would be copied to the device with each.
        self.register_buffer("gray", torch.tensor(_GRAY_OF_BGR))
        self.register_buffer("offset", torch.tensor(pixels.offset[: pixels.channels]))
        self.register_buffer("std", torch.tensor(pixels.std[: pixels.channels]))
        self._is_scaled = any(pixels.offset) or any(value != 1 for value in pixels.std)

    def forward(self, picture: Tensor) -> Tensor:
        color, layout = self._pixels.color, self._pixels.layout
        values = (picture.flip(-1) if color == "rgb" else picture).float()
        if color == "gray":
            values = (values * self.gray).sum(-1, keepdim=True)
        if self._is_scaled:
            values = (values - self.offset) / self.std
        if "hwc" not in layout:
            values = values.permute(0, 3, 1, 2)
            if values.device.type != "cuda":  # there it is in the order that the convolutions want
                values = values.contiguous()
        return values if "n" in layout else values[0]


_searching = 0
_search_lock = threading.Lock()
_was_searched = False


@contextmanager
def _kernels_searched() -> Iterator[None]:
    """cuDNN tries its kernels for shapes that it has not met, inside. The setting is that of the whole process, and
    other networks may come and go in other threads: the last to leave puts it back."""
    global _searching, _was_searched
    settings = torch.backends.cudnn
    with _search_lock:
        if not _searching:
            _was_searched, settings.benchmark = settings.benchmark, True
        _searching += 1
    try:
        yield
    finally:
        with _search_lock:
            _searching -= 1
            if not _searching:
                settings.benchmark = _was_searched
