"""A benchmark's folder of sequences, scored: GT_ROOT/SEQ/gt/gt.txt against RESULTS_DIR/SEQ.txt."""

from __future__ import annotations

import configparser
from pathlib import Path

from rtdet.errors import SourceError
from rtdet.evaluation.tracking.files import read_tracks, read_truth
from rtdet.evaluation.tracking.scores import TrackingScores
from rtdet.evaluation.tracking.scoring import score_tracks
from rtdet.trackers.motchallenge import read_frame_list


def score_sequences(
    gt_root: str | Path, results: str | Path, frames: str | Path | None = None
) -> dict[str, TrackingScores]:
    """The scores of every sequence in gt_root, by name.

    frames: a list of frame numbers (one file for all sequences, or a folder with SEQ.txt) that ground truth and
    results are restricted to. The rules are MOT15's or MOT20's where the name of gt_root or of the sequence says so,
    else MOT17's; see read_truth. Raises SourceError, one line, for a missing or wrong file.
    """
    gt_root, results = Path(gt_root), Path(results)
    names = sorted(path.parents[1].name for path in gt_root.glob("*/gt/gt.txt"))
    if not names:
        raise SourceError(f"{gt_root} has no sequences: the ground truth of one is SEQ/gt/gt.txt in it")
    for path in (results / f"{name}.txt" for name in names):
        if not path.is_file():  # said before the first of them is scored
            raise SourceError(f"there are no results for {path.stem}: {path} is missing")
    return {name: _score(gt_root / name, results / f"{name}.txt", frames) for name in names}


def _score(sequence: Path, results: Path, frames: str | Path | None) -> TrackingScores:
    names = f"{sequence.resolve().parent.name} {sequence.name}".lower()
    truth = read_truth(
        sequence / "gt" / "gt.txt", has_classes="mot15" not in names, is_mot20="mot20" in names
    )
    tracks = read_tracks(results)
    length = _length(sequence / "seqinfo.ini")
    if length is None:
        length = max(truth.last_frame, tracks.last_frame)
    for rows, path in ((truth, sequence / "gt" / "gt.txt"), (tracks, results)):
        if rows.last_frame > length:
            raise SourceError(
                f"{path} has a frame {rows.last_frame}, but seqinfo.ini says that {sequence.name} has {length}"
            )
    if frames is None:
        return score_tracks(truth, tracks, length)
    kept = [number for number in _frame_list(Path(frames), sequence.name) if number <= length]
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


def _frame_list(path: Path, sequence: str) -> list[int]:
    return read_frame_list(path / f"{sequence}.txt" if path.is_dir() else path)
