"""Runs of the demo that were kept, and small ones made by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtdet.kept import About, KeptRunWriter
from rtdet.kept.about import now
from rtdet.pipeline.kept_frame import KeptFrame
from rtdet.types import Detections

CLASSES = ("person", "car")


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with RUN.rtdet and TRACKS.csv of 100 frames of the demo, from the command line."""
    folder = tmp_path_factory.mktemp("demo_run")
    words = [
        "--source",
        "demo",
        "--headless",
        "--max-frames",
        "100",
        "--keep",
        "RUN.rtdet",
        "--tracks",
        "TRACKS.csv",
    ]
    environment = {**os.environ, "RTDET_CACHE": str(folder / "cache")}
    subprocess.run(
        [sys.executable, "-m", "rtdet", *words], cwd=folder, env=environment, check=True, timeout=120
    )
    return folder


def frame(number: int, count: int = 3, *, seed: int = 0, **changed: object) -> KeptFrame:
    """A frame with `count` candidates."""
    rng = np.random.default_rng(seed + number)
    corners = rng.integers(0, 500_000, (count, 2))
    boxes = np.hstack((corners, corners + rng.integers(5_000, 90_000, (count, 2)))) / 1000
    scores = np.sort(rng.integers(50_000, 1_000_000, count) / 1e6)[::-1]
    found = Detections(boxes, scores, rng.integers(0, 2, count), CLASSES)
    values = {
        "t": (number - 1) / 25,
        "pts": (number - 1) * 512,
        "size": (640, 480),
        "candidates": found,
    } | changed
    return KeptFrame(number, **values)  # type: ignore[arg-type]


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Writes a kept run of these frames (1 to `count` where none are given)."""

    def make(
        count: int = 10, *, frames: list[KeptFrame] | None = None, name: str = "RUN.rtdet", **about: object
    ) -> Path:
        path = tmp_path / name
        info = {"name": "film.mp4", "width": 640, "height": 480, "fps": 25.0}
        known = {
            "source": "film.mp4",
            "source_info": info,
            "class_names": CLASSES,
            "suppression": "nms",
        } | about
        writer = KeptRunWriter(path, lambda: About(**known, began_at=now()))  # type: ignore[arg-type]
        for one in [frame(n) for n in range(1, count + 1)] if frames is None else frames:
            writer.write(one)
        writer.close()
        return path

    return make
