"""The devices that networks run on, each timed with the embedded model."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from glob import glob

from rtdet.backends.devices import Device, devices_here, kind_of, may_have_intel_device, onnx_providers
from rtdet.backends.machine import core_count, has_nvidia_driver
from rtdet.backends.quickest import remembered
from rtdet.detectors.heads.head import street_picture
from rtdet.detectors.registry import load_detector
from rtdet.doctor.report import NOTE, OK, PROBLEM, Finding
from rtdet.errors import RtdetError
from rtdet.extras import install_command, is_installed
from rtdet.protocols import Detector

MODEL = "rtdet-n"
TIMED_S = 0.8


def look() -> Iterator[Finding]:
    here = devices_here()
    for device in here:
        yield time_device(device)
    yield from _busy()
    yield from _unused({kind_of(one.name) for one in here})
    for known in remembered():
        times = ", ".join(f"{name} {ms:.1f} ms" for name, ms in known.ms.items())
        yield Finding(known.model, f"--backend auto is {known.backend} on {known.device} ({times})")


def time_device(device: Device) -> Finding:
    """How many pictures a second the embedded model does on a device, one at a time, the detector alone."""
    name, title = f"{device.name} ({device.backend})", f"{device.title}: " if device.title else ""
    try:
        detector = load_detector(MODEL, device=device.name, backend=device.backend)
        try:
            per_second = _per_second(detector)
            network = getattr(detector, "network", None)
        finally:
            detector.close()
    except RtdetError as error:
        return Finding(
            name, f"{title}does not start: {error}", PROBLEM, "use --device cpu, or renew its driver"
        )
    ran_on, precision = getattr(network, "device", device.name), getattr(network, "precision", "")
    if kind_of(ran_on) != kind_of(device.name):
        return Finding(
            name, f"{title}does not start, {ran_on} runs in its place", NOTE, f"use --device {ran_on}"
        )
    values = {
        "device": device.name,
        "backend": device.backend,
        "precision": precision,
        "frames_per_s": per_second,
    }
    return Finding(name, f"{title}{per_second:.0f} frames/s with {MODEL} in {precision}", OK, values=values)


def _per_second(detector: Detector) -> float:
    picture = [street_picture()]
    for _ in range(2):
        detector.detect(picture)
    count, begin = 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < TIMED_S or count < 3:
        detector.detect(picture)
        count += 1
    return round(count / passed, 1)


def _busy() -> Iterator[Finding]:
    """Speeds that were measured beside other work say little."""
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows
        return
    if load > core_count():
        text = f"the machine is busy (load {load:.1f} on {core_count()} cores): the speeds above are too low"
        yield Finding("busy", text, NOTE, "close other programs and look again")


def _unused(kinds: set[str]) -> Iterator[Finding]:
    """What the machine seems to have and rtdet cannot use."""
    if has_nvidia_driver() and not kinds & {"cuda", "tensorrt"}:
        what = (
            "not used: torch is not installed"
            if not is_installed("torch")
            else "not used: torch does not find it"
        )
        remedy = (
            install_command("torch")
            if not is_installed("torch")
            else "install a torch that was built for CUDA"
        )
        yield Finding("NVIDIA GPU", what, NOTE, remedy)
    if not sys.platform.startswith("linux"):
        if sys.platform == "win32" and "directml" not in kinds and not onnx_providers():
            yield Finding(
                "DirectML", "not used", NOTE, f"{sys.executable} -m pip install onnxruntime-directml"
            )
        return
    nodes = glob("/dev/dri/renderD*") + glob("/dev/accel/accel*")
    closed = [one for one in nodes if not os.access(one, os.R_OK | os.W_OK)]
    if closed:
        remedy = "sudo usermod -aG render $USER, then sign in again"
        yield Finding("GPU or NPU", f"{', '.join(closed)} cannot be opened by you", PROBLEM, remedy)
    elif may_have_intel_device() and not kinds & {"intel-gpu", "npu", "cuda"}:
        remedy = "if it is Intel's, install its compute driver (Debian: intel-opencl-icd)"
        yield Finding("GPU or NPU", "there is one that no back end finds", NOTE, remedy)
