"""`rtdet models`: the models that are known by name."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import click
from rich import box
from rich.table import Table
from rich.text import Text

from rtdet.detectors.cards import ModelCard, model_card, model_names
from rtdet.detectors.speeds import speed_of
from rtdet.terminal import console as make_console
from rtdet.terminal import say


@click.group(invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """List, describe and fetch models. Without a subcommand, list them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_models)


@command.command("list")
def list_models() -> None:
    """List every model: AP and parameters as published, frames/s here if it has run, size, whether it is on this
    machine, which extra it needs."""
    rows = [_row(model_card(name)) for name in model_names()]
    if not sys.stdout.isatty():  # whole lines, to be searched
        widths = [max(map(len, column)) for column in zip(_COLUMNS, *rows, strict=True)]
        for row in (_COLUMNS, *rows):
            say("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for title, justify in _COLUMNS.items():
        table.add_column(title, justify=justify, no_wrap=title not in ("", "needs"), overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    make_console(highlight=False).print(table)


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
_COLUMNS: dict[str, Literal["left", "right"]] = {
    "model": "left", "COCO AP": "right", "parameters": "right", "frames/s here": "right", "size": "right",
    "classes": "right", "weights": "left", "needs": "left", "": "left",
}  # fmt: skip


@command.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the whole card of the model NAME, or what the network of a Darknet .cfg is made of."""
    if name.lower().endswith(".cfg"):
        _show_darknet(Path(name).expanduser())
        return
    card, speed = model_card(name), speed_of(name)
    entries = {
        "name": card.name,
        "description": card.description,
        "kind": card.kind,
        "input": card.input,
        "classes": ", ".join(card.classes),
        "licence": card.licence,
        "size": _size(card),
        "url": card.url,
        "sha256": card.sha256,
        "here": _where(card),
        "needs": _needs(card),
        "frames/s here": f"{speed.per_second:.1f} ({speed.how})" if speed else "",
        **card.more,
    }
    _print(entries)


def _print(entries: Mapping[str, object]) -> None:
    for key, value in entries.items():
        if value not in ("", None):
            say(f"{key.replace('_', ' ') + ':':<15}{value}")


def _show_darknet(path: Path) -> None:
    from rtdet.detectors.darknet.network import read_network

    network = read_network(path)
    heads = ", ".join(sorted({head.kind for head in network.heads}))
    width, height = network.size
    _print(
        {
            "name": path,
            "kind": "darknet",
            "input": f"{width}x{height}" + (", letterbox" if network.letterbox else ""),
            "classes": f"{network.classes} ({heads or 'a classifier'})",
            "layers": len(network.layers),
            "parameters": f"{network.parameters:,}",
            "operations": f"{network.flops / 1e9:.2f} BFLOPs for a picture of this size",
            "weights": f"{4 * network.weights:,} bytes and the header",
        }
    )


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
