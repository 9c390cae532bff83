from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rtdet.cli import main

ROOT = Path(__file__).resolve().parents[2]


class Outcome:
    """What a command left: its exit code and what it said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def errors(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("rtdet: error: ")]


@pytest.fixture
def rtdet(capsys, tmp_path, monkeypatch) -> Callable[..., Outcome]:
    """Runs the command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)

    def run(*arguments: object) -> Outcome:
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Outcome(int(exit_.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def start_rtdet(tmp_path) -> Callable[..., subprocess.Popen[str]]:
    """Starts the command line as a process of its own, in an empty folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        environment.pop(name, None)

    def start(*arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "rtdet", *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """Two seconds of the demo as H.264, with a tone as its sound."""
    from fractions import Fraction

    import av
    import numpy as np

    from rtdet.demo import DemoScene

    path = tmp_path_factory.mktemp("clips") / "street.mp4"
    scene = DemoScene(seed=0, width=640, height=360, fps=20.0, duration_s=2.0)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=20, options={"preset": "ultrafast", "crf": "18"})
        video.width, video.height, video.pix_fmt = 640, 360, "yuv420p"
        audio = container.add_stream("aac", rate=44100, layout="mono")
        for index in range(scene.frame_count):
            frame = av.VideoFrame.from_ndarray(scene.render(index), format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, 20)
            container.mux(video.encode(frame))
        tone = (np.sin(np.arange(2 * 44100) * 0.06) * 8000).astype(np.int16)
        for start in range(0, len(tone), 1024):
            sound = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], format="s16", layout="mono")
            sound.sample_rate, sound.pts = 44100, start
            container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path
