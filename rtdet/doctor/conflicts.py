"""Packages that are in each other's way."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata

from rtdet.doctor.report import NOTE, OK, PROBLEM, Finding
from rtdet.doctor.versions import version_of

# All of them install the module cv2, each over the other's files.
CV2 = ("opencv-python", "opencv-contrib-python", "opencv-python-headless", "opencv-contrib-python-headless")
ONNX_RUNTIME = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml")
QT = ("PyQt5", "PySide2", "PySide6")


def look() -> Iterator[Finding]:
    found = [
        *_one_of("cv2", CV2, keep="opencv-python"),
        *_one_of("onnxruntime", ONNX_RUNTIME, keep=""),
        *_other_qt(),
        *_torchvision(),
        *_opencv(),
    ]
    yield from found or [Finding("conflicts", "no package is in another's way", OK)]


def _one_of(module: str, packages: tuple[str, ...], *, keep: str) -> Iterator[Finding]:
    here = [name for name in packages if version_of(name)]
    if len(here) < 2:
        return
    kept = keep if keep in here else here[-1]
    pip = f"{sys.executable} -m pip"
    remedy = f"{pip} uninstall -y {' '.join(here)} && {pip} install {kept}"
    text = f"{' and '.join(here)} are installed over each other"
    yield Finding(module, text, PROBLEM, remedy, {"packages": here})


def _other_qt() -> Iterator[Finding]:
    others = [f"{name} {version}" for name in QT if (version := version_of(name))]
    if others:
        text = f"{', '.join(others)} beside PyQt6: a program that loads both crashes"
        yield Finding("Qt", text, NOTE, "nothing for rtdet alone; else give rtdet an environment of its own")


def _torchvision() -> Iterator[Finding]:
    """Each torchvision works only with the torch that it was built for."""
    torch, vision = version_of("torch"), version_of("torchvision")
    if not torch or not vision:
        return
    needs = (
        re.match(r"torch\s*\(?(==|>=)\s*([\w.]+)", one) for one in metadata.requires("torchvision") or ()
    )
    sign, wanted = next(((found[1], found[2]) for found in needs if found), ("", ""))
    is_other = _numbers(torch) != _numbers(wanted) if sign == "==" else _numbers(torch) < _numbers(wanted)
    if wanted and is_other:
        text = f"torchvision {vision} is made for torch {wanted}, and torch {torch} is installed"
        remedy = f"{sys.executable} -m pip install --upgrade torch torchvision"
        yield Finding("torchvision", text, PROBLEM, remedy)


def _numbers(version: str) -> tuple[int, ...]:
    """(2, 9, 1) of "2.9.1+cu126"."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


def _opencv() -> Iterator[Finding]:
    try:
        import cv2
    except ImportError as error:
        remedy = f"{sys.executable} -m pip install --force-reinstall opencv-python"
        yield Finding("cv2", f"cannot be imported: {error}", PROBLEM, remedy)
        return
    version = _numbers(cv2.__version__)
    what, pip = f"OpenCV {cv2.__version__}", f"{sys.executable} -m pip install"
    if version < (4, 10):
        yield Finding("cv2", f"{what} is too old", PROBLEM, f"{pip} --upgrade opencv-python")
    elif version[0] > 5:
        text = f"{what} is newer than those that rtdet was tried with, 4 and 5"
        yield Finding("cv2", text, NOTE, f"if something fails: {pip} 'opencv-python<6'")
