"""The command line. Commands load when they are called, so that `rtdet --help` is instant."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import takewhile
from typing import Any

import click

from rtdet.address import note_arguments
from rtdet.cli import completion, options
from rtdet.cli.before import defaults_for
from rtdet.cli.console import say_error, show_messages
from rtdet.cli.options import CONTEXT
from rtdet.errors import OutputError, ReaderLeftError, RtdetError, UnknownNameError
from rtdet.terminal import say, show_traceback

COMMANDS = {
    "models": ("rtdet.cli.models", "List, describe and fetch models."),
    "detect": ("rtdet.cli.detect", "Write what a model sees in a source to a file."),
    "track": ("rtdet.cli.track", "Run a tracker on a file of detections."),
    "tracks": ("rtdet.cli.tracks", "Smooth, fill and correct a file of tracks."),
    "render": ("rtdet.cli.render", "Draw the tracks of a finished run into its film again."),
    "batch": ("rtdet.cli.batch", "Work through many sources, on one machine or on a cluster."),
    "count": ("rtdet.cli.count", "Count who crosses lines and who is in zones."),
    "plan": ("rtdet.cli.plan", "Draw where objects were: plan, heat map, trails."),
    "bench": ("rtdet.cli.bench", "Measure how quick this machine is, stage by stage."),
    "doctor": ("rtdet.cli.doctor", "Show what this machine can do, and what is missing."),
    "export": ("rtdet.cli.export", "Write a network as ONNX or OpenVINO."),
    "train": ("rtdet.cli.train", "Train a detector on labelled pictures."),
    "data": ("rtdet.cli.data", "Check, convert, label and split data sets."),
    "compare": ("rtdet.cli.compare", "Put several models side by side: how good, how quick."),
    "explain": ("rtdet.cli.explain", "Show on a page what happens inside a detector."),
    "eval": ("rtdet.cli.eval", "Measure a detector, a tracker, or what is on screen."),
}


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """Click would end with 1 where the reader of what is printed has gone."""
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderLeftError("nobody reads what is printed any more") from error


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        with _reader_may_leave():
            return super().make_context(*arguments, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _reader_may_leave():
            return super().invoke(ctx)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = import_module(COMMANDS[name][0]).command
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, but what is no command and may be a source is one: `rtdet FILE` opens FILE."""
        return super().parse_args(ctx, args if ctx.resilient_parsing else self._with_sources(ctx, args))

    def _with_sources(self, ctx: click.Context, args: list[str]) -> list[str]:
        while True:
            try:
                options, rest, _order = self.make_parser(ctx).parse_args(list(args))
            except click.UsageError:  # click will say it
                return args
            if not rest or rest[0] in COMMANDS or not _may_be_source(rest[0]):
                return args
            given = "source" in options
            before = args[: len(args) - len(rest)]
            if before and before[-1] == "--":
                before.pop()
            names = list(takewhile(lambda name: name not in COMMANDS and _may_be_source(name), rest))
            sources = [f"--{'then' if given or i else 'source'}={name}" for i, name in enumerate(names)]
            args = [*before, *sources, *rest[len(names) :]]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but a misspelt command gets an error that says what to type."""
        name = args[0]
        if name in COMMANDS or name.startswith("-"):
            resolved = super().resolve_command(ctx, args)
            if name in COMMANDS and resolved[1] is not None:
                ctx.default_map = {name: defaults_for(ctx, name, resolved[1], resolved[2])}
            return resolved
        raise UnknownNameError("command", name, COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def _may_be_source(name: str) -> bool:
    """Whether a word that is no command can only be meant as a source: a name with a suffix or a folder, too."""
    is_named = name.partition(":")[0] in ("webcam", "demo") or name.isdigit()
    is_path = os.path.exists(name) or bool(os.path.dirname(name) or os.path.splitext(name)[1])
    return not name.startswith("-") and (is_named or is_path)


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={**CONTEXT, "max_content_width": 100},
)
@click.option(
    "--source",
    metavar="SRC",
    multiple=True,
    shell_complete=completion.files,
    callback=options.some_or_none,
    help="webcam[:N], a file, folder, image or glob of images, a stream's URL, or demo; repeatable: several are "
    "shown side by side. The option's name may be omitted.  [default: demo]",
)
@click.option(
    "--then",
    metavar="SRC",
    multiple=True,
    shell_complete=completion.files,
    callback=options.some_or_none,
    help="What the viewer plays after the source; repeatable. `rtdet A B C` is --source A --then B --then C. "
    "Without a window all run at the same time.",
)
@options.in_detail(remembered=True)
@click.option("--half", is_flag=True, help="The same as --precision fp16.")
@options.tracking(remembered=True)
@click.option(
    "--policy", metavar="P", help="auto (every frame of a file, the latest of a live source), every, latest."
)
@options.every("N|auto", "auto: as seldom as a live source, or a window, is too fast for it.")
@click.option(
    "--max-latency",
    type=options.milliseconds,
    metavar="MS",
    help="Of a live source: where results would be older, look at fewer frames, with a smaller input or in a quicker "
    "precision, until the machine has time again.",
)
@click.option(
    "--save",
    metavar="OUT.mp4|.mkv|DIR/",
    help="Record annotated video: H.264, with the source's timestamps and sound. Of single pictures a slide show, or "
    "with DIR/ the annotated pictures.",
)
@click.option(
    "--save-raw",
    metavar="OUT.mkv|.mp4",
    help="Copy the packets of a file or a stream as they come, picture and sound, by the clock of the run.",
)
@options.save_tracks()
@click.option(
    "--stats",
    metavar="OUT.json",
    help="Write frame counts, drops with reasons, speeds, and the times and ages of each stage.",
)
@options.zones()
@click.option(
    "--counts",
    metavar="OUT",
    help="Write who crossed the lines and was in the zones: .csv, .json or .parquet.",
)
@click.option("--events", metavar="OUT.jsonl|-", help="Write each crossing and visit as it happens.")
@click.option("--events-url", metavar="URL", help="POST each crossing and visit to an address as it happens.")
@options.clock()
@click.option(
    "--keep",
    metavar="RUN.rtdet",
    help="Keep all that the model found, however doubtful, to track, count and mend it later without the model.",
)
@click.option("--headless", is_flag=True, default=None, help="Run without a window.")
@click.option("--show", is_flag=True, help="Insist on a window: an error if none can be opened.")
@options.part_of_source()
@options.offline(unset=True)
@click.option(
    "--config",
    "config_file",
    metavar="FILE.toml",
    shell_complete=completion.files,
    help="Read settings from a file; they are named like these options. Its tables [[sources]] are sources with a "
    "name and settings of their own.",
)
@options.quiet(unset=True)
@click.option("--debug", is_flag=True, default=None, help="Show tracebacks.")
@completion.option
@click.version_option(package_name="rtdet", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, /, config_file: str | None, half: bool, show: bool, **values: Any) -> None:
    """Detect and track objects in video. Without a command, open the viewer on SRC.

    Of several sources each has a tracker and outputs of its own: {name} in the path of an output, and of --zones,
    stands for the source's name, {index} for its number.

    The viewer starts with the model, input size, tracker, thresholds and camera motion that it was last used with,
    except for those given here, in RTDET_* variables or in the configuration file.
    """
    ctx.ensure_object(dict)["debug"] = bool(values.get("debug"))
    is_quiet = ctx.invoked_subcommand is not None or bool(values.get("quiet"))
    show_messages(quiet=is_quiet, afresh=True)  # of commands that say nothing else only warnings
    if ctx.invoked_subcommand is not None:
        return
    from rtdet.cli.run import run, with_settings_of_runs
    from rtdet.overwriting import refuse_overwriting
    from rtdet.source_list import load_runs
    from rtdet.video.sources.inputs import one_series

    if half and values["precision"] is None:
        values["precision"] = "fp16"
    if show:
        if values["headless"]:
            raise click.UsageError("--show asks for a window and --headless for none; give only one of them")
        values["headless"] = False
    sources, then = values.pop("source") or (), values.pop("then") or ()
    if then and len(sources) != 1:
        raise click.UsageError("--then goes with one --source, after which it is played")
    series = one_series((*sources, *then))
    then = series[1:] if then else ()
    runs = with_settings_of_runs(load_runs(config_file, series, values))
    for one in runs:
        refuse_overwriting(one.config.outputs, [config_file])
    ctx.exit(run(runs, show=show, in_turn=bool(then)))


def main(arguments: list[str] | None = None) -> None:
    """Runs a command and exits with the code that rtdet.errors documents."""
    if arguments is None:  # a process of our own
        sys.excepthook = show_traceback
        threading.excepthook = lambda args: show_traceback(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )
        arguments = sys.argv[1:]
    note_arguments(arguments)
    # Torch's OpenMP threads would busy-wait between two inferences, on the cores that decoding, tracking and
    # encoding need. The variable is read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        code = cli.main(args=arguments, prog_name="rtdet", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:  # `rtdet eval`
        say(error.format_message(), err=True)
        code = 2
    except click.NoSuchOption as error:
        from rtdet.cli.strays import explain_stray

        say_error(explain_stray(error, cli))
        code = 2
    except click.ClickException as error:
        say_error(error.format_message())
        code = 2
    except (KeyboardInterrupt, click.Abort):
        code = 130
    except ReaderLeftError as error:  # `rtdet models | head`
        _forget_what_is_left_to_print()
        code = error.exit_code
    except RtdetError as error:
        if "--debug" in arguments:
            show_traceback(type(error), error, error.__traceback__)
        say_error(str(error))
        code = error.exit_code
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _forget_what_is_left_to_print()
        say_error("the disk is full: the printed output is incomplete")
        code = OutputError.exit_code
    sys.exit(code if isinstance(code, int) else 0)


def _forget_what_is_left_to_print() -> None:
    """Python would try to write what is left in the buffer when it exits, and fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
