"""Cameras, and whether they may be opened."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from rtdet.doctor.report import NOTE, PROBLEM, Finding
from rtdet.video.sources import list_cameras


def look() -> Iterator[Finding]:
    cameras = list_cameras()
    if not cameras:
        remedy = "plug one in, or play a file or a stream: rtdet FILE, rtdet rtsp://ADDRESS"
        yield Finding("cameras", "none found", NOTE, remedy)
    for camera in cameras:
        name, node = f"webcam:{camera.index}", Path(f"/dev/video{camera.index}")
        values = {"index": camera.index}
        if sys.platform.startswith("linux") and not _may_open(node):
            remedy = "sudo usermod -aG video $USER, then sign in again"
            yield Finding(name, f"{camera.name}: {node} cannot be opened by you", PROBLEM, remedy, values)
        else:
            yield Finding(name, camera.name, values=values)


def _may_open(node: Path) -> bool:
    return os.access(node, os.R_OK | os.W_OK)
