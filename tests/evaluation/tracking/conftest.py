"""Random scenes, and what TrackEval says of them."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import warnings
from pathlib import Path

import numpy as np
import pytest

EXPECTED = Path(__file__).with_name("trackeval_1_3_0.json")
# Our figures, and where TrackEval has them.
NAMES = {
    **{name: ("HOTA", name) for name in ["HOTA", "DetA", "AssA", "DetRe", "DetPr", "AssRe", "AssPr", "LocA"]},
    **{name: ("CLEAR", name) for name in ["MOTA", "MOTP", "IDSW", "MT", "PT", "ML", "Frag"]},
    **{name: ("CLEAR", f"CLR_{name}") for name in ["TP", "FP", "FN"]},
    "Recall": ("CLEAR", "CLR_Re"),
    "Precision": ("CLEAR", "CLR_Pr"),
    **{name: ("Identity", name) for name in ["IDF1", "IDP", "IDR", "IDTP", "IDFP", "IDFN"]},
    "truth_boxes": ("Count", "GT_Dets"),
    "truth_ids": ("Count", "GT_IDs"),
    "track_boxes": ("Count", "Dets"),
    "track_ids": ("Count", "IDs"),
}


def random_scene(seed: int) -> tuple[list[str], list[str], int]:
    """Lines of ground truth, lines of results, and the number of frames.

    Whole numbers on a coarse grid, so that overlaps tie; gaps, new IDs, doubles, distractors, cars, ignored rows and
    frames in which a side is empty. RandomState, because its numbers are the same in every NumPy.
    """
    rng = np.random.RandomState(seed)
    frames, grid, width = rng.randint(1, 25), (1, 5, 10)[rng.randint(3)], (60, 150, 400)[rng.randint(3)]
    truth, tracks, track_id = [], [], 100
    for object_id in range(1, rng.randint(0, 9)):
        box = np.concatenate((rng.randint(0, width // grid, 2) * grid, rng.randint(1, 7, 2) * 10))
        velocity = rng.randint(-1, 2, 2) * grid
        kind = (1, 1, 1, 1, 2, 3, 7, 8, 12, 6, 9)[rng.randint(11)]
        considered = rng.randint(4) > 0
        track_id += 1
        for frame in range(1, frames + 1):
            box[:2] += velocity
            if rng.rand() < 0.85:
                truth.append((frame, object_id, *box, int(considered), kind, 1))
            track_id += rng.rand() < 0.1
            for double in range((0, 1, 1, 1, 1, 2)[rng.randint(6)]):
                off = rng.randint(-1, 2, 4) * grid * (rng.rand(4) < 0.6)
                found = np.maximum(box + off, (-1000, -1000, 1, 1))
                tracks.append((frame, track_id + 1000 * double, *found, 1, -1, -1, -1))
    gone = rng.randint(1, 40)
    truth = [row for row in truth if row[0] != gone]
    tracks = [row for row in tracks if row[0] != gone + 1]
    rng.shuffle(truth)
    rng.shuffle(tracks)
    return [",".join(map(str, row)) for row in truth], [",".join(map(str, row)) for row in tracks], frames


def write_sequence(root: Path, results: Path, name: str, truth: list[str], tracks: list[str], frames: int):
    (root / name / "gt").mkdir(parents=True)
    results.mkdir(exist_ok=True)
    (root / name / "gt" / "gt.txt").write_text("".join(f"{line}\n" for line in truth))
    (root / name / "seqinfo.ini").write_text(f"[Sequence]\nname={name}\nseqLength={frames}\n")
    (results / f"{name}.txt").write_text("".join(f"{line}\n" for line in tracks))


@pytest.fixture(scope="session")
def trackeval():
    """What TrackEval makes of GT_ROOT and RESULTS_DIR by the rules of a benchmark: {sequence: {figure: value}}."""
    if importlib.util.find_spec("trackeval") is None:
        pytest.skip("needs the package trackeval, which is not here")
    return trackeval_figures


def trackeval_figures(root: Path, results: Path, benchmark: str) -> dict[str, dict[str, float]]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # TrackEval's own
        import trackeval

        quiet = dict.fromkeys(["PRINT_RESULTS", "PRINT_CONFIG", "TIME_PROGRESS", "USE_PARALLEL"], False)
        files = dict.fromkeys(["OUTPUT_SUMMARY", "OUTPUT_DETAILED", "PLOT_CURVES"], False)
        settings = {
            "GT_FOLDER": str(root), "TRACKERS_FOLDER": str(results.parent), "TRACKERS_TO_EVAL": [results.name],
            "TRACKER_SUB_FOLDER": "", "BENCHMARK": benchmark, "DO_PREPROC": benchmark != "MOT15",
            "SEQ_INFO": {path.name: _length(path) for path in sorted(root.iterdir())}, "SKIP_SPLIT_FOL": True,
            "PRINT_CONFIG": False,
        }  # fmt: skip
        dataset = trackeval.datasets.MotChallenge2DBox(settings)
        metrics = [trackeval.metrics.HOTA()]
        metrics += [
            kind({"PRINT_CONFIG": False}) for kind in (trackeval.metrics.CLEAR, trackeval.metrics.Identity)
        ]
        found = trackeval.Evaluator({**quiet, **files}).evaluate([dataset], metrics)[0]
    sequences = found["MotChallenge2DBox"][results.name]
    return {
        sequence: {
            name: float(np.mean(of["pedestrian"][family][key])) for name, (family, key) in NAMES.items()
        }
        for sequence, of in sequences.items()
    }


def _length(sequence: Path) -> int:
    if not (sequence / "seqinfo.ini").is_file():
        lines = (sequence / "gt" / "gt.txt").read_text().splitlines()
        return max(int(line.split(",")[0]) for line in lines)
    lines = (sequence / "seqinfo.ini").read_text().splitlines()
    return next(int(line.split("=")[1]) for line in lines if line.lower().startswith("seqlength"))
