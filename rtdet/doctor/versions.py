"""Which versions of everything run here."""

from __future__ import annotations

import platform
import struct
import sys
from collections.abc import Iterator
from importlib import metadata

from rtdet.doctor.report import OK, PROBLEM, Finding

PACKAGES = (
    "numpy", "opencv-python", "openvino", "av", "PyQt6", "click", "rich", "pillow", "shapely", "safetensors",
    "arro3-io",
)  # fmt: skip
OPTIONAL = (
    "torch",
    "torchvision",
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "timm",
    "nncf",
    "keyring",
)
OLDEST, NEWEST = (3, 10), (3, 13)


def look() -> Iterator[Finding]:
    own = version_of("rtdet") or "not installed, run from its folder"
    yield Finding("rtdet", own, values={"version": own})
    yield _python()
    yield Finding(
        "system", platform.platform(), values={"system": platform.system(), "machine": platform.machine()}
    )
    found = {name: version_of(name) for name in (*PACKAGES, *OPTIONAL)}
    here = {name: version for name, version in found.items() if version}
    yield Finding(
        "packages",
        ", ".join(f"{name} {version}" for name, version in here.items()),
        values={"versions": here},
    )
    missing = [name for name in PACKAGES if not found[name] and name != "opencv-python"]
    if missing:
        remedy = f"{sys.executable} -m pip install --force-reinstall rtdet"
        yield Finding("missing", ", ".join(missing), PROBLEM, remedy)


def _python() -> Finding:
    version, bits = platform.python_version(), 8 * struct.calcsize("P")
    text = f"{version}, {bits} bits, {sys.executable}"
    values = {"version": version, "executable": sys.executable}
    if bits == 64 and OLDEST <= sys.version_info[:2] <= NEWEST:
        return Finding("Python", text, OK, values=values)
    remedy = "use a 64-bit Python from 3.10 to 3.13, which rtdet and the packages that it needs are made for"
    return Finding("Python", text, PROBLEM, remedy, values)


def version_of(distribution: str) -> str:
    """The version of an installed package; "" where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
