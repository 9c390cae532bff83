"""A benchmark's folder of sequences, scored: GT_ROOT/SEQ/gt/gt.txt against RESULTS_DIR/SEQ.txt."""

from __future__ import annotations

import configparser
import os
from pathlib import Path

from rtdet.errors import SourceError
from rtdet.evaluation.tracking.files import read_tracks, read_truth
from rtdet.evaluation.tracking.rows import TruthRows
from rtdet.evaluation.tracking.scores import TrackingScores
from rtdet.evaluation.tracking.scoring import score_tracks
from rtdet.tracks.motchallenge import read_frame_list


def score_sequences(
    gt_root: str | Path, results: str | Path, frames: str | Path | None = None
) -> dict[str, TrackingScores]:
    """The scores of every sequence in gt_root, by name.

    frames: a list of frame numbers (one file for all sequences, or a folder with SEQ.txt) that ground truth and
    results are restricted to. Raises SourceError, one line, for a missing or wrong file.
    """
    gt_root, results = Path(gt_root), Path(results)
    names = sorted(path.parents[1].name for path in gt_root.glob("*/gt/gt.txt"))
    if not names:
        raise SourceError(f"{gt_root} has no sequences: expected the ground truth of each in SEQ/gt/gt.txt")
    for path in (results / f"{name}.txt" for name in names):
        if not path.is_file():  # said before the first of them is scored
            raise SourceError(f"there are no results for {path.stem}: {path} is missing")
    return {name: _score(gt_root / name, results / f"{name}.txt", frames) for name in names}


def read_truth_by_name(path: str | Path) -> TruthRows:
    """The ground truth GT_ROOT/SEQ/gt/gt.txt, by the rules of MOT15 or MOT20 where GT_ROOT or SEQ is called so, else
    by MOT17's; see read_truth."""
    names = "/".join(Path(os.path.abspath(path)).parts[-4:-2]).lower()  # as called, wherever links lead
    return read_truth(path, has_classes="mot15" not in names, is_mot20="mot20" in names)


def _score(sequence: Path, results: Path, frames: str | Path | None) -> TrackingScores:
    truth_file = sequence / "gt" / "gt.txt"
    truth, tracks = read_truth_by_name(truth_file), read_tracks(results)
    length = _length(sequence / "seqinfo.ini")
    if length is None:
        length = max(truth.last_frame, tracks.last_frame)
    for rows, path in ((truth, truth_file), (tracks, results)):
        if rows.last_frame > length:
            raise SourceError(
                f"{path} has a frame {rows.last_frame}, but seqinfo.ini says that {sequence.name} has {length}"
            )
    if frames is None:
        return score_tracks(truth, tracks, length)
    frames = Path(frames)
    listed = frames / f"{sequence.name}.txt" if frames.is_dir() else frames
    kept = [number for number in read_frame_list(listed) if number <= length]
    if not kept:
        raise SourceError(f"{listed} lists no frame of {sequence.name}, which has {length}")
    return score_tracks(truth.only(kept), tracks.only(kept), len(kept))


def _length(path: Path) -> int | None:
    """The number of frames that a seqinfo.ini gives; None where there is no such file."""
    if not path.is_file():
        return None
    content = configparser.ConfigParser()
    try:
        content.read_string(path.read_text(encoding="utf-8-sig"))
        return content.getint("Sequence", "seqLength")
    except (OSError, ValueError, configparser.Error) as error:
        raise SourceError(f"{path} does not say seqLength=N under [Sequence]") from error
