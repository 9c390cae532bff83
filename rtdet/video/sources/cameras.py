"""Which cameras there are."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from rtdet.terminal import quiet_opencv

_PROBED = 6  # indexes tried where the system has no list that can be read


@dataclass(frozen=True)
class CameraInfo:
    """A camera that `webcam:INDEX` opens."""

    index: int
    name: str


def list_cameras(
    sys_root: Path = Path("/sys/class/video4linux"), dev_root: Path = Path("/dev")
) -> list[CameraInfo]:
    """The cameras of this machine, by index. On Linux nothing is opened; elsewhere each index is tried."""
    if sys.platform.startswith("linux"):
        return _from_linux(sys_root, dev_root)
    return _by_probing()


def _from_linux(sys_root: Path, dev_root: Path) -> list[CameraInfo]:
    nodes = {}
    for device in dev_root.glob("video*"):
        number = device.name.removeprefix("video")
        if not number.isdecimal() or not _gives_pictures(sys_root / device.name):
            continue
        nodes[int(number)] = _first_line(sys_root / device.name / "name") or device.name
    return [CameraInfo(index, nodes[index]) for index in sorted(nodes)]


def _gives_pictures(node: Path) -> bool:
    # A camera has further nodes for metadata; the first of each, index 0, is the one with pictures.
    return _first_line(node / "index") in ("", "0")


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _by_probing() -> list[CameraInfo]:
    import cv2

    found = []
    with quiet_opencv():
        for index in range(_PROBED):
            capture = cv2.VideoCapture(index)
            if capture.isOpened():
                found.append(CameraInfo(index, f"camera {index}"))
            capture.release()
    return found
