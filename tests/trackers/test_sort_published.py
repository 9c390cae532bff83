"""SORT's published rows, and the original's HOTA on MOT17, by `rtdet track` and TrackEval."""

from __future__ import annotations

import importlib.util
import warnings

import pytest
from click.testing import CliRunner

from rtdet.cli.track import command

ROWS = {"TUD-Campus": (15, 113, 6), "ETH-Sunnyday": (319, 418, 22), "KITTI-17": (38, 225, 9)}
HOTA = {"MOT17-02": 35.23, "MOT17-05": 56.86, "MOT17-09": 58.63, "MOT17-11": 58.95}


@pytest.fixture(scope="module")
def score(shared_data):
    """The function that scores a folder of results against a folder of truth."""
    if importlib.util.find_spec("trackeval") is None:
        pytest.skip("needs the package trackeval, which is not here")
    path = shared_data.parent / "tools" / "score_mot.py"
    if not path.is_file():
        pytest.skip("needs ../shared/tools/score_mot.py, which is not here")
    spec = importlib.util.spec_from_file_location("score_mot", path)
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TrackEval's own
        spec.loader.exec_module(module)
    return module.score


def results_of(root, folder, sequences, min_score):
    """Tracks each sequence with the published settings."""
    for name in sequences:
        source = root / name / "det" / "det.txt"
        if not source.is_file():
            pytest.skip(f"needs {name}'s detections in ../shared/data/mot, which are not here")
        settings = [f"--set={text}" for text in (f"min_score={min_score}", "max_age=1", "min_hits=3")]
        arguments = [str(source), "--out", str(folder / f"{name}.txt"), "--tracker", "sort", *settings]
        result = CliRunner().invoke(command, arguments, standalone_mode=False)
        assert result.exception is None
    return folder


def test_the_rows_of_the_readme_are_reproduced_exactly(score, shared_data, tmp_path):
    root = shared_data / "mot" / "mot15"
    scores = score(root, results_of(root, tmp_path, ROWS, 0), list(ROWS))
    assert {name: (m["FP"], m["FN"], m["IDSW"]) for name, m in scores.items() if name in ROWS} == ROWS


def test_the_hota_of_the_original_is_reproduced_on_mot17(score, shared_data, tmp_path):
    root = shared_data / "mot" / "mot17-half-val"
    scores = score(root, results_of(root, tmp_path, HOTA, 0.5), list(HOTA))
    assert {name: round(m["HOTA"], 2) for name, m in scores.items() if name in HOTA} == HOTA
