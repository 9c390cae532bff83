"""What was measured, as a table in the terminal."""

from __future__ import annotations

import sys

from rich import box
from rich.table import Table

from rtdet.bench.measuring import Bench
from rtdet.bench.stages import Stage
from rtdet.terminal import console as make_console
from rtdet.terminal import for_terminal, rate

TITLES = {
    "decode": "decode",
    "detect": "detect",
    "preprocess": "prepare",
    "infer": "network",
    "suppress": "decode boxes, NMS",
    "track": "track",
    "record": "draw and encode",
    "pipeline": "pipeline",
    "processor": "the processor",
}
_NOT_IDLE = (
    "More than 100%: the machine was not idle, or not equally quick all the time, and the stages were measured while "
    "it was slower; repeat it with nothing else running."
)


def print_bench(bench: Bench) -> None:
    """A row for each stage alone and for the pipeline; below, what limits a run and how near it comes."""
    console = make_console(
        highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 110
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for title in ("stage", "frames/s", "ms a frame", "core-ms a frame", "of the cores"):
        table.add_column(title, justify="left" if title == "stage" else "right")
    for stage in bench.stages:
        table.add_row(*_cells(stage, bench.cores), end_section=stage is bench.stages[-1])
        for part, ms in stage.parts_ms.items():
            table.add_row(f"  {TITLES[part]}, one at a time", "", f"{ms:.2f}", "", "", style="dim")
    table.add_row(*_cells(bench.pipeline, bench.cores), style="bold")
    console.print(table)
    for line in lines_of(bench):
        console.print(for_terminal(line))


def lines_of(bench: Bench) -> list[str]:
    """What limits the run, how near it comes, and what was measured."""
    by, per_second = bench.limit
    width, height = bench.size
    more = "more" if bench.overhead >= 0 else "less"
    names = [TITLES[one.name] for one in bench.run]
    parts = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    lines = [
        f"Limit: {TITLES[by]}, {rate(per_second)}; the pipeline reaches {bench.share:.0%} of it, and takes "
        f"{abs(bench.overhead):.0%} {more} of the cores' time for a frame than its stages alone.",
        f"The pipeline is {parts}, as in a run with --headless --tracks; draw and encode, which --save adds, is "
        "neither in it nor in the limit.",
        f"{bench.source}, {width}x{height}; {bench.model} by {bench.backend} on {bench.device} in {bench.precision}; "
        f"{bench.cores} core{'s' if bench.cores > 1 else ''}.",
    ]
    if bench.share > 1:
        lines.insert(1, _NOT_IDLE)
    return lines


def _cells(stage: Stage, cores: int) -> list[str]:
    busy = stage.cpu_s / stage.wall_s / cores
    return [
        TITLES[stage.name],
        f"{stage.frames_per_s:.0f}" if stage.frames_per_s >= 10 else f"{stage.frames_per_s:.1f}",
        f"{1e3 / stage.frames_per_s:.2f}",
        f"{stage.cpu_ms:.2f}",
        f"{busy:.0%}",
    ]
