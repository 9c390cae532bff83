"""What hours of video cost by `rtdet batch`: measured on some kinds of film, reckoned for a thousand and a million.

    python benchmarks/batch_cost.py [--model rtdet-n] [--price 0.04] [--rounds 3] [FILE...]

For each kind of film, CPU time a frame: of decoding alone, and of everything that a batch does with it (decoding,
network, tracking, writing). It is the difference of a long and a short batch, so that starting is not in it. Printed
are also the bytes of tracks and of film a second. From that follow core-hours and, by --price for a core-hour, money,
for films of --fps, and what a network or a store has to deliver to a hundred cores. CPU times grow with whatever else
the machine does: run it on one that is idle. Without FILEs the demo's street is encoded as several kinds.
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
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2

import rtdet
from rtdet.demo import DemoScene

ROOT = Path(__file__).resolve().parents[1]
SHORT, LONG = 3.0, 15.0  # seconds of film
MADE = 50  # pictures, which are repeated
KINDS = {
    "720p H.264": ("libx264", (1280, 720)),
    "1080p H.264": ("libx264", (1920, 1080)),
    "1080p HEVC": ("libx265", (1920, 1080)),
    "4K H.264": ("libx264", (3840, 2160)),
}


@dataclass(frozen=True)
class Cost:
    """Of a frame: CPU milliseconds of decoding and of all, and bytes of tracks; of a second: bytes of film."""

    decode_ms: float
    all_ms: float
    tracks_bytes: float
    film_bytes: float


def film(path: Path, codec: str, size: tuple[int, int], seconds: float) -> Path:
    scene = DemoScene(seed=0, width=1280, height=720)
    options = {"preset": "veryfast"} | ({"x265-params": "log-level=error"} if codec == "libx265" else {})
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(25), options=options)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        pictures = [cv2.resize(scene.render(i), size, interpolation=cv2.INTER_CUBIC) for i in range(MADE)]
        for index in range(round(25 * seconds)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pictures[index % MADE], "bgr24")))
        container.mux(stream.encode())
    return path


def cpu_seconds(source: Path, seconds: float, model: str, folder: Path) -> tuple[float, int]:
    """CPU seconds of a batch of so much of one film by one worker; bytes of its tracks."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    arguments = ["batch", str(source), "--out", str(out), "--duration", str(seconds), "--workers", "1"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "rtdet", *arguments, "--pieces", "1", "--model", model, "--quiet"],
        check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    written = sum(path.stat().st_size for path in (out / "tracks").rglob("*.parquet"))
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, written


def decoding_ms(path: Path) -> float:
    source = rtdet.open_source(str(path))
    source.read()
    began, count = time.process_time(), 0
    while count < 25 * LONG and source.read() is not None:
        count += 1
    source.close()
    return 1e3 * (time.process_time() - began) / max(count, 1)


def measured(path: Path, model: str, rounds: int, folder: Path) -> Cost:
    """Medians of the rounds."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        fps = float(stream.average_rate or 25)
        length_s = float((container.duration or 0) / av.time_base)
    if length_s < 2 * SHORT:
        raise SystemExit(f"{path} has {length_s:.0f} s; {2 * SHORT:.0f} are the least")
    long_s = min(LONG, length_s)
    frames = (long_s - SHORT) * fps
    every, written = [], 0
    for _ in range(rounds):
        (short, _), (long, written) = (cpu_seconds(path, s, model, folder) for s in (SHORT, long_s))
        every.append(1e3 * (long - short) / frames)
    decode_ms = statistics.median(decoding_ms(path) for _ in range(rounds))
    return Cost(decode_ms, statistics.median(every), written / (long_s * fps), path.stat().st_size / length_s)


def report(name: str, cost: Cost, fps: float, price: float) -> str:
    core_h = cost.all_ms / 1e3 * fps  # core-hours for an hour of film
    rate = 100 / core_h * cost.film_bytes * 8 / 1e6  # Mbit/s into a hundred cores
    tracks_mb, film_gb = cost.tracks_bytes * fps * 3600 / 1e6, cost.film_bytes * 3600 / 1e9
    return (
        f"{name:12} decode {cost.decode_ms:5.2f}, all {cost.all_ms:5.2f} core-ms a frame; an hour has "
        f"{film_gb:.2f} GB of film and {tracks_mb:.1f} MB of tracks | at {fps:g} "
        f"frames/s: 1,000 h = {1e3 * core_h:,.0f} core-hours = {1e3 * core_h * price:,.0f}; 1,000,000 h = "
        f"{1e6 * core_h:,.0f} = {1e6 * core_h * price:,.0f}; 100 cores read {rate:,.0f} Mbit/s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--model", default="rtdet-n")
    parser.add_argument("--price", type=float, default=0.04, help="of a core-hour")
    parser.add_argument("--fps", type=float, default=25.0)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        films = {path.name: path for path in chosen.files} or {
            kind: film(folder / f"{kind}.mp4", codec, size, LONG + 1) for kind, (codec, size) in KINDS.items()
        }
        for kind, path in films.items():
            cost = measured(path, chosen.model, chosen.rounds, folder)
            print(report(kind, cost, chosen.fps, chosen.price), flush=True)


if __name__ == "__main__":
    main()
