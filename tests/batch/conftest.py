"""Small films, and batches of them."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

from rtdet.video.sources.demo import DemoSource

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 256, 144


@cache
def _pictures(seed: int) -> list[np.ndarray]:
    source = DemoSource(width=WIDTH, height=HEIGHT, seed=seed)
    source.seek(2.0)
    pictures = [source.read() for _ in range(40)]
    return [picture.bgr for picture in pictures if picture is not None]


def street(seed: int) -> list[np.ndarray]:
    """40 pictures of the demo's street, in one of three versions."""
    return _pictures(seed % 3)


def write_film(
    path: Path,
    frames: int = 40,
    *,
    seed: int = 0,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    pts: list[int] | None = None,
) -> Path:
    """A film of the demo's street, in one of three versions by `seed`; a key frame every 8 frames, and B-frames,
    unless `options` say otherwise. `pts`: the times of its frames, in 25ths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {"g": "8", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number, picture in enumerate(street(seed)[:frames]):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            if pts is not None:
                frame.pts = pts[number]
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six films of several kinds."""
    folder = tmp_path_factory.mktemp("films")
    write_film(folder / "a.mp4", seed=1)
    write_film(folder / "b.mkv", seed=2, options={"g": "8", "bf": "2", "x264-params": "open-gop=1"})
    write_film(folder / "c.mp4", seed=3, frames=24)
    (folder / "below").mkdir()
    write_film(folder / "below" / "d.ts", seed=4)
    write_film(folder / "below" / "e.avi", seed=5, codec="mpeg4", options={"g": "8"})
    write_film(folder / "f 1.mp4", seed=6, options={"g": "8", "bf": "0"})
    return folder


@pytest.fixture(scope="session")
def worker_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of the workers of all tests here: a network is compiled once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def rtdet(worker_cache: Path, tmp_path: Path):
    """Runs the command line in a process of its own; gives what it printed and its exit code."""

    def run(*arguments: object, check: int | None = 0, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "RTDET_CACHE": str(worker_cache), **more}
        done = subprocess.run(
            [sys.executable, "-m", "rtdet", *map(str, arguments)],
            capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=240,
        )  # fmt: skip
        assert check is None or done.returncode == check, done.stderr
        return done

    return run


def files_below(folder: Path) -> dict[str, bytes]:
    """What is in a folder, by path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
