"""Our figures beside those of TrackEval 1.3.0, the implementation that MOTChallenge is scored with."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rtdet.evaluation.tracking import combined
from rtdet.evaluation.tracking.sequences import score_sequences
from rtdet.tracks.motchallenge import read_detections
from tests.evaluation.tracking.conftest import EXPECTED, NAMES, random_scene, write_sequence

SCENES = 12


@pytest.fixture(params=["mot15", "mot17", "mot20"])
def benchmark(request):
    return request.param


def scenes(tmp_path, benchmark, seeds):
    """Writes GT_ROOT and RESULTS_DIR; the name of GT_ROOT says by which rules it is scored."""
    root, results = tmp_path / benchmark, tmp_path / "results"
    for seed in seeds:
        write_sequence(root, results, f"S{seed:04d}", *random_scene(seed))
    return root, results


def assert_equal(ours, theirs):
    ours = {**ours, "COMBINED_SEQ": combined(ours.values())}
    assert ours.keys() == theirs.keys()
    for sequence, scores in ours.items():
        figures = scores.figures
        assert {name: figures[name] for name in NAMES} == pytest.approx(theirs[sequence], abs=1e-9), sequence


def test_random_scenes_score_as_was_written_down(tmp_path, benchmark):
    ours = score_sequences(*scenes(tmp_path, benchmark, range(SCENES)))
    assert_equal(ours, json.loads(EXPECTED.read_text())[benchmark])


def test_random_scenes_score_as_with_trackeval(tmp_path, benchmark, trackeval):
    root, results = scenes(tmp_path, benchmark, range(1000, 1015))
    assert_equal(score_sequences(root, results), trackeval(root, results, benchmark.upper()))


@pytest.mark.parametrize("folder", ["mot15", "mot17-half-val", "mot17-frames"])
def test_real_sequences_score_as_with_trackeval(tmp_path, shared_data, folder, trackeval):
    """The tracks: the truth's own, cut and shifted; where there are detections, these with IDs by their column."""
    root = shared_data / "mot" / folder
    results = tmp_path / "results"
    results.mkdir()
    for sequence in root.iterdir():
        source = sequence / "det" / "det.txt"
        path = results / f"{sequence.name}.txt"
        path.write_text(by_column(source) if source.is_file() else shifted(sequence / "gt" / "gt.txt"))
    assert_equal(score_sequences(root, results), trackeval(root, results, folder[:5].upper()))


def by_column(path, width=120):
    """Sure detections as tracks: the ID is the column of the picture that the middle is in."""
    rows, lines, taken = read_detections(path), [], set()
    sure = np.flatnonzero(rows.detections.scores > 0.7)
    for frame, box in zip(rows.frames[sure], rows.detections.boxes[sure], strict=True):
        left, top, right, bottom = box
        track_id = max(0, int((left + right) / 2 / width)) + 1
        while (frame, track_id) in taken:
            track_id += 100
        taken.add((frame, track_id))
        lines.append(f"{frame},{track_id},{left},{top},{right - left},{bottom - top},1,-1,-1,-1\n")
    return "".join(lines)


def shifted(path):
    """The truth's rows, six pixels off; each third one is missing."""
    rows = [line.split(",") for line in path.read_text().splitlines()]
    rows = [row for row in rows if (int(row[0]) + int(row[1])) % 3]
    return "".join(f"{f},{i},{float(x) + 6},{y},{w},{h},1,-1,-1,-1\n" for f, i, x, y, w, h, *_ in rows)
