"""Chooses a backend and a device by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdet.backends.forks import note_opened, refuse_after_fork
from rtdet.backends.graph_files import GRAPH_SUFFIXES, IR, graph_format
from rtdet.backends.machine import has_nvidia_driver, may_have_gpu, tell_of_unused_gpu
from rtdet.backends.network import Network, PixelInput, Shape, Shapes, as_shapes
from rtdet.errors import ModelError, UnknownNameError, UsageError
from rtdet.extras import is_installed, require

if TYPE_CHECKING:
    import torch

    Model = torch.nn.Module | Path | Any

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "fp32", "fp16", "bf16", "int8")


def _torch(model: Model, shapes: Shapes, device: str, precision: str, pixels: PixelInput | None) -> Network:
    require("torch", "the torch backend", "torch")
    from rtdet.backends.torch import open_torch

    return open_torch(model, shapes, device, precision, pixels)


def _openvino(
    model: Model, shapes: Shapes, device: str, precision: str, pixels: PixelInput | None
) -> Network:
    from rtdet.backends.openvino import open_openvino

    return open_openvino(model, shapes, device, precision, pixels)


def _onnxruntime(
    model: Model, shapes: Shapes, device: str, precision: str, pixels: PixelInput | None
) -> Network:
    require("onnxruntime", "the onnxruntime backend")
    from rtdet.backends.onnxruntime import open_onnxruntime

    return open_onnxruntime(model, shapes, device, precision, pixels)


# Each takes a model, its inputs' shapes, a device that `choose` settled, a precision (maybe "auto"), and how a
# picture becomes one of the inputs, where the network shall be given pixels.
BACKENDS: Mapping[str, Callable[[Model, Shapes, str, str, PixelInput | None], Network]] = {
    "torch": _torch,
    "openvino": _openvino,
    "onnxruntime": _onnxruntime,
}


def open_network(
    model: Model,
    input_shape: Shape | Shapes,
    *,
    backend: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    pixels: PixelInput | None = None,
) -> Network:
    """Compile `model`, a torch module or the path of a network's file (graph_files.FORMATS), for inputs of
    `input_shape`: one shape, or for a network with several inputs a tuple of them.
    An openvino.Model runs on the openvino backend, which has to be named.
    pixels: how a picture becomes one of the inputs; the network is then given the picture, uint8 (1, H, W, 3) BGR.

    backend "auto" is OpenVINO on the CPU and torch on cuda and mps (ONNX Runtime for files there). precision
    "auto" is the fastest that the device has natively without visible loss: bf16 or fp32 on CPUs, fp16 on
    cuda. The module is copied: training it further changes nothing here. Raises UnknownNameError and
    UsageError for what is not known or not there, ModelError for a model that cannot be read.
    """
    check_names(backend, device, precision)
    refuse_after_fork()
    is_file = isinstance(model, Path)
    if isinstance(model, Path):
        _check_file(model)
    backend, device = choose(backend, device, is_file=is_file)
    note_opened()
    return BACKENDS[backend](model, as_shapes(input_shape), device, precision, pixels)


def check_names(backend: str, device: str, precision: str) -> None:
    """Raises UnknownNameError for a name that no machine has."""
    if backend != "auto" and backend not in BACKENDS:
        raise UnknownNameError("backend", backend, ("auto", *BACKENDS))
    if device not in DEVICES and not re.fullmatch(r"cuda:\d+", device):
        raise UnknownNameError("device", device, DEVICES)
    if precision not in PRECISIONS:
        raise UnknownNameError("precision", precision, PRECISIONS)
    if precision == "int8":
        raise UsageError("int8 needs a model that was quantised; use --precision auto, bf16 or fp32")


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ModelError(f"there is no model file {path}")
    if graph_format(path) is None:
        raise ModelError(f"{path} is no network that OpenVINO reads: {', '.join(GRAPH_SUFFIXES)}")
    if graph_format(path) is IR and not path.with_suffix(".bin").is_file():
        raise ModelError(f"{path} has no {path.with_suffix('.bin').name} beside it: its weights are missing")


def choose(backend: str, device: str, *, is_file: bool) -> tuple[str, str]:
    """The backend and device that a request stands for; UsageError when this machine lacks them."""
    kind = device.partition(":")[0]
    if backend == "torch" and is_file:
        raise UsageError("the torch backend cannot run networks in files; use --backend auto")
    if backend in ("torch", "onnxruntime"):
        require(backend, f"the {backend} backend", backend)
    if backend == "openvino" and kind not in ("auto", "cpu"):
        raise UsageError(f"the openvino backend runs on the CPU; for {device} use --backend auto")
    if kind == "cpu" or backend == "openvino":
        return ("openvino" if backend == "auto" else backend), "cpu"
    if is_file or backend == "onnxruntime":
        return _choose_onnxruntime(backend, device, kind)
    return _choose_torch(backend, device, kind)


def _choose_torch(backend: str, device: str, kind: str) -> tuple[str, str]:
    cpu = ("openvino" if backend == "auto" else backend), "cpu"
    if kind == "auto" and not may_have_gpu():  # importing torch to learn the same takes seconds
        return cpu
    if not is_installed("torch"):
        if kind != "auto":
            require("torch", f"--device {device}", "torch")
        tell_of_unused_gpu()
        return cpu
    import torch

    has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if kind == "auto":
        found = next((name for name, there in has.items() if there), None)
        return ("torch", found) if found else cpu
    if not has[kind]:
        raise UsageError(f"no {kind.upper()} device found; use --device cpu or auto")
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if ":" in device and int(device.partition(":")[2]) >= count:
        raise UsageError(f"there is no {device}, only {count} such device(s); use --device {kind}")
    return "torch", device


_PROVIDERS = {"cuda": "CUDAExecutionProvider", "mps": "CoreMLExecutionProvider"}


def _choose_onnxruntime(backend: str, device: str, kind: str) -> tuple[str, str]:
    """A GPU where ONNX Runtime has one. Its plain wheel is for CPUs, so `auto` need not even import it."""
    cpu = ("openvino" if backend == "auto" else backend), "cpu"
    if kind == "auto":
        has_gpu_wheel = _installed("onnxruntime-gpu")
        return ("onnxruntime", "cuda") if has_gpu_wheel and _has_provider("cuda") else cpu
    if not _has_provider(kind):
        is_unused = kind == "cuda" and has_nvidia_driver()
        extra = " for ONNX Runtime (pip install onnxruntime-gpu)" if is_unused else " found"
        raise UsageError(f"no {kind.upper()} device{extra}; use --device cpu or auto")
    return "onnxruntime", device


def _has_provider(kind: str) -> bool:
    if not is_installed("onnxruntime"):
        return False
    import onnxruntime

    return _PROVIDERS[kind] in onnxruntime.get_available_providers()


def _installed(distribution: str) -> bool:
    from importlib import metadata

    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
