"""`rtdet tracks doubts FILE|RUN [--top N] [--out OUT.csv|.json]`: what is worth a look."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from rtdet.cli import completion, options
from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT
from rtdet.cli.tracks.files import check_fps, count
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.tracks.doubts import Finding


@click.command(context_settings=CONTEXT)
@click.argument("file", metavar="FILE|RUN.rtdet", shell_complete=completion.files)
@click.option(
    "--top", type=click.IntRange(min=1), default=50, show_default=True, metavar="N",
    help="How many, from the least sure on.",
)  # fmt: skip
@click.option(
    "--out", metavar="OUT", help="A .csv or .json file to write them to.  [default: they are printed]"
)
@click.option(
    "--fps", type=float, default=30.0, show_default=True,
    help="Frame rate, for a .txt, which holds no times; the other formats do.",
)  # fmt: skip
@options.quiet()
def doubts(file: str, top: int, out: str | None, fps: float, quiet: bool) -> None:
    """List what is worth a look: likely wrong IDs.

    That is ID switches, splits and merges. The least sure come first, each with a score from 0 to 1: tracks that
    overlap and fit each other's boxes; tracks that begin where another was heading when it ended; tracks that begin
    or end inside the picture; gaps, jumps, changes of class, and falls of the score. What is wrong is mended with the
    other commands.
    """
    from rtdet.kept.reviewed import tracks_in
    from rtdet.output_file import check_output, suffix_of, write_whole
    from rtdet.overwriting import refuse_overwriting
    from rtdet.tracks.doubts import find_doubts

    show_messages(quiet=quiet)
    check_fps(fps)
    suffix = ""
    if out is not None:
        suffix = suffix_of(out, "list", (".csv", ".json"))
        refuse_overwriting({"--out": out}, [file])
        check_output(out)
    found = find_doubts(tracks_in(file, fps), top)
    if out is not None:
        write_whole(out, _as_csv(found) if suffix == ".csv" else _as_json(found))
        say(f"wrote {out}: {count(len(found), 'finding')}", err=True)
        return
    for finding in found:
        time_s = "" if math.isnan(finding.time_s) else f"{finding.time_s:9.2f} s"
        say(f"{finding.score:.2f}  frame {finding.frame:6d}{time_s}  {finding.text}")
    if not found:
        say("nothing is worth a look", err=True)


def _rows(found: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "rank": rank, "score": round(finding.score, 4), "kind": finding.kind, "frame": finding.frame,
            "time_s": None if math.isnan(finding.time_s) else round(finding.time_s, 6), "ids": list(finding.ids),
            "text": finding.text,
        }
        for rank, finding in enumerate(found, start=1)
    ]  # fmt: skip


def _as_json(found: Sequence[Finding]) -> str:
    lines = ",\n".join(" " + json.dumps(row, ensure_ascii=False) for row in _rows(found))
    return f"[\n{lines}\n]\n" if lines else "[]\n"


def _as_csv(found: Sequence[Finding]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["rank", "score", "kind", "frame", "time_s", "ids", "text"])
    for row in _rows(found):
        writer.writerow([*list(row.values())[:5], " ".join(map(str, row["ids"])), row["text"]])
    return text.getvalue()
