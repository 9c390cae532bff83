"""Completion of `rtdet` in a shell: the script that the shell reads, by click."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


def print_script(ctx: click.Context, _parameter: click.Parameter, shell: str | None) -> None:
    """Callback of --completion: prints the script for `shell` and ends."""
    if shell is None or ctx.resilient_parsing:
        return
    completion = get_completion_class(shell)
    assert completion is not None
    click.echo(completion(ctx.command, {}, "rtdet", "_RTDET_COMPLETE").source())
    ctx.exit()


option = click.option(
    "--completion",
    type=click.Choice(SHELLS),
    callback=print_script,
    is_eager=True,
    expose_value=False,
    help='Print completion for a shell. For bash: eval "$(rtdet --completion bash)" in ~/.bashrc.',
)
