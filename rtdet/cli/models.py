"""`rtdet models`: the models that are known by name."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from rich import box
from rich.cells import cell_len
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from rtdet.cli import completion
from rtdet.detectors.cards import ModelCard, model_card, model_names
from rtdet.detectors.speeds import speed_of
from rtdet.terminal import console as make_console
from rtdet.terminal import say

if TYPE_CHECKING:
    from rich.console import Console

Side = Literal["left", "right"]

_WIDE = click.option("--wide", is_flag=True, help="All columns, however narrow the terminal is.")


@click.group(invoke_without_command=True)
@_WIDE
@click.pass_context
def command(ctx: click.Context, wide: bool) -> None:
    """List, describe and fetch models. Without a subcommand, list them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_models, wide=wide)


@command.command("list")
@_WIDE
@click.pass_context
def list_models(ctx: click.Context, wide: bool) -> None:
    """List every model: AP and parameters as published, frames/s here if it has run, size, whether it is on this
    machine, which extra it needs. A terminal shows the columns for which it has room."""
    rows = [_row(model_card(name)) for name in model_names()]
    if not sys.stdout.isatty():  # whole lines, to be searched
        widths = [max(map(len, column)) for column in zip(_COLUMNS, *rows, strict=True)]
        for row in (_COLUMNS, *rows):
            say("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
        return
    print_fitting(rows, is_wide=wide or bool(ctx.parent and ctx.parent.params.get("wide")))


def print_fitting(rows: Sequence[Sequence[str]], *, is_wide: bool = False) -> None:
    """The rows as a table in the terminal, without the columns for which it is too narrow."""
    terminal = make_console(highlight=False)
    shown, left_out = dict(_COLUMNS), [] if is_wide else list(_DISPENSABLE)
    while left_out and _widths(terminal, _table(rows, shown)).minimum > terminal.width:
        shown.pop(left_out.pop(0))
    table = _table(rows, shown)
    widths = _widths(terminal, table)
    make_console(
        highlight=False, width=max(terminal.width, widths.maximum if is_wide else widths.minimum)
    ).print(table)
    if len(shown) < len(_COLUMNS):
        say("More columns: rtdet models --wide. All that is known of one: rtdet models show NAME")


def _widths(terminal: Console, table: Table) -> Measurement:
    """How wide the table is at least, and with each row in one line."""
    return Measurement.get(terminal, terminal.options.update(max_width=1000), table)


def _table(rows: Sequence[Sequence[str]], shown: Mapping[str, Side]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for title, cells in zip(_COLUMNS, zip(*rows, strict=True), strict=True):
        if title in shown:
            width = max(map(cell_len, (title, *cells)))
            table.add_column(
                title, justify=shown[title], overflow="fold", min_width=min(width, _WRAPPED.get(title, width))
            )
    for row in rows:
        table.add_row(*(Text(text) for title, text in zip(_COLUMNS, row, strict=True) if title in shown))
    return table


def _row(card: ModelCard) -> tuple[str, ...]:
    speed = speed_of(card.name)
    return (
        card.name,
        _ap(card),
        str(card.more.get("parameters", "")).partition(";")[0],
        f"{speed.per_second:.0f}" if speed else "",
        _size(card),
        str(len(card.classes)),
        _where(card),
        _needs(card),
        card.description,
    )


# Heads of the list's columns, and to which side their texts go.
_COLUMNS: dict[str, Side] = {
    "model": "left", "COCO AP": "right", "parameters": "right", "frames/s here": "right", "size": "right",
    "classes": "right", "weights": "left", "needs": "left", "": "left",
}  # fmt: skip
# Texts that may take several lines, each of so many letters at least.
_WRAPPED = {"needs": 22, "": 36}
# What a narrow terminal does without, first of all the descriptions.
_DISPENSABLE = ("", "needs", "classes", "parameters", "weights", "frames/s here", "size", "COCO AP")


@command.command()
@click.argument("name", metavar="NAME|FILE", shell_complete=completion.models)
def show(name: str) -> None:
    """Print all that is known of a model: the card of NAME, or what a FILE says of itself (.safetensors, .onnx, .xml,
    .cfg, ...), with the card that `rtdet train` wrote beside it."""
    from rtdet.detectors.described import describe_file, entries_of
    from rtdet.detectors.registry import is_path

    if is_path(name):
        _print(describe_file(Path(name).expanduser()))
        return
    card, speed = model_card(name), speed_of(name)
    here = {
        "here": _where(card),
        "needs": _needs(card),
        "frames/s here": f"{speed.per_second:.1f} ({speed.how})" if speed else "",
    }
    _print({**entries_of(card), **here, **card.more})


def _print(entries: Mapping[str, object]) -> None:
    for key, value in entries.items():
        if value not in ("", None):
            say(f"{key.replace('_', ' ') + ':':<15}{value}")


@command.command()
@click.argument("name")
def pull(name: str) -> None:
    """Fetch the model NAME into your cache, to use it later without a network."""
    from rtdet.detectors.registry import weights_of

    needs = _needs(model_card(name))
    if "not installed" in needs:
        say(f"rtdet: {name} needs the {needs}, before it can be used", err=True)
    say(f"{name} is at {weights_of(model_card(name))}")


def _ap(card: ModelCard) -> str:
    """On COCO val2017 as published, in percent; "" where the card has figures of another data set."""
    ap = card.more.get("ap")
    return f"{100 * ap:.1f}" if isinstance(ap, float) else ""


def _size(card: ModelCard) -> str:
    return f"{card.size / 1e6:.1f} MB" if card.size else ""


def _needs(card: ModelCard) -> str:
    """The extra that a model needs, and how to install it where it is missing."""
    from rtdet.detectors.registry import EXTRAS
    from rtdet.extras import EXTRAS as MODULES
    from rtdet.extras import install_command, is_installed

    extra = EXTRAS.get(card.kind)
    if extra is None:
        return ""
    if all(is_installed(module) for module in MODULES[extra]):
        return f"extra {extra} (installed)"
    return f"extra {extra}, which is not installed: {install_command(extra)}"


def _where(card: ModelCard) -> str:
    if not card.url:
        return "embedded"
    from rtdet.detectors.download import cached_path

    return "in the cache" if cached_path(card).is_file() else "fetched on first use"
