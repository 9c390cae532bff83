"""`rtdet bench`: how quick this machine is, stage by stage and as a whole."""

from __future__ import annotations

import json
import logging
import os
from typing import Any

import click

from rtdet.cli import options
from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT
from rtdet.extras import require
from rtdet.terminal import say

_SUFFIXES = (".json", ".png")
_BUSY = 0.25  # of the cores


@click.command(context_settings=CONTEXT)
@click.option(
    "--source", default="demo", show_default=True, metavar="FILE", help="A video; the demo is made one first."
)
@options.model()
@options.imgsz()
@options.head()
@options.input_spec()
@options.device()
@options.backend()
@options.precision()
@options.tracker()
@options.hwaccel()
@click.option(
    "--seconds", type=click.FloatRange(0.2, 600), default=4.0, show_default=True,
    help="Measure each stage for this long.",
)  # fmt: skip
@click.option("--out", metavar="OUT.json|.png", help="Write the figures, or a picture of them, to a file.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON instead of a table.")
@options.offline()
@options.quiet()
def command(out: str | None, as_json: bool, seconds: float, **settings: Any) -> None:
    """Measure each stage alone (decode, detect, track, draw and encode) and the pipeline on this machine.

    A run can be no quicker than its slowest stage, nor than the processor, where the stages together need all cores:
    that is the limit, and the share of it that the pipeline reaches is what rtdet itself costs. The pipeline decodes,
    detects and tracks, as a run with --headless --tracks does: draw and encode, which --save adds, is measured alone
    and is neither in it nor in the limit. Nothing is written but --out.
    """
    from rtdet.bench import measure
    from rtdet.bench.table import print_bench
    from rtdet.build import build_source
    from rtdet.config import RunConfig
    from rtdet.overwriting import refuse_overwriting

    show_messages(quiet=settings["quiet"])
    if out is not None:
        _check_out(out)
        refuse_overwriting({"--out": out}, [settings["source"], settings["model"]])
    config = RunConfig(**settings)
    if config.source != "demo":
        build_source(config).close()  # a wrong name is said first, and alone
    _warn_if_busy()

    def told(stage: str) -> None:
        if not config.quiet and not as_json:
            say(f"measuring: {stage}", err=True)

    bench = measure(config, seconds=seconds, told=told)
    if as_json:
        say(json.dumps(bench.as_dict(), indent=2))
    else:
        print_bench(bench)
    if out is not None:
        from rtdet.output_file import write_whole

        if out.lower().endswith(".png"):
            from rtdet.bench.picture import draw_bench

            write_whole(out, draw_bench(bench))
        else:
            write_whole(out, json.dumps(bench.as_dict(), indent=2) + "\n")


def _check_out(out: str) -> None:
    from rtdet.output_file import check_output, suffix_of

    if suffix_of(out, "file of figures", _SUFFIXES) == ".png":
        require("report", "the picture of --out", "matplotlib")
    check_output(out)


def _warn_if_busy() -> None:
    """Figures of a machine that does other work are those of that, too."""
    from rtdet.backends.machine import core_count

    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows
        return
    if load > _BUSY * core_count():
        logging.getLogger("rtdet.cli").warning(
            "other programs use this machine's processor (load %.1f): the figures are lower than it could do",
            load,
        )
