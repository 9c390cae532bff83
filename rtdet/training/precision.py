"""The number format of a training's forward pass. The loss and the weights stay float32."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from rtdet.errors import UnknownNameError, UsageError

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_precision(name: str, device: torch.device) -> str:
    """A name in PRECISIONS. auto: bf16 where the device computes it natively, else fp16 on CUDA and fp32 on a CPU.

    Raises UnknownNameError for another name, UsageError for fp16 without CUDA: gradients need its range.
    """
    if name == "auto":
        if device.type == "cuda":
            return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
        return "bf16" if device.type == "cpu" and _cpu_has_bf16() else "fp32"
    if name not in PRECISIONS:
        raise UnknownNameError("precision", name, ["auto", *PRECISIONS])
    if name == "fp16" and device.type != "cuda":
        raise UsageError("--precision fp16 trains on CUDA only; use bf16 or fp32 here")
    return name


def _cpu_has_bf16() -> bool:
    """Not emulated: that would be slower than fp32. Private names of torch, hence the care."""
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, check, lambda: False)()) for check in checks)


def spare_single_cells(model: nn.Module) -> None:
    """Has convolutions of a stride compute maps that are one cell wide or high in float32.

    In bf16 on a CPU, oneDNN reads memory that nobody wrote for the gradient of their weights (torch 2.14): once in a
    while that is not finite. Such maps only occur at inputs smaller than a network is meant for.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and max(module.stride) > 1:
            module.forward = functools.partial(_spared, module.forward)  # type: ignore[method-assign]


def _spared(forward: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    if min(x.shape[-2:]) > 1:
        return forward(x)
    with torch.autocast(x.device.type, enabled=False):
        return forward(x.float())
