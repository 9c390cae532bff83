"""`rtdet eval track GT_ROOT RESULTS_DIR`: compares tracks with the ground truth."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rtdet.cli.options import CONTEXT
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.output_file import OutputFile


@click.command(context_settings=CONTEXT, short_help="HOTA, MOTA and IDF1 of a tracker.")
@click.argument("gt_root", metavar="GT_ROOT")
@click.argument("results_dir", metavar="RESULTS_DIR")
@click.option(
    "--frames", metavar="LIST.txt",
    help="Score only the frames listed here; may be a folder with a list SEQ.txt for each sequence.",
)  # fmt: skip
@click.option("--json", "json_file", metavar="OUT.json", help="Write all figures, from 0 to 1.")
def track(gt_root: str, results_dir: str, frames: str | None, json_file: str | None) -> None:
    """HOTA, CLEAR MOT (MOTA) and ID measures (IDF1) of a tracker, by MOTChallenge's rules.

    GT_ROOT/SEQ/gt/gt.txt is compared with RESULTS_DIR/SEQ.txt for each sequence SEQ in GT_ROOT. Only pedestrians
    count; a box on a distractor (a reflection, a person in a car) is neither right nor wrong. Where the name of
    GT_ROOT or SEQ says mot15 or mot20, the rules of that challenge apply; otherwise those of MOT17.
    """
    from rtdet.evaluation.tracking.scores import as_json, combined
    from rtdet.evaluation.tracking.sequences import score_sequences
    from rtdet.evaluation.tracking.table import print_scores
    from rtdet.overwriting import refuse_overwriting

    if json_file is not None:
        truth, results = Path(gt_root), Path(results_dir)
        inputs = [*truth.glob("*/gt/gt.txt"), *truth.glob("*/seqinfo.ini"), *results.glob("*.txt")]
        lists = [] if frames is None else [Path(frames), *Path(frames).glob("*.txt")]
        refuse_overwriting({"--json": json_file}, [*inputs, *lists])
    written = _output(json_file) if json_file is not None else None
    scores = score_sequences(gt_root, results_dir, frames)
    print_scores(scores)
    if written is None:
        return
    content = {
        "sequences": {name: as_json(one) for name, one in scores.items()},
        "combined": as_json(combined(scores.values())),
    }
    with closing(written):
        written.append(json.dumps(content, indent=1, allow_nan=False).encode())
    say(f"wrote {written.path}", err=True)


def _output(path: str) -> OutputFile:
    """Opens the file. Raises OutputError where it cannot be written."""
    from rtdet.output_file import OutputFile

    return OutputFile(path)
