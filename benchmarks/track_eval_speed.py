#!/usr/bin/env python3
"""`rtdet eval track` beside TrackEval: seconds for the same files, in turn in one run, and how far the scores differ.

usage: python benchmarks/track_eval_speed.py [GT_ROOT RESULTS_DIR] [--runs 3] [--json OUT.json]

Measured is all from the files to the figures (HOTA, CLEAR, Identity): the best of the runs of each, and the ratio of
the two. Without folders the scenes are made: 20, 60 and 150 people who walk through 1920x1080 for 150 frames; the
tracks are these, a tenth missed, off by a few pixels, with new IDs at times. Needs the package trackeval.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.evaluation.tracking import TrackingScores, combined, score_sequences

OBJECTS, FRAMES, WIDTH, HEIGHT = (20, 60, 150), 150, 1920, 1080
# Our figures, and where TrackEval has them.
FIGURES = {
    **{name: ("HOTA", name) for name in ("HOTA", "DetA", "AssA", "DetRe", "DetPr", "AssRe", "AssPr", "LocA")},
    **{name: ("CLEAR", name) for name in ("MOTA", "MOTP", "IDSW", "Frag", "MT", "PT", "ML")},
    **{name: ("CLEAR", f"CLR_{name}") for name in ("TP", "FP", "FN")},
    **{name: ("Identity", name) for name in ("IDF1", "IDP", "IDR", "IDTP", "IDFP", "IDFN")},
}
Figures = dict[str, dict[str, float]]


def write_scene(root: Path, results: Path, count: int) -> None:
    """The sequence people-COUNT in both folders."""
    rng = np.random.default_rng(count)
    size = np.stack([rng.uniform(30, 60, count), rng.uniform(80, 160, count)], axis=1)
    start, velocity = rng.uniform(0, 1, (count, 2)) * (WIDTH, HEIGHT), rng.normal(0, 3, (count, 2))
    kind = rng.choice([1, 1, 1, 1, 1, 1, 1, 7], count)  # one in eight stands: a distractor
    ids = np.arange(count) + 1
    truth, tracks = [], []
    for frame in range(1, FRAMES + 1):
        boxes = np.hstack(((start + frame * velocity) % (WIDTH, HEIGHT), size)).round()
        truth += [f"{frame},{i + 1},{_row(box)},1,{kind[i]},1" for i, box in enumerate(boxes)]
        ids = np.where(rng.random(count) < 0.01, ids + 1000, ids)
        for i in np.flatnonzero(rng.random(count) > 0.1):
            tracks.append(f"{frame},{ids[i]},{_row(boxes[i] + rng.normal(0, 4, 4))},1,-1,-1,-1")
    folder = root / f"people-{count}" / "gt"
    folder.mkdir(parents=True)
    (folder / "gt.txt").write_text("\n".join(truth) + "\n")
    (results / f"people-{count}.txt").write_text("\n".join(tracks) + "\n")


def _row(ltwh: Any) -> str:
    return ",".join(f"{value:.2f}" for value in ltwh)


def trackeval_scorer(root: Path, results: Path, lengths: dict[str, int]) -> Callable[[], Figures]:
    """What reads and scores the same with TrackEval; the rules go by the name of the folder, as with us."""
    import trackeval

    name = root.resolve().name.lower()
    benchmark = next((known for known in ("MOT15", "MOT20") if known.lower() in name), "MOT17")
    evaluator = trackeval.Evaluator(
        {
            **dict.fromkeys(("PRINT_RESULTS", "PRINT_CONFIG", "TIME_PROGRESS", "USE_PARALLEL"), False),
            **dict.fromkeys(("OUTPUT_SUMMARY", "OUTPUT_DETAILED", "PLOT_CURVES"), False),
        }
    )
    settings = {
        "GT_FOLDER": str(root), "TRACKERS_FOLDER": str(results.resolve().parent),
        "TRACKERS_TO_EVAL": [results.resolve().name], "TRACKER_SUB_FOLDER": "", "SKIP_SPLIT_FOL": True,
        "BENCHMARK": benchmark, "DO_PREPROC": benchmark != "MOT15", "SEQ_INFO": lengths, "PRINT_CONFIG": False,
    }  # fmt: skip
    silent = {"PRINT_CONFIG": False}
    kinds = trackeval.metrics
    metrics = [kinds.HOTA(), kinds.CLEAR(dict(silent)), kinds.Identity(dict(silent))]

    def score() -> Figures:
        with contextlib.redirect_stdout(io.StringIO()):
            dataset = trackeval.datasets.MotChallenge2DBox(dict(settings))
            found = evaluator.evaluate([dataset], metrics)[0]["MotChallenge2DBox"][results.resolve().name]
        return {
            sequence: {
                key: float(np.mean(of["pedestrian"][a][b])) for key, (a, b) in FIGURES.items()
            }
            for sequence, of in found.items()
        }  # fmt: skip

    return score


def measure(root: Path, results: Path, runs: int) -> dict[str, Any]:
    """Best seconds of both, their ratio, and the largest difference of any figure of any sequence."""
    ours: dict[str, TrackingScores] = score_sequences(root, results)
    theirs = trackeval_scorer(root, results, {name: scores.frames for name, scores in ours.items()})
    best = {"rtdet": float("inf"), "TrackEval": float("inf")}
    figures: Figures = {}
    for _ in range(runs):
        began = time.perf_counter()
        ours = score_sequences(root, results)
        ours["COMBINED_SEQ"] = combined(ours.values())
        middle = time.perf_counter()
        figures = theirs()
        best["rtdet"] = min(best["rtdet"], middle - began)
        best["TrackEval"] = min(best["TrackEval"], time.perf_counter() - middle)
    difference = max(
        abs(ours[name].figures[key] - value) for name, of in figures.items() for key, value in of.items()
    )
    total = ours["COMBINED_SEQ"]
    return {
        "sequences": len(ours) - 1, "frames": total.frames, "boxes": total.truth_boxes + total.track_boxes,
        "seconds": best, "ratio": best["TrackEval"] / best["rtdet"], "largest_difference": difference,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="GT_ROOT RESULTS_DIR")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if len(arguments.folders) not in (0, 2):
        parser.error("give GT_ROOT and RESULTS_DIR, or neither")
    if find_spec("trackeval") is None:
        print("TrackEval is not here, so there is nothing to compare with: pip install trackeval==1.3.0")
        return
    with tempfile.TemporaryDirectory() as temporary:
        jobs = {str(arguments.folders[0]): arguments.folders} if arguments.folders else {}
        for count in () if arguments.folders else OBJECTS:
            root, results = Path(temporary) / f"{count} people", Path(temporary) / f"tracks-{count}"
            results.mkdir()
            write_scene(root, results, count)
            jobs[root.name] = [root, results]
        rows = {name: measure(*folders, arguments.runs) for name, folders in jobs.items()}
    print(f"{'':<24}{'frames':>8}{'boxes':>10}{'TrackEval':>12}{'rtdet':>10}{'ratio':>8}{'difference':>12}")
    for name, row in rows.items():
        seconds = row["seconds"]
        print(
            f"{name[-24:]:<24}{row['frames']:8,}{row['boxes']:10,}{seconds['TrackEval']:10.3f} s"
            f"{seconds['rtdet']:8.3f} s{row['ratio']:8.1f}{row['largest_difference']:12.0e}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
