"""A benchmark's folder of sequences, scored: GT_ROOT/SEQ/gt/gt.txt against RESULTS_DIR/SEQ.txt."""

from __future__ import annotations

import configparser
import logging
import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from rtdet.errors import SourceError
from rtdet.evaluation.tracking.files import read_tracks, read_truth
from rtdet.evaluation.tracking.labeled import (
    LabeledRows,
    by_mot_numbers,
    classes_of,
    read_coco_video,
    read_labeled,
    read_mot_truth,
    read_people,
    score_by_class,
)
from rtdet.evaluation.tracking.rows import TrackRows, TruthRows
from rtdet.evaluation.tracking.scores import TrackingScores, combined
from rtdet.evaluation.tracking.scoring import score_tracks
from rtdet.tracks.formats import FORMATS
from rtdet.tracks.mot_rows import SUFFIX, read_rows
from rtdet.tracks.motchallenge import read_frame_list

log = logging.getLogger("rtdet.evaluation")


def score_sequences(
    gt_root: str | Path, results: str | Path, frames: str | Path | None = None, *, seen_only: bool = False
) -> dict[str, TrackingScores]:
    """The scores of every sequence in gt_root, by name.

    frames: a list of frame numbers (one file for all sequences, or a folder with SEQ.txt) that ground truth and
    results are restricted to. Raises SourceError, one line, for a missing or wrong file.
    """
    gt_root, results = Path(gt_root), Path(results)
    names = sorted(path.parents[1].name for path in gt_root.glob("*/gt/gt.txt"))
    if not names:
        raise SourceError(f"{gt_root} has no sequences: expected the ground truth of each in SEQ/gt/gt.txt")
    files = {name: _result_of(name, results) for name in names}  # said before the first of them is scored
    return {name: _score(gt_root / name, files[name], frames, seen_only) for name in names}


def score_classes(
    truth: str | Path,
    results: str | Path,
    classes: Collection[str] = (),
    frames: str | Path | None = None,
    *,
    seen_only: bool = False,
) -> tuple[dict[str, TrackingScores], dict[str, TrackingScores]]:
    """The scores by sequence, of all classes together, and by class, of all sequences together.

    truth: a track file of any format or a COCO video file; a folder of such, SEQ.csv and the like; or a folder of
    SEQ/gt/gt.txt. results: a track file, or a folder with one for each sequence. classes: those that count; default:
    all that the truth has. frames: as `score_sequences` has it. Raises SourceError and UnknownNameError.
    """
    results = Path(results)
    truths, is_mot = _truths(Path(truth)), has_mot_truth(truth)
    if results.is_dir():
        files = {name: _result_of(name, results) for name in truths}
    elif len(truths) == 1:
        files = dict.fromkeys(truths, results)
    else:
        raise SourceError(f"{truth} has {len(truths)} sequences: give a folder with a track file of each")
    names = classes_of(truths.values(), classes)
    if not names:
        raise SourceError(f"{truth} has no objects: nothing can be scored")
    by_sequence: dict[str, TrackingScores] = {}
    by_class: dict[str, TrackingScores] = {}
    for name, of_sequence in truths.items():
        tracks = read_labeled(files[name], seen_only=seen_only)
        if is_mot:
            tracks = by_mot_numbers(tracks)
        if len(tracks.classes) and not set(tracks.classes) & set(names):
            log.warning(
                "%s has none of the classes that count (%s), but %s",
                files[name], ", ".join(names), ", ".join(sorted(set(tracks.classes))),
            )  # fmt: skip
        last = max(of_sequence.last_frame, tracks.last_frame)
        kept = None if frames is None else _listed(Path(frames), name, last)
        scores = score_by_class(of_sequence, tracks, names, kept)
        total = combined(scores.values())
        by_sequence[name] = replace(total, frames=total.frames // len(scores))
        for each, its_scores in scores.items():
            by_class[each] = by_class[each] + its_scores if each in by_class else its_scores
    return by_sequence, by_class


def has_mot_truth(truth: str | Path) -> bool:
    """Whether it is a benchmark's folder of SEQ/gt/gt.txt."""
    return any(Path(truth).glob("*/gt/gt.txt"))


def _truths(truth: Path) -> dict[str, LabeledRows]:
    if has_mot_truth(truth):
        return {path.parents[1].name: read_mot_truth(path) for path in sorted(truth.glob("*/gt/gt.txt"))}
    files = [truth]
    if truth.is_dir():
        files = sorted(path for path in truth.iterdir() if path.suffix.lower() in FORMATS)
        if not files:
            raise SourceError(f"{truth} has no sequences: SEQ/gt/gt.txt, or a track file of each")
    found: dict[str, LabeledRows] = {}
    for path in files:
        videos = read_coco_video(path) if path.suffix.lower() == ".json" else None
        new = {path.stem: read_labeled(path)} if videos is None else videos
        for name in new.keys() & found.keys():
            raise SourceError(f"{truth} has {name} twice, also in {path.name}; keep one of them there")
        found |= new
    if not found:
        raise SourceError(f"{truth} has no sequences")
    return found


def _result_of(name: str, results: Path) -> Path:
    """The track file of a sequence, in the first format that is there."""
    names = dict.fromkeys((name, Path(name).name, Path(name).stem))
    for path in (results / f"{each}{suffix}" for each in names for suffix in FORMATS):
        if path.is_file():
            return path
    raise SourceError(f"there are no results for {name}: {results / name}{SUFFIX} is missing")


def read_truth_by_name(path: str | Path) -> TruthRows:
    """The ground truth GT_ROOT/SEQ/gt/gt.txt, by the rules of MOT15 or MOT20 where GT_ROOT or SEQ is called so, else
    by MOT17's; see read_truth."""
    names = "/".join(Path(os.path.abspath(path)).parts[-4:-2]).lower()  # as called, wherever links lead
    return read_truth(path, has_classes="mot15" not in names, is_mot20="mot20" in names)


def _people(path: Path, seen_only: bool) -> TrackRows:
    """By the rules of the benchmark's own files where it is one, of people alone."""
    if path.suffix.lower() == SUFFIX and not seen_only and not (read_rows(path).classes() > 1).any():
        return read_tracks(path)
    return read_people(path, seen_only=seen_only)


def _score(sequence: Path, results: Path, frames: str | Path | None, seen_only: bool) -> TrackingScores:
    truth_file = sequence / "gt" / "gt.txt"
    truth, tracks = read_truth_by_name(truth_file), _people(results, seen_only)
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
    kept = _listed(Path(frames), sequence.name, length)
    return score_tracks(truth.only(kept), tracks.only(kept), len(kept))


def _listed(frames: Path, name: str, length: int) -> list[int]:
    """The frames of the sequence that a list, or the list SEQ.txt in a folder, names."""
    listed = frames / f"{name}.txt" if frames.is_dir() else frames
    kept = [number for number in read_frame_list(listed) if number <= length]
    if not kept:
        raise SourceError(f"{listed} lists no frame of {name}, which has {length}")
    return kept


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
