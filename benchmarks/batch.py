"""What a batch costs beside single runs of the same files: in one run, in turns.

    python benchmarks/batch.py [--model rtdet-n] [--files 8] [--seconds 20] [--rounds 3] [--engine local|ray] FILE...

Each round works through the same files three times: by `rtdet FILE --headless --tracks` one after the other, by one
such run of all together, and by `rtdet batch`. It prints the seconds and CPU time of each, and frames a second; and
the seconds that a batch and a run of a film of one second take, which is how long they take to begin and to end. The
last lines have the medians of the ratios, as it is and once begun. Without FILEs the demo is encoded to H.264 at
1280x720. CPU times grow with whatever else the machine does: the ratios are of the same round. Of a Ray cluster they
do not count.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av

from rtdet.batch.journal import Journal
from rtdet.batch.layout import Layout
from rtdet.video.sources.demo import DemoSource

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--model", default="rtdet-n")
    parser.add_argument("--files", dest="count", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", default="local")
    parser.add_argument("--imgsz", default="")
    parser.add_argument("--more", default="", help="further options of the batch, in one word")
    wanted = parser.parse_args()
    more = ["--model", wanted.model, *(["--imgsz", wanted.imgsz] if wanted.imgsz else [])]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = wanted.files or _films(folder, wanted.count, wanted.seconds)
        ratios: dict[str, list[tuple[float, float]]] = {"one after the other": [], "one of all": []}
        short, of_batch = [_film(folder / "short", 1.0)], [*more, *wanted.more.split()]
        once_begun: list[float] = []
        frames, few = _frames(files, more, folder), _frames(short, more, folder / "short")
        for number in range(wanted.rounds + 1):
            spent = {
                "one after the other": _singles(files, more, folder),
                "one of all": _together(files, more, folder),
            }
            batch = _batch(files, of_batch, folder, wanted.engine, frames)
            begin = (
                _batch(short, of_batch, folder, wanted.engine, few),
                _together(short, more, folder / "short"),
            )
            if number == 0:
                continue  # networks are compiled
            once_begun.append((spent["one of all"][0] - begin[1][0]) / (batch[0] - begin[0][0]))
            for name, single in spent.items():
                ratios[name].append((single[0] / batch[0], single[1] / batch[1]))
            said = ", ".join(f"{name} {_said(single, frames)}" for name, single in spent.items())
            print(
                f"round {number}: single runs {said}; batch {_said(batch, frames)}; "
                f"a film of a second: batch {begin[0][0]:.1f} s, single run {begin[1][0]:.1f} s",
                flush=True,
            )
        for name, pairs in ratios.items():
            wall, cpu = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(
                f"frames a second of the batch / of single runs, {name}: {wall:.2f}; by CPU time {cpu:.2f} (medians)"
            )
        print(f"once begun, of one of all: {statistics.median(once_begun):.2f} (median)")


def _films(folder: Path, count: int, seconds: float) -> list[Path]:
    files = [_film(folder, seconds)]
    for number in range(1, count):
        files.append(Path(shutil.copy(files[0], folder / f"{number}.mp4")))
    return files


def _film(folder: Path, seconds: float) -> Path:
    """0.mp4 in the folder: the demo's street over and over, for so long."""
    folder.mkdir(exist_ok=True)
    source = DemoSource(width=1280, height=720)
    pictures = [source.read() for _ in range(100)]
    path = folder / "0.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(round(seconds * 25)):
            picture = pictures[number % len(pictures)]
            assert picture is not None
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture.bgr, format="bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def _frames(files: list[Path], more: list[str], folder: Path) -> int:
    """How many frames the files have."""
    _together(files, more, folder)
    count = 0
    for path in folder.glob("*.jsonl"):
        with path.open() as lines:
            count += sum(1 for _ in lines)
    return count


def _singles(files: list[Path], more: list[str], folder: Path) -> tuple[float, float]:
    """(seconds, CPU seconds)"""
    tracks = folder / "tracks.jsonl"
    spent = [
        _run(["--source", str(file), "--headless", "--quiet", "--tracks", str(tracks), *more])
        for file in files
    ]
    tracks.unlink()
    return sum(one[0] for one in spent), sum(one[1] for one in spent)


def _together(files: list[Path], more: list[str], folder: Path) -> tuple[float, float]:
    """(seconds, CPU seconds)"""
    tracks = folder / ("{name}.jsonl" if len(files) > 1 else "0.jsonl")
    return _run([*map(str, files), "--headless", "--quiet", "--tracks", str(tracks), *more])


def _batch(files: list[Path], more: list[str], folder: Path, engine: str, frames: int) -> tuple[float, float]:
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    took = _run(["batch", *map(str, files), "--out", str(out), "--quiet", "--engine", engine, *more])
    with Journal(Layout(out).journal, reads_only=True) as journal:
        assert journal.counts().frames == frames
    return took


def _run(arguments: list[str]) -> tuple[float, float]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "rtdet", *arguments], check=True, env=environment)
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _said(spent: tuple[float, float], frames: int) -> str:
    return f"{spent[0]:.1f} s, {spent[1]:.1f} s of CPU, {frames / spent[0]:.0f} frames/s"


if __name__ == "__main__":
    main()
