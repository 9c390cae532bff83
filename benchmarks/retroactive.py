#!/usr/bin/env python3
"""How long the kept past takes to follow a slider: what is on screen, the whole, and what the window feels of it.

usage: python benchmarks/retroactive.py [--minutes 10] [--objects 15]

Makes a kept run of so many minutes at 25 frames/s with so many objects a frame (and 8 false candidates below .2) and
tracks it again by another confidence: the 3.5 s around a picture in this process, the whole in the one beside it.
Meanwhile a thread of this process does what the window does (a short piece of work every 16 ms); the longest time
between two pieces is for how long a picture on screen would have stood still. The time is also given as a share of
the film, and the stillness beside that of a process that does nothing else.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from rtdet.kept import About, KeptRun, KeptRunWriter, Tracking, retrack
from rtdet.kept.retracking_client import RetrackingClient
from rtdet.pipeline.kept_frame import KeptFrame
from rtdet.types import Detections

FPS, CLUTTER = 25.0, 8
NAMES = ("person", "car")


def make_run(path: Path, minutes: float, objects: int) -> None:
    """Objects that cross the picture at steady speeds, five in a hundred detections missing."""
    rng = np.random.default_rng(0)
    places, speeds = rng.uniform(0, 1, (objects, 2)) * [1200, 600], rng.normal(0, 60, (objects, 2))
    sizes, labels = rng.uniform(30, 90, (objects, 2)), rng.integers(0, 2, objects)
    info = {"name": "film", "width": 1280, "height": 720, "fps": FPS}
    writer = KeptRunWriter(path, lambda: About(source_info=info, class_names=NAMES, suppression="nms"))
    for number in range(1, int(minutes * 60 * FPS) + 1):
        places += speeds / FPS
        speeds[(places < 0) | (places > [1200, 620])] *= -1
        seen = rng.uniform(size=objects) > 0.05
        corners = places[seen] + rng.normal(0, 1, (int(seen.sum()), 2))
        false = rng.uniform(0, 1, (CLUTTER, 2)) * [1200, 600]
        boxes = np.vstack((np.hstack((corners, corners + sizes[seen])), np.hstack((false, false + 40))))
        scores = np.concatenate((rng.uniform(0.4, 0.95, len(corners)), rng.uniform(0.05, 0.2, CLUTTER)))
        order = np.argsort(-scores, kind="stable")
        of = np.concatenate((labels[seen], rng.integers(0, 2, CLUTTER)))
        found = Detections(boxes[order].round(3), scores[order].round(6), of[order], NAMES)
        writer.write(KeptFrame(number, (number - 1) / FPS, number, (1280, 720), candidates=found))
    writer.close()


class Painter(threading.Thread):
    """A window's thread: paints every 16 ms for 4 ms, and notes the longest time between two pictures."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.longest_s, self.is_over = 0.0, False

    def run(self) -> None:
        picture = np.zeros((720, 1280, 3), np.uint8)
        last = time.perf_counter()
        while not self.is_over:
            began = time.perf_counter()
            while time.perf_counter() - began < 0.004:
                picture[::8] += 1
            time.sleep(0.012)
            now = time.perf_counter()
            self.longest_s, last = max(self.longest_s, now - last), now


def painted_while(work) -> tuple[float, float]:
    """Seconds that the work took, and the longest that a picture stood still meanwhile."""
    painter = Painter()
    painter.start()
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    painter.is_over = True
    painter.join()
    return took, painter.longest_s


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--objects", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "RUN.rtdet"
        make_run(path, options.minutes, options.objects)
        count, length_s = 0, options.minutes * 60
        with KeptRun(path) as run:
            count = int(run.frames.found.sum())
            middle = int(length_s / 2 * FPS)
            near = []
            for confidence in (0.3, 0.35, 0.45, 0.5, 0.55):
                began = time.perf_counter()
                run.reread()
                list(retrack(run, Tracking(confidence), first=middle - 62, end=middle + 25))
                near.append(time.perf_counter() - began)
        print(
            f"kept: {length_s:.0f} s of {options.objects} objects, {count} candidates, "
            f"{path.stat().st_size / count:.1f} bytes each"
        )
        print(
            f"around the picture: {1e3 * np.median(near):.0f} ms (median of 5), {1e3 * max(near):.0f} ms at most"
        )
        client = RetrackingClient()
        wait(client, client.request(path, Tracking(0.2)))  # the process is there
        _, idle_s = painted_while(lambda: time.sleep(3))
        whole_s, still_s = painted_while(lambda: wait(client, client.request(path, Tracking(0.4))))
        client.close()
        print(f"the whole: {whole_s:.2f} s, 1/{length_s / whole_s:.0f} of the film")
        print(f"longest still picture meanwhile: {1e3 * still_s:.0f} ms, without it {1e3 * idle_s:.0f} ms")


def wait(client: RetrackingClient, number: int) -> None:
    while not any(one.number == number and one.table is not None for one in client.answers()):
        time.sleep(0.005)


if __name__ == "__main__":
    main()
