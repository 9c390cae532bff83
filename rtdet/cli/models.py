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
    """List every model with its size, its number of classes, whether it is on this machine, and which extra it
    needs."""
    cards = [model_card(name) for name in model_names()]
    rows = [
        (card.name, _size(card), f"{len(card.classes)} classes", _where(card), _needs(card)) for card in cards
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(5)] if rows else []
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
        "needs": _needs(card),
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

    needs = _needs(model_card(name))
    if "not installed" in needs:
        say(f"rtdet: {name} needs the {needs}, before it can be used", err=True)
    say(f"{name} is at {weights_of(model_card(name))}")


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
