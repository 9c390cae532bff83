"""An option of one command that was given to another."""

from __future__ import annotations

from collections.abc import Iterator

import click

from rtdet.cli.console import listed

_MOST = 4  # commands named
_ROOT = "rtdet without a command"


def explain_stray(error: click.NoSuchOption, root: click.Group) -> str:
    """What to say of an option that a command does not have: which others have it, where some do; else what click
    says, with the nearest of the command's own."""
    here = error.ctx.command_path if error.ctx else root.name or ""
    owners = [path for path, command in _commands(root) if path != here and _has(command, error.option_name)]
    if not owners:
        return error.format_message()
    whose, *owners = (_ROOT if path == "rtdet" else path for path in (here, *owners))
    return f"{whose} has no option {error.option_name}: it is one of {listed(owners, _MOST)}; see {here} -h"


def _commands(root: click.Group, before: str = "rtdet") -> Iterator[tuple[str, click.Command]]:
    """Each command with the words that call it, the group itself first."""
    yield before, root
    ctx = click.Context(root)
    for name in root.list_commands(ctx):
        command = root.get_command(ctx, name)
        if isinstance(command, click.Group):
            yield from _commands(command, f"{before} {name}")
        elif command is not None:
            yield f"{before} {name}", command


def _has(command: click.Command, option: str) -> bool:
    return any(option in (*one.opts, *one.secondary_opts) for one in command.params)
