"""Settings that stand before a command, in the configuration file or in RTDET_* variables hold for the command, too,
where it has the same option; one that was typed before a command that has none like it is an error."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from rtdet.config import RunConfig, given_settings
from rtdet.errors import UsageError

# What one sets once for all commands; inputs, outputs and where to begin belong to one run.
_LASTING = (
    "model", "conf", "iou", "classes", "max_det", "imgsz", "head", "input", "device", "backend", "precision",
    "tracker", "set",
    "offline", "quiet",
)  # fmt: skip
_OF_THE_GROUP = ("debug", "config_file")


def defaults_for(
    ctx: click.Context, what: str, command: click.Command, arguments: list[str]
) -> dict[str, Any]:
    """The `default_map` for the command of the name `what`, nested as its groups are. Raises UsageError for an option
    that was typed before it and that it does not have, or for a setting that is wrong."""
    leaf, rest = command, arguments
    path: list[str] = []
    while isinstance(leaf, click.Group) and (names := [one for one in rest if not one.startswith("-")]):
        name = names[0]
        found = leaf.get_command(ctx, name)
        if found is None:
            return {}  # its group will say so
        path.append(name)
        leaf, rest = found, rest[rest.index(name) + 1 :]
    if {"-h", "--help"} & set(rest):
        return {}
    values = _lasting(ctx, leaf, rest) | _typed(ctx, leaf, " ".join([what, *path]))
    for part in reversed(path):
        values = {part: values}
    return values


def _typed(ctx: click.Context, leaf: click.Command, what: str) -> dict[str, Any]:
    values = {}
    for option in ctx.command.params:
        typed = ctx.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
        if not typed or option.name in _OF_THE_GROUP:
            continue
        value = ctx.params[option.name or ""]
        found = _like(leaf, option.opts)
        if option.name == "half":
            found, value = _like(leaf, ["--precision"]), "fp16"
        if found is None:
            spelt = option.opts[0]
            raise UsageError(
                f"{spelt} has no meaning for `rtdet {what}`, which has no such option; leave it out"
            )
        values[found.name or ""] = _as_typed(found, value)
    return values


def _lasting(ctx: click.Context, leaf: click.Command, arguments: list[str]) -> dict[str, Any]:
    default = RunConfig()
    values = {}
    given = given_settings(ctx.params.get("config_file"), names=_LASTING)
    for name, value in given.items():
        found = _like(leaf, [f"--{name.replace('_', '-')}"])
        if found is None or found.name not in (name, "settings"):
            continue
        # Where a command has another default, its option means something else: the lowest score of `detect`.
        own = found.default
        if isinstance(own, (str, int, float)) and own and own != getattr(default, name):
            continue
        if name == "model" and any(one.startswith("--detections") for one in arguments):
            continue  # which come in the place of a model
        values[found.name] = _as_typed(found, value)
    return values


def _like(command: click.Command, spellings: list[str]) -> click.Option | None:
    options = (one for one in command.params if isinstance(one, click.Option))
    return next((one for one in options if set(spellings) & set(one.opts)), None)


def _as_typed(option: click.Option, value: Any) -> Any:
    """A value as the command line would give it to `option`."""
    if option.multiple:
        return value if isinstance(value, tuple) else (value,)
    return ",".join(value) if isinstance(value, tuple) else value
