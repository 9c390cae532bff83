"""The devices that networks run on, by the names that --device takes.

    cpu                       every backend
    cuda, cuda:N              torch; for networks in files ONNX Runtime
    mps                       torch; for networks in files ONNX Runtime's CoreML
    intel-gpu, intel-gpu:N    OpenVINO
    npu                       OpenVINO
    openvino-auto             OpenVINO, which chooses among its own
    openvino:NAME             OpenVINO, by a name of its own: openvino:HETERO:GPU,CPU
    tensorrt, directml, coreml (tensorrt:N, directml:N)   ONNX Runtime, where its wheel has them

Which of them are here is asked of each backend, but only where the machine could have one: that costs nothing on a
machine without.
"""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rtdet.backends.machine import cpu_name, may_have_gpu
from rtdet.errors import UnknownNameError
from rtdet.extras import is_installed

OPENVINO_OWN = "openvino:"  # before a name of OpenVINO's own


@dataclass(frozen=True)
class Kind:
    """A kind of device. title: its name for people. backends: what runs networks on it, the best first. openvino,
    provider: what OpenVINO and ONNX Runtime call it. is_numbered: a machine may have several."""

    title: str
    backends: tuple[str, ...]
    openvino: str = ""
    provider: str = ""
    is_numbered: bool = False


KINDS: Mapping[str, Kind] = {
    "cpu": Kind("CPU", ("openvino", "torch", "onnxruntime"), "CPU", "CPUExecutionProvider"),
    "cuda": Kind("CUDA device", ("torch", "onnxruntime"), "", "CUDAExecutionProvider", True),
    "mps": Kind("MPS device", ("torch", "onnxruntime"), "", "CoreMLExecutionProvider"),
    "intel-gpu": Kind("Intel GPU", ("openvino",), "GPU", is_numbered=True),
    "npu": Kind("NPU", ("openvino",), "NPU", is_numbered=True),
    "openvino-auto": Kind("OpenVINO device", ("openvino",), "AUTO"),
    "tensorrt": Kind("TensorRT", ("onnxruntime",), "", "TensorrtExecutionProvider", True),
    "directml": Kind("DirectML", ("onnxruntime",), "", "DmlExecutionProvider", True),
    "coreml": Kind("CoreML", ("onnxruntime",), "", "CoreMLExecutionProvider"),
}


@dataclass(frozen=True)
class Device:
    """A device of this machine. name: as --device takes it. backend: what runs networks on it. title: its maker's
    name for it, "" where that is not known."""

    name: str
    backend: str
    title: str = ""


def kind_of(device: str) -> str:
    """The kind of a device: "cuda" of "cuda:1"; "openvino" where OpenVINO's own name follows."""
    return device.partition(":")[0]


def number_of(device: str) -> int:
    """1 of "cuda:1"; 0 where the name has no number."""
    return int(device.partition(":")[2] or 0)


def check_device(device: str) -> None:
    """Raises UnknownNameError for a name that no machine has."""
    if device in ("auto", *KINDS) or re.fullmatch(r"openvino:[A-Z][\w.,:()-]*", device):
        return
    kind = kind_of(device)
    if not (kind in KINDS and KINDS[kind].is_numbered and re.fullmatch(r"\d{1,3}", device[len(kind) + 1 :])):
        raise UnknownNameError("device", device, ("auto", *KINDS), what_is_here())


def openvino_name(device: str) -> str:
    """What OpenVINO calls a device: GPU.1 for "intel-gpu:1"."""
    if device.startswith(OPENVINO_OWN):
        return device[len(OPENVINO_OWN) :]
    name, number = KINDS[kind_of(device)].openvino, device.partition(":")[2]
    return f"{name}.{number}" if number else name


def runs_on(backend: str, device: str) -> bool:
    """Whether a backend has devices of this kind at all."""
    kind = kind_of(device)
    return backend == "openvino" if kind == "openvino" else backend in KINDS[kind].backends


def precision_for_positions(wanted: str, device: str) -> str:
    """The precision of a network that gives positions in pixels, where "auto" is wanted: those up to 640 do not fit
    into the 8 significant bits of bf16, so boxes would jump by 2 pixels. The 11 bits of fp16, which Intel's GPUs and
    NPUs have, are enough."""
    return "fp32" if wanted == "auto" and kind_of(device) not in ("intel-gpu", "npu") else wanted


def devices_here() -> tuple[Device, ...]:
    """Every device of this machine with each backend that is installed and runs networks on it, the CPU first.
    Imports torch only where there may be a GPU for it."""
    cpu = [Device("cpu", "openvino", cpu_name())]
    if is_installed("onnxruntime"):
        cpu.append(Device("cpu", "onnxruntime", cpu_name()))
    return (*cpu, *torch_devices(), *intel_devices(), *provider_devices(onnx_providers()))


def names_here() -> tuple[str, ...]:
    """The names that --device takes on this machine, beside auto."""
    return tuple(dict.fromkeys((*(one.name for one in devices_here()), "openvino-auto")))


def what_is_here() -> str:
    """How a message ends that some device is unknown or absent."""
    return f"this machine has {', '.join(names_here())}"


def intel_devices() -> tuple[Device, ...]:
    """The devices that OpenVINO has here beside the CPU."""
    if not may_have_intel_device():
        return ()
    from rtdet.backends.openvino import available_devices

    return named_openvino_devices(available_devices())


def named_openvino_devices(found: Mapping[str, str]) -> tuple[Device, ...]:
    """OpenVINO's devices (GPU, GPU.0, NPU, ...) and their makers' names, as devices of rtdet; without the CPU and
    those that rtdet has no name for."""
    kinds = {kind.openvino: name for name, kind in KINDS.items() if kind.openvino not in ("", "CPU", "AUTO")}
    named = []
    for own, title in found.items():
        kind, _, number = own.partition(".")
        if kind in kinds and (not number or number.isdecimal()):
            named.append(Device(kinds[kind] + (f":{number}" if number else ""), "openvino", title))
    return tuple(named)


def torch_devices() -> tuple[Device, ...]:
    """The GPUs that torch has here."""
    if not may_have_gpu() or not is_installed("torch"):
        return ()
    import torch

    found = [
        Device(f"cuda:{i}", "torch", torch.cuda.get_device_name(i))
        for i in (range(torch.cuda.device_count()) if torch.cuda.is_available() else ())
    ]
    return (*found, *([Device("mps", "torch")] if torch.backends.mps.is_available() else []))


def onnx_providers() -> tuple[str, ...]:
    """ONNX Runtime's execution providers that its wheel has; nothing where it is not installed."""
    if not is_installed("onnxruntime"):
        return ()
    from rtdet.backends.onnx_loading import load_onnxruntime

    return tuple(load_onnxruntime().get_available_providers())


def provider_devices(providers: Sequence[str]) -> tuple[Device, ...]:
    """The devices that ONNX Runtime may have by its wheel, beside the CPU. Whether one starts, a session tells."""
    return tuple(
        Device(name, "onnxruntime")
        for name, kind in KINDS.items()
        if name not in ("cpu", "mps") and kind.provider in providers
    )


def may_have_intel_device() -> bool:
    """False only where OpenVINO could find neither a GPU nor an NPU: no driver has made a device file. OpenVINO's own
    search takes some hundredths of a second."""
    if sys.platform == "win32":
        return True
    return os.path.exists("/dev/dxg") or any(map(glob.glob, ("/dev/dri/renderD*", "/dev/accel/accel*")))
