"""`rtdet eval track GT_ROOT RESULTS_DIR`: compares tracks with the ground truth."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rtdet.cli import options
from rtdet.cli.options import CONTEXT
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.evaluation.tracking import TrackingScores
    from rtdet.output_file import OutputFile


@click.command(context_settings=CONTEXT, short_help="HOTA, MOTA and IDF1 of a tracker.")
@click.argument("gt_root", metavar="GT")
@click.argument("results_dir", metavar="RESULTS")
@options.classes("Score these classes, e.g. person,car, by name.")
@click.option("--seen-only", is_flag=True, help="Leave out rows of tracks that were not seen in the frame.")
@click.option(
    "--frames", metavar="LIST.txt",
    help="Score only the frames listed here; may be a folder with a list SEQ.txt for each sequence.",
)  # fmt: skip
@click.option("--json", "json_file", metavar="OUT.json", help="Write all figures, from 0 to 1.")
def track(
    gt_root: str,
    results_dir: str,
    classes: tuple[str, ...] | None,
    seen_only: bool,
    frames: str | None,
    json_file: str | None,
) -> None:
    """HOTA, CLEAR MOT (MOTA) and ID measures (IDF1) of a tracker, by MOTChallenge's rules.

    GT is a folder of SEQ/gt/gt.txt (MOTChallenge), a COCO video file, a track file of any format that rtdet writes,
    or a folder of those; RESULTS is a track file of any such format, or a folder with one called SEQ for each.

    By MOTChallenge's rules only pedestrians (people, in files with names) count; a box on a distractor is neither
    right nor wrong. Where the name of GT or SEQ says mot15 or mot20, the rules of that challenge apply; otherwise
    those of MOT17. With --classes, and for all other ground truth, classes count by name, each by itself and all
    together.
    """
    from rtdet.evaluation.tracking.scores import as_json, combined
    from rtdet.evaluation.tracking.sequences import has_mot_truth, score_classes, score_sequences
    from rtdet.evaluation.tracking.table import print_scores
    from rtdet.overwriting import refuse_overwriting

    if json_file is not None:
        truth, results = Path(gt_root), Path(results_dir)
        inputs = [*truth.glob("*/gt/gt.txt"), *truth.glob("*/seqinfo.ini"), *results.glob("*.*")]
        inputs += [path for path in (truth, results, *truth.glob("*.*")) if path.is_file()]
        lists = [] if frames is None else [Path(frames), *Path(frames).glob("*.txt")]
        refuse_overwriting({"--json": json_file}, [*inputs, *lists])
    written = _output(json_file) if json_file is not None else None
    by_class: dict[str, TrackingScores] = {}
    if classes or not has_mot_truth(gt_root):
        scores, by_class = score_classes(gt_root, results_dir, classes or (), frames, seen_only=seen_only)
    else:
        scores = score_sequences(gt_root, results_dir, frames, seen_only=seen_only)
    print_scores(scores)
    if by_class:
        print_scores(by_class, "class")
    if written is None:
        return
    content: dict[str, Any] = {
        "sequences": {name: as_json(one) for name, one in scores.items()},
        "combined": as_json(combined(scores.values())),
    }
    if by_class:
        content["classes"] = {name: as_json(one) for name, one in by_class.items()}
    with closing(written):
        written.append(json.dumps(content, indent=1, allow_nan=False).encode())
    say(f"wrote {written.path}", err=True)


def _output(path: str) -> OutputFile:
    """Opens the file. Raises OutputError where it cannot be written."""
    from rtdet.output_file import OutputFile

    return OutputFile(path)
