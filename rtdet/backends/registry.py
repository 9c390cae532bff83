"""Chooses a backend and a device by name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdet.backends.devices import (
    KINDS,
    Device,
    check_device,
    intel_devices,
    kind_of,
    number_of,
    onnx_providers,
    openvino_name,
    runs_on,
    torch_devices,
    what_is_here,
)
from rtdet.backends.forks import note_opened, refuse_after_fork
from rtdet.backends.graph_files import GRAPH_SUFFIXES, IR, ONNX, graph_format
from rtdet.backends.machine import has_nvidia_driver, may_have_gpu, tell_of_unused_gpu
from rtdet.backends.network import Network, PixelInput, Shape, Shapes, as_shapes
from rtdet.backends.quickest import Choice, example_of, key_of, open_quickest
from rtdet.errors import ModelError, UnknownNameError, UsageError
from rtdet.extras import is_installed, require

if TYPE_CHECKING:
    import torch

    Model = torch.nn.Module | Path | Any

DEVICES = ("auto", *KINDS)
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

    backend "auto" is OpenVINO on the CPU and torch on cuda and mps (ONNX Runtime for files there); of several that a
    file could run by here it is the quickest, timed once and remembered (`quickest.py`). precision "auto" is the
    fastest that the device has natively without visible loss: bf16 or fp32 on CPUs, fp16 on GPUs and NPUs. The module
    is copied: training it further changes nothing here. Raises UnknownNameError and UsageError for what is not known
    or not there, ModelError for a model that cannot be read.
    """
    check_names(backend, device, precision)
    refuse_after_fork()
    is_file = isinstance(model, Path)
    if isinstance(model, Path):
        _check_file(model)
    choices, shapes = candidates(backend, device, is_file=is_file), as_shapes(input_shape)
    note_opened()

    def open_choice(choice: Choice) -> Network:
        return BACKENDS[choice[0]](model, shapes, choice[1], precision, pixels)

    if isinstance(model, Path):
        choices = _that_run(model, precision, choices)
        if choices[1:]:
            key = key_of(model, shapes, precision)
            return open_quickest(choices, open_choice, example_of(shapes, pixels), key, model.name)[1]
    return open_choice(choices[0])


def _that_run(path: Path, precision: str, choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """Those of the choices that read such a file and have such a precision; the first says itself what is wrong."""
    is_for_all = graph_format(path) is ONNX and precision in ("auto", "fp32")
    return choices[:1] + tuple(one for one in choices[1:] if is_for_all or one[0] != "onnxruntime")


def check_names(backend: str, device: str, precision: str) -> None:
    """Raises UnknownNameError for a name that no machine has."""
    if backend != "auto" and backend not in BACKENDS:
        raise UnknownNameError("backend", backend, ("auto", *BACKENDS))
    if device != "auto":
        check_device(device)
    if precision not in PRECISIONS:
        raise UnknownNameError("precision", precision, PRECISIONS)
    if precision == "int8":
        raise UsageError(
            "int8 needs a model that was quantised (rtdet export --precision int8 makes one): "
            "use --precision auto, bf16 or fp32"
        )


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ModelError(f"there is no model file {path}")
    if graph_format(path) is None:
        raise ModelError(f"{path} is no network that OpenVINO reads: {', '.join(GRAPH_SUFFIXES)}")
    if graph_format(path) is IR and not path.with_suffix(".bin").is_file():
        raise ModelError(f"{path} has no {path.with_suffix('.bin').name} beside it: its weights are missing")


def choose(backend: str, device: str, *, is_file: bool) -> Choice:
    """The backend and device that a request usually stands for; UsageError when this machine lacks them."""
    return candidates(backend, device, is_file=is_file)[0]


def candidates(backend: str, device: str, *, is_file: bool) -> tuple[Choice, ...]:
    """What a request may stand for on this machine and may be the quickest, the usual first: GPUs of torch (of ONNX
    Runtime for networks in files), OpenVINO's CPU and its other devices, ONNX Runtime's CPU for networks in files.
    Raises UsageError where the machine lacks what is asked for."""
    kind = kind_of(device)
    if backend == "torch" and is_file:
        raise UsageError("the torch backend cannot run networks in files; use --backend auto")
    if backend in ("torch", "onnxruntime"):
        require(backend, f"the {backend} backend", backend)
    if kind == "auto":
        return _any_device(backend, is_file=is_file)
    if backend != "auto" and not runs_on(backend, device):
        raise UsageError(
            f"the {backend} backend runs on {_RUNS_ON[backend]}; for {device} use --backend auto"
        )
    if kind == "cpu":
        return _cpu(backend, is_file=is_file)
    if backend == "openvino" or runs_on("openvino", device):
        return (("openvino", _of_openvino(device)),)
    if is_file or backend == "onnxruntime" or not runs_on("torch", device):
        return (("onnxruntime", _of_onnxruntime(device)),)
    return (("torch", _of_torch(device)),)


_RUNS_ON = {
    "openvino": "the CPU, Intel GPUs and NPUs",
    "torch": "the CPU, cuda and mps",
    "onnxruntime": "the CPU, cuda, tensorrt, directml and coreml",
}


def _cpu(backend: str, *, is_file: bool) -> tuple[Choice, ...]:
    if backend != "auto":
        return ((backend, "cpu"),)
    has_other = is_file and is_installed("onnxruntime")
    return (("openvino", "cpu"), *([("onnxruntime", "cpu")] if has_other else []))


def _any_device(backend: str, *, is_file: bool) -> tuple[Choice, ...]:
    found: list[Choice] = []
    if backend in ("auto", "torch") and not is_file:
        found += [("torch", name) for name in _gpus_of_torch()[:1]]
    if backend in ("auto", "onnxruntime") and (is_file or backend == "onnxruntime"):
        found += [("onnxruntime", name) for name in _gpus_of_onnxruntime()]
    if backend == "auto" and found:
        found.append(("openvino", "cpu"))
    elif not found:
        found += _cpu(backend, is_file=is_file)
    if backend in ("auto", "openvino"):
        found += [("openvino", one.name) for one in intel_devices()]
    return tuple(found)


def _gpus_of_torch() -> list[str]:
    if not may_have_gpu():  # importing torch to learn the same takes seconds
        return []
    if not is_installed("torch"):
        tell_of_unused_gpu()
        return []
    return list(dict.fromkeys(kind_of(one.name) for one in torch_devices()))


# The wheels of ONNX Runtime that are for more than CPUs, and what they are for.
_WHEELS = {"cuda": "onnxruntime-gpu", "tensorrt": "onnxruntime-gpu", "directml": "onnxruntime-directml"}


def _gpus_of_onnxruntime() -> list[str]:
    """ONNX Runtime's plain wheel is for CPUs, so `auto` need not even import it to know that there are none. TensorRT
    is for those who ask for it: it takes minutes to prepare a network."""
    wanted = [kind for kind in ("cuda", "directml") if _installed(_WHEELS[kind])]
    wanted += ["coreml"] if sys.platform == "darwin" else []
    return [kind for kind in wanted if KINDS[kind].provider in onnx_providers()]


def _of_openvino(device: str) -> str:
    if kind_of(device) in ("intel-gpu", "npu"):
        _refuse_absent(device, intel_devices())
    elif kind_of(device) == "openvino":
        refuse_unknown(openvino_name(device))
    return device


def _of_torch(device: str) -> str:
    if not is_installed("torch"):
        require("torch", f"--device {device}", "torch")
    _refuse_absent(device, torch_devices())
    return device


def _of_onnxruntime(device: str) -> str:
    kind = kind_of(device)
    if KINDS[kind].provider in onnx_providers():
        return "coreml" if kind == "mps" else device
    is_unused = has_nvidia_driver() if kind in ("cuda", "tensorrt") else sys.platform == "win32"
    if kind in _WHEELS and is_unused:
        raise _absent(device, f"no {KINDS[kind].title} for ONNX Runtime (pip install {_WHEELS[kind]})")
    raise _absent(device, f"no {KINDS[kind].title} found")


def _refuse_absent(device: str, here: tuple[Device, ...]) -> None:
    kind = kind_of(device)
    count = sum(kind_of(one.name) == kind for one in here)
    if not count:
        raise _absent(device, f"no {KINDS[kind].title} found")
    if ":" in device and number_of(device) >= count:
        raise UsageError(f"there is no {device}, only {count} such device(s); use --device {kind}")


def _absent(device: str, what: str) -> UsageError:
    return UsageError(f"{what}; use --device cpu or auto ({what_is_here()})")


def _installed(distribution: str) -> bool:
    from importlib import metadata

    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def refuse_unknown(name: str) -> None:
    """Raises UsageError where OpenVINO here has not all of the devices that a name of its own holds."""
    from rtdet.backends.openvino import available_devices

    have = available_devices()
    virtual, _, rest = name.partition(":")
    if virtual not in _VIRTUAL:
        rest = name
    asked = [one.partition("(")[0] for one in rest.split(",") if one and not one.startswith("-")]
    lacking = [one for one in asked if not any(own == one or own.startswith(f"{one}.") for own in have)]
    if lacking:
        raise UsageError(
            f"OpenVINO has no {', '.join(lacking)} here, only {', '.join(have)} (--device openvino:{name})"
        )


_VIRTUAL = ("AUTO", "HETERO", "MULTI", "BATCH")


def quicker_precision(network: Network) -> str:
    """One in which the network would be quicker, and less exact, on its device; "" where none is known."""
    if network.backend == "openvino" and kind_of(network.device) == "cpu" and network.precision == "fp32":
        from rtdet.backends.openvino import native_precisions

        return "bf16" if "bf16" in native_precisions() else ""
    return ""
