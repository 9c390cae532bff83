#!/usr/bin/env python3
"""What each part of rtdet's tracker is worth: HOTA, MOTA and IDF1 with all of them, and without one at a time.

usage: python benchmarks/tracker_ablation.py [GT_ROOT] [--runs 6] [--only NAME,NAME] [--json OUT.json]

GT_ROOT holds SEQ/gt/gt.txt, SEQ/det/det.txt and SEQ/seqinfo.ini; default: the second halves of MOT17 in
../shared/data/mot/mot17-half-val. Every figure is of all sequences together and the mean of several runs: forward,
backward, and both again with boxes that jitter by 1% of their size and 1% of them missed. One run alone tells little:
a swap of two IDs early in a sequence is worth a point. The columns are all frames, frames 1 to 4 apart at random,
every 6th, and bursts (70% 1 apart, 15% 4, 15% 10), each scored on the frames that the tracker saw.

Found on the four sequences with the tracker as it is, means of six runs (standard error .1 to .3 for all frames,
twice that for the others), HOTA / MOTA / IDF1:

                                           all       1 to 4 apart          every 6th             bursts
    everything                 60.09/67.1/71.4    60.23/66.8/71.7    59.41/64.2/70.2    57.27/65.7/67.7
    no camera's step           59.03/66.6/70.3    58.35/66.1/69.3    56.48/63.0/66.5    53.90/64.9/63.2
    camera's steps believed    60.09/67.2/71.7    60.58/67.0/72.2    59.59/64.5/70.6    57.20/65.8/67.6
    no low scores              60.38/67.4/72.4    60.07/66.7/71.8    59.39/64.0/70.4    56.46/65.4/67.0
    boxes that do not grow     59.84/67.0/70.9    59.89/66.6/71.1    58.20/63.6/68.4    55.72/65.3/65.3
    IoU without heights        59.75/67.1/70.9    59.75/66.7/71.3    58.46/63.8/69.1    56.20/65.3/66.3
    new tracks gated as old    60.09/67.1/71.4    60.31/66.8/71.7    59.09/63.9/69.7    56.99/65.6/67.4
    none given out at once     60.02/67.1/71.4    59.68/66.2/71.1    57.99/62.1/69.3    56.54/64.5/67.3
    missed tracks hidden       59.04/66.1/70.7    59.09/65.4/70.7    58.36/62.7/69.3    56.46/64.8/67.1
    the filter's box out       59.77/67.1/71.5    59.92/66.9/71.7    59.11/64.1/70.2    57.00/65.8/67.8
    the observed box out       59.64/66.9/71.3    59.86/66.6/71.5    59.14/64.0/70.2    56.93/65.6/67.7

What the scene's agility brings is measured among dancers, in tracker_dance.py; here it must cost nothing.

The camera's steps are weighed for cameras at rest: on the demo, which has one, 53.5 HOTA against 52.7 with them
believed whole, and on MOT17-09 68.1 against 67.2. Low scores pay where frames are dropped and detectors are weak.

Taken out again, because it brought nothing or less (HOTA on all frames, each against 59.96 at that time, unless
said): OC-SORT's second look at where a track was last observed (59.72), a memory of 2 s (59.34) or .7 s (59.32)
instead of 1 s, a gate of .5 for low scores (the same HOTA, .5 MOTA less); on earlier states, the score in the
measurement noise, three hits instead of two, and a threshold that each single step of the camera had to pass (56.7
against 58.4: it is small steps that count, and only many of them tell a camera that moves from one at rest). What
the forecast's own parts bring stands in streaming_accuracy.py.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from streaming_accuracy import ROOT, sequences

from rtdet.evaluation.tracking import TrackingScores, TrackRows, combined, score_tracks
from rtdet.trackers import agility, forecast, similarity
from rtdet.trackers import rtdet as tracker
from rtdet.trackers.registry import load_tracker
from rtdet.types import Detections, FloatArray

JITTER, MISSED = 0.01, 0.01


def _plain_iou(a: FloatArray, b: FloatArray, nearness: FloatArray) -> FloatArray:
    shared = (a[2:] + b[2:]) * 0.5 - np.abs(a[:2] - b[:2]) * nearness
    shared = np.clip(np.minimum(shared, np.minimum(a[2:], b[2:])), 0, None)
    both: FloatArray = shared[0] * shared[1]
    return both / (a[2] * a[3] + b[2] * b[3] - both)


# Name to the settings and the patches that take the part out.
PARTS: dict[str, tuple[dict[str, Any], list[Callable[[], Any]]]] = {
    "everything": ({}, []),
    "no camera's step": ({"camera": False}, []),
    "camera's steps believed": ({}, [lambda: patch.object(forecast, "EVIDENCE", 0.0)]),
    "never agile": ({}, [lambda: patch.object(agility, "MOST", 1.0)]),
    "no low scores": ({"low": 0.6}, []),
    "boxes that do not grow": ({}, [lambda: patch.object(similarity, "GROWTH", 0.0)]),
    "IoU without heights": ({}, [lambda: patch.object(similarity, "_similarity", _plain_iou)]),
    "new tracks gated as old": ({}, [lambda: patch.object(tracker, "NEW_GATE", tracker.GATE)]),
    "none given out at once": ({"sure": 1.0}, []),
    "missed tracks hidden": ({"coast_s": 0.0}, []),
    "the filter's box out": ({}, [lambda: patch.object(tracker, "BELIEF", 0.0)]),
    "the observed box out": ({}, [lambda: patch.object(tracker, "BELIEF", 1.0)]),
}


def kept_frames(last: int, mode: str, seed: int) -> list[int]:
    rng = np.random.default_rng(seed)
    steps = {
        "all": lambda: 1,
        "random": lambda: int(rng.integers(1, 5)),
        "6th": lambda: 6,
        "bursts": lambda: int(rng.choice((1, 4, 10), p=(0.7, 0.15, 0.15))),
    }[mode]
    frames = [1]
    while (number := frames[-1] + steps()) <= last:
        frames.append(number)
    return frames


def jittered(detections: Detections, rng: np.random.Generator) -> Detections:
    size = detections.boxes[:, 2:] - detections.boxes[:, :2]
    noise = rng.normal(0, JITTER, detections.boxes.shape) * np.tile(size, 2)
    seen = rng.random(len(detections)) >= MISSED
    return Detections(detections.boxes + noise, detections.scores, detections.labels)[seen]


def track(rows: Any, frames: list[int], fps: float, settings: dict[str, Any], seed: int) -> TrackRows:
    """The tracker's rows; `seed` 0: of the detections as they are."""
    instance, rng = load_tracker("rtdet", fps=fps, **settings), np.random.default_rng(seed)
    found = []
    for number in frames:
        detections = jittered(rows.at(number), rng) if seed else rows.at(number)
        found.append(instance.update(detections, (number - 1) / fps))
    numbers = np.repeat(frames, [len(tracks) for tracks in found])
    ids, boxes = (np.concatenate([getattr(tracks, name) for tracks in found]) for name in ("ids", "boxes"))
    return TrackRows(numbers, ids, boxes)


def scores_of_run(played: list[Any], run: int, mode: str, settings: dict[str, Any]) -> TrackingScores:
    """Run 0 is forward, 1 backward, 2 and more the two again with jitter."""
    scores = []
    for rows, truth, fps in played[run % 2 :: 2]:
        frames = kept_frames(max(rows.last_frame, truth.last_frame), mode, run)
        scores.append(score_tracks(truth.only(frames), track(rows, frames, fps, settings, run // 2)))
    return combined(scores)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", nargs="?", type=Path, default=ROOT)
    parser.add_argument("--runs", type=int, default=6)
    parser.add_argument("--only", help="names of parts, comma-separated")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    played = sequences(options.root)
    if not played:
        print(
            f"skipped: needs MOTChallenge sequences with detections: GT_ROOT (there are none in {options.root})"
        )
        return
    names = options.only.split(",") if options.only else list(PARTS)
    if unknown := [name for name in names if name not in PARTS]:
        parser.error(f"no such part: {unknown[0]}; there are {', '.join(PARTS)}")
    modes, figures = ("all", "random", "6th", "bursts"), {}
    print(f"{'':26}" + "".join(f"{mode:>7}: HOTA  MOTA  IDF1" for mode in modes))
    for name in names:
        settings, patches = PARTS[name]
        with ExitStack() as taken_out:
            for each in patches:
                taken_out.enter_context(each())
            figures[name] = {
                mode: [scores_of_run(played, run, mode, settings).figures for run in range(options.runs)]
                for mode in modes
            }
        line = f"{name:26}"
        for mode in modes:
            hota, mota, idf1 = (
                100 * np.mean([each[key] for each in figures[name][mode]]) for key in ("HOTA", "MOTA", "IDF1")
            )
            line += f"{hota:13.2f}{mota:6.1f}{idf1:6.1f}"
        print(line, flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
