"""The command line. Commands load when they are called, so that `rtdet --help` is instant."""

from __future__ import annotations

import errno
import os
import shlex
import sys
import traceback
from importlib import import_module
from typing import Any

import click

from rtdet.cli.console import say_error
from rtdet.errors import OutputError, RtdetError, UnknownNameError

COMMANDS = {
    "models": ("rtdet.cli.models", "List, describe and fetch models."),
    "detect": ("rtdet.cli.detect", "Write what a model sees in a source to a file."),
    "track": ("rtdet.cli.track", "Run a tracker on a file of detections."),
    "tracks": ("rtdet.cli.tracks", "Smooth, fill and correct a file of tracks."),
    "train": ("rtdet.cli.train", "Train a detector on labelled pictures."),
    "data": ("rtdet.cli.data", "Check, convert and label data sets."),
    "eval": ("rtdet.cli.eval", "Measure a detector, a tracker, or what is on screen."),
}


def _only_one(ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> str | None:
    if len(value) > 1:
        raise click.UsageError(f"one --source at a time, not {len(value)}; start rtdet once for each")
    return value[0] if value else None


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = import_module(COMMANDS[name][0]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, but a source without --source, or a misspelt command, is told what was meant."""
        name = args[0]
        if name in COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        if os.path.exists(name) or "://" in name or name.partition(":")[0] in ("webcam", "demo"):
            raise click.UsageError(f"{name} is not a command; to open it: rtdet --source {shlex.quote(name)}")
        raise UnknownNameError("command", name, COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def _several(
    ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...] | None:
    return value or None


def _split(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(part.strip() for part in value.split(",") if part.strip())


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--source",
    metavar="SRC",
    multiple=True,
    callback=_only_one,
    help="webcam[:N], a file, folder, image or glob of images, a stream's URL, or demo.  [default: demo]",
)
@click.option(
    "--model",
    "--weights",
    metavar="NAME|FILE",
    help="A name from `rtdet models`, or a .safetensors, .onnx or .pth file.  [default: rtdet-n]",
)
@click.option(
    "--conf",
    "--conf-thres",
    type=float,
    help="Lowest score that begins an object; its track may live through lower ones.  [default: 0.25]",
)
@click.option(
    "--iou", "--iou-thres", type=float, help="Overlap at which NMS takes two boxes for one.  [default: 0.5]"
)
@click.option("--classes", callback=_split, metavar="A,B", help="Only these classes, e.g. person,car.")
@click.option("--max-det", type=int, help="Most objects in a frame.  [default: 300]")
@click.option("--imgsz", "--img-size", type=int, help="Longer side of the network's input, in pixels.")
@click.option("--device", metavar="DEV", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--backend", metavar="NAME", help="auto, torch, openvino or onnxruntime.")
@click.option("--precision", metavar="P", help="auto, fp32, fp16 or bf16.")
@click.option("--half", is_flag=True, help="The same as --precision fp16.")
@click.option("--tracker", metavar="NAME", help="rtdet, bytetrack, ocsort, sort or none.  [default: rtdet]")
@click.option(
    "--set",
    multiple=True,
    callback=_several,
    metavar="KEY=VALUE",
    help="A setting of the tracker, or of one class: max_age_s.person=2; repeatable.",
)
@click.option(
    "--camera-motion",
    is_flag=True,
    default=None,
    help="For a camera that moves: read its motion from the picture, take it out of the tracks.",
)
@click.option(
    "--policy", metavar="P", help="auto (every frame of a file, the latest of a live source), every, latest."
)
@click.option(
    "--save", metavar="OUT.mp4|.mkv", help="Record annotated video: H.264, the source's timestamps and sound."
)
@click.option(
    "--tracks", metavar="OUT", help="Write tracks: .txt (MOT), .csv, .jsonl, .parquet or .json (COCO)."
)
@click.option(
    "--stats", metavar="OUT.json", help="Write frame counts, drops, speeds and times of each stage."
)
@click.option("--headless", is_flag=True, default=None, help="No window.")
@click.option("--show", is_flag=True, help="A window or nothing, whatever the configuration says.")
@click.option("--start", type=float, metavar="S", help="Begin S seconds into a file.")
@click.option("--duration", type=float, metavar="S", help="End after S seconds of the source.")
@click.option("--max-frames", type=int, metavar="N", help="End after N frames.")
@click.option("--offline", is_flag=True, default=None, help="Never use the network to fetch a model.")
@click.option("--config", "config_file", metavar="FILE.toml", help="Settings by the names of these options.")
@click.option("--quiet", is_flag=True, default=None, help="No progress bar, only errors and warnings.")
@click.option("--debug", is_flag=True, default=None, help="Show tracebacks.")
@click.version_option(package_name="rtdet", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, /, config_file: str | None, half: bool, show: bool, **options: Any) -> None:
    """Detect and track objects in video. Without a command: open the viewer on SRC."""
    ctx.ensure_object(dict)["debug"] = bool(options.get("debug"))
    if ctx.invoked_subcommand is not None:
        return
    from rtdet.cli.run import run
    from rtdet.config import load_config

    if half and options["precision"] is None:
        options["precision"] = "fp16"
    if show:
        if options["headless"]:
            raise click.UsageError("--show wants a window and --headless none; leave one of them out")
        options["headless"] = False
    given = {name for name, value in options.items() if value is not None}
    if "set" in given:
        given.add("tracker")
    ctx.exit(run(load_config(config_file, options), given, show=show))


def main(arguments: list[str] | None = None) -> None:
    """Entry point: runs a command and exits with the code that rtdet.errors documents."""
    arguments = sys.argv[1:] if arguments is None else arguments
    # Torch's OpenMP threads would spin between two inferences, on the cores that decoding, tracking and
    # encoding need. The variable is read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        code = cli.main(args=arguments, prog_name="rtdet", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:  # `rtdet eval`
        click.echo(error.format_message(), err=True)
        code = 2
    except click.ClickException as error:
        say_error(error.format_message())
        code = 2
    except (KeyboardInterrupt, click.Abort):
        code = 130
    except RtdetError as error:
        if "--debug" in arguments:
            traceback.print_exc()
        say_error(str(error))
        code = error.exit_code
    except BrokenPipeError:  # `rtdet models | head`
        sys.stderr.close()
        code = 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        # What is still in the buffer would be tried again, and fail again, when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        say_error("the disk is full: what was to be printed ends here")
        code = OutputError.exit_code
    sys.exit(code if isinstance(code, int) else 0)
