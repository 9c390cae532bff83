"""Shell completion of `rtdet`: the script that the shell loads, and the values offered for an option."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

SHELLS = ("bash", "zsh", "fish")


def print_script(ctx: click.Context, _parameter: click.Parameter, shell: str | None) -> None:
    """The callback of --completion: prints the script for `shell` and exits."""
    if shell is None or ctx.resilient_parsing:
        return
    completion = get_completion_class(shell)
    assert completion is not None
    click.echo(completion(ctx.command, {}, "rtdet", "_RTDET_COMPLETE").source())
    ctx.exit()


def files(_ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Leaves the completion of file names to the shell."""
    return [CompletionItem(begun, type="file")]


def models(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """The model names that start with `begun`; where there are none, files."""
    from rtdet.detectors.cards import model_names

    named = [CompletionItem(name) for name in model_names() if name.startswith(begun)]
    return named or files(ctx, parameter, begun)


def trackers(_ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """The tracker names that start with `begun`."""
    from rtdet.trackers.registry import TRACKERS

    return [CompletionItem(name) for name in sorted(TRACKERS) if name.startswith(begun)]


option = click.option(
    "--completion",
    type=click.Choice(SHELLS),
    callback=print_script,
    is_eager=True,
    expose_value=False,
    help='Print the completion script of a shell. For bash, add eval "$(rtdet --completion bash)" to ~/.bashrc.',
)
