"""`rtdet eval classify`: measures a classifier on pictures in class folders."""

from __future__ import annotations

import json
from pathlib import Path

import click

from rtdet.cli import options
from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT
from rtdet.cli.progress import progress
from rtdet.extras import require
from rtdet.terminal import say


@click.command(context_settings=CONTEXT, short_help="Top-1 and top-5 of a classifier.")
@click.option(
    "--model", required=True, metavar="FILE",
    help="A .safetensors that `rtdet train --task classify` wrote.",
)  # fmt: skip
@click.option(
    "--data", required=True, metavar="DIR", help="Class folders: DIR/val/CLASS/*.jpg, or DIR/CLASS/*.jpg."
)
@click.option(
    "--split", metavar="PART", help="The part to use of a divided folder: val, test, train.  [default: val]"
)
@options.device("auto, cpu, cuda or cuda:N.")
@click.option("--json", "json_file", metavar="OUT.json", help="Write all figures, from 0 to 1.")
@options.quiet()
def classify(
    model: str, data: str, split: str | None, device: str, json_file: str | None, quiet: bool
) -> None:
    """Top-1 and top-5 of a classifier, of each class too, and which classes it mistakes for which.

    Class folders are compared with the classifier's classes by name. Pictures that a training held out of DIR are not
    known here: measure on others than it was trained on.
    """
    from rtdet.evaluation.report.classification import print_classification
    from rtdet.output_file import write_whole
    from rtdet.overwriting import refuse_overwriting

    require("torch", "rtdet eval classify")
    show_messages(quiet=quiet)
    if json_file is not None:
        refuse_overwriting({"--json": json_file}, [model, *Path(data).rglob("*")])
    from rtdet.training.classified_validation import measure_network, open_to_measure
    from rtdet.training.run import choose_device

    network, pictures = open_to_measure(model, data, split)
    with progress("pictures", len(pictures), quiet) as tick:
        scores = measure_network(network, pictures, choose_device(device), tick)
    print_classification(scores)
    if json_file is not None:
        about = {"model": Path(model).name, "data": str(pictures.folder), **scores.as_json()}
        write_whole(Path(json_file), json.dumps(about, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        say(f"wrote {json_file}", err=True)
