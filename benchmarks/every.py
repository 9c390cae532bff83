#!/usr/bin/env python3
"""What --every N costs and brings: HOTA on MOT17, and frames per second of a run.

usage: python benchmarks/every.py [GT_ROOT] [--clip FILE] [--frames 400] [--rounds 3]

GT_ROOT holds SEQ/gt/gt.txt, SEQ/det/det.txt and SEQ/seqinfo.ini; default: the second halves of MOT17 in
../shared/data/mot/mot17-half-val. The tracker is given the detections of every Nth frame, and predicts its tracks to
those between; all frames are scored. Each figure is the mean over all sequences forward and backward, from the first
frame that may be looked at and from the next ones. Speeds are those of whole headless runs with tracks, in turns; of
them the ratios of processor time are what holds on another machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from streaming_accuracy import ROOT, sequences

from rtdet.evaluation.tracking import TrackRows, combined, score_tracks
from rtdet.trackers.registry import load_tracker

EVERY = (1, 2, 3, 4)


def carried_rows(rows: Any, last: int, fps: float, every: int, first: int) -> TrackRows:
    """The tracks in all frames, of which the detector looks at number `first` + 1 and every Nth after it."""
    tracker, found = load_tracker("rtdet", fps=fps), []
    for number in range(1, last + 1):
        t = (number - 1) / fps
        looks = number > first and (number - 1 - first) % every == 0
        found.append(tracker.update(rows.at(number), t) if looks else tracker.predict(t))
    numbers = np.repeat(range(1, last + 1), [len(tracks) for tracks in found])
    ids, boxes = (np.concatenate([getattr(tracks, name) for tracks in found]) for name in ("ids", "boxes"))
    return TrackRows(numbers, ids, boxes)


def scores(played: list[Any], every: int) -> dict[str, float]:
    figures = []
    for first in range(every):
        for direction in (0, 1):
            of_one = []
            for rows, truth, fps in played[direction::2]:
                last = max(rows.last_frame, truth.last_frame)
                of_one.append(score_tracks(truth, carried_rows(rows, last, fps, every, first)))
            figures.append(combined(of_one).figures)
    return {name: 100 * float(np.mean([one[name] for one in figures])) for name in ("HOTA", "MOTA", "IDF1")}


def run_s(clip: str, frames: int, every: int, folder: str) -> tuple[float, float]:
    """Seconds on the wall and of processor time that a run takes, its start without."""

    def spent(count: int) -> tuple[float, float]:
        words = ["--source", clip, "--headless", "--max-frames", str(count), "--every", str(every), "--quiet"]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-m", "rtdet", *words, "--tracks", "tracks.csv"]
        subprocess.run(command, check=True, cwd=folder, env=dict(os.environ))
        after, wall_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
        return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    long, short = spent(frames), spent(8)
    return long[0] - short[0], long[1] - short[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", nargs="?", type=Path, default=ROOT)
    parser.add_argument("--clip", default="demo")
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    played = sequences(options.root)
    if played:
        print("every    HOTA   MOTA   IDF1")
        for every in EVERY:
            print(
                f"{every:5}" + "".join(f"{value:7.1f}" for value in scores(played, every).values()),
                flush=True,
            )
    else:
        print(f"no HOTA: needs MOTChallenge sequences with detections (there are none in {options.root})")
    clip = options.clip if options.clip == "demo" else str(Path(options.clip).resolve())
    times: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for every, taken in times.items():
                taken.append(run_s(clip, options.frames, every, folder))
    (wall_1, cpu_1), (wall_2, cpu_2) = (
        [median(column) for column in zip(*times[every], strict=True)] for every in (1, 2)
    )
    print(f"frames/s at every 1: {options.frames / wall_1:.0f}, at every 2: {options.frames / wall_2:.0f}")
    print(f"ratio {wall_1 / wall_2:.2f}; of processor time {cpu_1 / cpu_2:.2f}")


if __name__ == "__main__":
    main()
