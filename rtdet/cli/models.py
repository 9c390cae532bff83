"""`rtdet models`: the models that are known by name."""

from __future__ import annotations

import click

from rtdet.detectors.cards import ModelCard, model_card, model_names
from rtdet.terminal import say


@click.group(invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """List, describe and fetch models. Without a subcommand, list them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_models)


@command.command("list")
def list_models() -> None:
    """List every model with its size, its number of classes and whether it is on this machine."""
    cards = [model_card(name) for name in model_names()]
    rows = [(card.name, _size(card), f"{len(card.classes)} classes", _where(card)) for card in cards]
    widths = [max(len(row[i]) for row in rows) for i in range(4)] if rows else []
    for card, row in zip(cards, rows, strict=True):
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        say(f"{line}  {card.description}")


@command.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the whole card of the model NAME."""
    card = model_card(name)
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
        **card.more,
    }
    for key, value in entries.items():
        if value not in ("", None):
            say(f"{key + ':':<13}{value}")


@command.command()
@click.argument("name")
def pull(name: str) -> None:
    """Fetch the model NAME into your cache, to use it later without a network."""
    from rtdet.detectors.registry import weights_of

    say(f"{name} is at {weights_of(model_card(name))}")


def _size(card: ModelCard) -> str:
    return f"{card.size / 1e6:.1f} MB" if card.size else ""


def _where(card: ModelCard) -> str:
    if not card.url:
        return "embedded"
    from rtdet.detectors.download import cached_path

    return "in the cache" if cached_path(card).is_file() else "fetched on first use"
