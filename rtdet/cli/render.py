"""`rtdet render SOURCE --tracks TRACKS --out OUT.mp4`: a film with the tracks of its finished run, drawn again."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rtdet.cli import completion, options
from rtdet.cli.console import interrupts, show_messages
from rtdet.cli.options import CONTEXT
from rtdet.cli.progress import progress
from rtdet.cli.tracks.files import count
from rtdet.config import RunConfig
from rtdet.errors import OutputError, UsageError
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.protocols import Sink, Source
    from rtdet.rendering import Clip, FollowedTrack, HiddenClasses, TracksOfFilm
    from rtdet.tracks.table import TrackTable
    from rtdet.types import SourceInfo
    from rtdet.video.draw import DrawStyle

_USUAL_FPS = 25.0


@click.command(context_settings=CONTEXT)
@click.argument("source", metavar="SOURCE|RUN.rtdet", shell_complete=completion.files)
@click.option(
    "--tracks", metavar="TRACKS", shell_complete=completion.files,
    help="The tracks: a .txt, .csv, .jsonl, .parquet or .json, or a RUN.rtdet.  [default: those of RUN.rtdet]",
)  # fmt: skip
@click.option(
    "--out", metavar="OUT.mp4|.mkv|DIR/", help="The film to write; with --around a folder of clips."
)
@click.option("--no-boxes", is_flag=True, help="Draw no boxes.")
@click.option("--no-labels", is_flag=True, help="Write no names of classes and no further values.")
@click.option("--no-ids", is_flag=True, help="Write no IDs.")
@click.option("--no-scores", is_flag=True, help="Write no scores.")
@click.option("--no-trails", is_flag=True, help="Draw no trails.")
@click.option(
    "--trail", type=float, default=2.0, show_default=True, metavar="S", help="Length of trails in seconds."
)
@click.option(
    "--thickness", type=click.IntRange(1, 32), metavar="N",
    help="Width of lines in pixels.  [default: by the picture's size]",
)  # fmt: skip
@click.option(
    "--blur", metavar="CLASS[,CLASS]", callback=options.split_names,
    help="Make the objects of these classes, or groups of classes, unrecognisable by a blur.",
)  # fmt: skip
@click.option(
    "--pixelate", metavar="CLASS[,CLASS]", callback=options.split_names, help="The same by coarse squares."
)
@click.option("--crops", metavar="DIR", help="Write the best views of each track to DIR/ID-CLASS/FRAME.jpg.")
@click.option(
    "--most-crops", type=click.IntRange(1, 100), default=5, show_default=True, help="So many of each track."
)
@click.option("--follow", type=int, metavar="ID", help="Show only the part of the picture around this track.")
@click.option(
    "--around", metavar="EVENTS[:N]|TIME",
    help="A clip of each event in a .csv or .jsonl of events, of its N-th, or of a moment (83.5 or 1:23.5).",
)  # fmt: skip
@click.option(
    "--before", type=float, default=3.0, show_default=True, metavar="S", help="Seconds before an event."
)
@click.option(
    "--after", type=float, default=2.0, show_default=True, metavar="S", help="Seconds after an event."
)
@click.option("--no-sound", is_flag=True, help="Leave out the sound.")
@click.option("--start", type=float, default=0.0, metavar="S", help="Start S seconds into the film.")
@click.option("--duration", type=float, metavar="S", help="Stop after S seconds.")
@options.max_frames()
@click.option("--fps", type=float, metavar="F", help="Frame rate of the film, where it has none.")
@options.taken_as()
@options.video_track()
@options.max_megapixels()
@options.quiet()
def command(source: str, tracks: str | None, out: str | None, quiet: bool, **given: Any) -> None:
    """Draw the tracks of a finished run into its film again, in another style, without running a network.

    Frames and rows are matched by frame number. Boxes, labels and trails are those of --save and the viewer; times
    and sound are the film's own.

    --blur and --pixelate hide every object whose track is of the class anywhere: also where the tracker only guessed
    where it is, in gaps of up to 2 seconds, and half a second before and after the track, with a margin around the
    box. At most 8 averages along the longer side of a box are kept, too few to know a face by. What no track covers
    is not hidden: run with a low --conf and look at the result before you publish it.

    --crops takes views that are large, sharp, whole and spread over the time of the track. --follow moves and zooms
    smoothly; where the track is gone the view rests. Clips --around events that overlap are joined.
    """
    show_messages(quiet=quiet)
    _check(out, given)
    job = _Job(source, tracks, out, quiet, given)
    job.refuse_overwriting()
    code = job.run()
    if code:
        raise SystemExit(code)


def _check(out: str | None, given: dict[str, Any]) -> None:
    """Raises UsageError where options do not fit together."""
    if out is None and given["crops"] is None:
        raise UsageError(
            "nothing to write: give --out OUT.mp4 for a film, --crops DIR for views of each track, or both"
        )
    for name, least in (("trail", 0), ("before", 0), ("after", 0), ("start", 0)):
        if not least <= given[name] < float("inf"):
            raise UsageError(f"--{name} is in seconds, 0 or more, not {given[name]:g}")
    if given["fps"] is not None and not 0 < given["fps"] < float("inf"):
        raise UsageError(f"--fps must be above 0, not {given['fps']:g}")
    if given["around"] is None:
        return
    for name in ("crops", "start", "duration", "max_frames"):
        if given[name]:
            raise UsageError(
                f"--{name.replace('_', '-')} and --around exclude each other: an event says what is rendered"
            )
    if not given["before"] + given["after"]:
        raise UsageError("a clip needs a length: give --before or --after more than 0 seconds")


class _Job:
    """One rendering: what was asked for, and the steps to it."""

    def __init__(
        self, source: str, tracks: str | None, out: str | None, quiet: bool, given: dict[str, Any]
    ) -> None:
        from rtdet.build import kept_run_path, video_of
        from rtdet.rendering.clips import clips_around, events_of

        self.out, self.quiet, self.given = out, quiet, given
        self.config = RunConfig(
            source=source, start=given["start"], duration=given["duration"], max_frames=given["max_frames"],
            taken_as=given["taken_as"], video_track=given["video_track"], max_megapixels=given["max_megapixels"],
        )  # fmt: skip
        if tracks is None and kept_run_path(source) is None:
            raise UsageError("--tracks is missing: the tracks to draw, as --tracks of a run wrote them")
        self.tracks = source if tracks is None else tracks
        self.video = video_of(source)
        self.clips: list[Clip] | None = None
        self.events: Path | None = None
        if given["around"] is not None:
            events, self.events = events_of(given["around"])
            self.clips = clips_around(events, given["before"], given["after"])

    def refuse_overwriting(self) -> None:
        from rtdet.overwriting import refuse_overwriting, refuse_overwriting_in
        from rtdet.video.recording import is_folder
        from rtdet.video.sources.inputs import files_of_source

        inputs = [
            *files_of_source(self.config.source),
            *files_of_source(self.video or ""),
            self.tracks,
            self.events,
        ]
        refuse_overwriting({"--out": self.out, "--crops": self.given["crops"]}, inputs)
        read = [path for path in inputs if path is not None]
        if self.out is not None and (self.clips is not None or is_folder(self.out)):
            refuse_overwriting_in(self.out, "--out", read)
        if self.given["crops"] is not None:
            refuse_overwriting_in(self.given["crops"], "--crops", read)

    def run(self) -> int:
        """Renders; returns the exit code."""
        from rtdet.build import build_source

        with closing(build_source(self.config)) as source:
            film = self._film(source.info)
            if self.clips is not None:
                return self._render_clips(source, film, self.clips)
            return self._render_whole(source, film)

    def _film(self, info: SourceInfo) -> _Film:
        """The tracks and what is done to the pictures, for a source."""
        from rtdet.kept import tracks_in
        from rtdet.rendering import FollowedTrack, HiddenClasses, TracksOfFilm
        from rtdet.rendering.hiding import ways_of

        fps = self.given["fps"] or info.fps or _USUAL_FPS
        table = tracks_in(self.tracks, fps)
        ways = ways_of(self.given["blur"] or (), self.given["pixelate"] or ())
        hidden = HiddenClasses(table, ways, fps, self.tracks) if ways else None
        follow = self.given["follow"]
        followed = None
        if follow is not None:
            followed = FollowedTrack(table, follow, (info.width, info.height), fps)
        has_times = Path(self.tracks).suffix.lower() != ".txt"
        return _Film(
            TracksOfFilm(table, self.tracks, info, has_times=has_times), table, hidden, followed, fps
        )

    def _render_whole(self, source: Source, film: _Film) -> int:
        from rtdet.rendering import CropFolder, Span, render

        info, config = source.info, self.config
        sinks: list[Sink] = []
        if self.out is not None:
            sinks.append(self._recording(self.out, info, film))
        crops = None
        if self.given["crops"] is not None:
            crops = CropFolder(
                self.given["crops"], film.part(config), (info.width, info.height), self.given["most_crops"]
            )
            sinks.append(crops)
        span = Span(duration_s=config.duration, max_frames=config.max_frames)
        with interrupts() as signals, progress("rendering", _expected(config, info), self.quiet) as on_frame:
            rendered = render(
                source, film.tracks, sinks, span, hidden=film.hidden, on_frame=on_frame,
                is_stopped=lambda: bool(signals),
            )  # fmt: skip
        if self.out is not None:
            self._say(f"wrote {self.out}: {count(rendered, 'frame')}")
        if crops is not None:
            self._say(f"wrote {crops.folder}{os.sep}: {count(crops.written, 'view')}")
        return 130 if signals else 0

    def _render_clips(self, source: Source, film: _Film, clips: Sequence[Clip]) -> int:
        from rtdet.rendering.clips import length_of

        places = self._clip_files(clips)
        is_stopped = False
        frames = max(1, round(length_of(clips) * film.fps))
        with interrupts() as signals, progress("rendering", frames, self.quiet) as on_frame:
            for clip, place in zip(clips, places, strict=True):
                rendered = self._render_clip(source, film, clip, place, on_frame, lambda: bool(signals))
                is_stopped = bool(signals)
                if rendered:
                    self._say(f"wrote {place}: {count(rendered, 'frame')}")
                elif not is_stopped:
                    say(f"rtdet: warning: there is no frame around {clip.events[0].time_s:g} s", err=True)
                if is_stopped:
                    break
        return 130 if is_stopped else 0

    def _render_clip(
        self, source: Source, film: _Film, clip: Clip, place: Path, on_frame: Callable[[], None],
        is_stopped: Callable[[], bool],
    ) -> int:  # fmt: skip
        from rtdet.protocols import SeekableSource
        from rtdet.rendering import Span, render

        if isinstance(source, SeekableSource) and source.info.is_seekable:
            source.seek(clip.start_s)
        sinks = [self._recording(place, source.info, film)]
        span = Span(clip.start_s - 0.5 / film.fps, clip.end_s)
        return render(
            source, film.tracks, sinks, span, hidden=film.hidden, on_frame=on_frame, is_stopped=is_stopped
        )

    def _clip_files(self, clips: Sequence[Clip]) -> list[Path]:
        """A file for each clip: in the folder --out, or for a single one --out itself."""
        from rtdet.video.recording import RECORDINGS

        assert self.out is not None
        out = Path(self.out)
        if out.suffix.lower() in RECORDINGS and not out.is_dir():
            if len(clips) > 1:
                raise UsageError(
                    f"{out} can hold one clip, but there are {len(clips)}: name a folder ({out.stem}{os.sep})"
                )
            return [out]
        if out.exists() and not out.is_dir():
            raise OutputError(f"{out} is a file; clips go to a folder")
        try:
            out.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot make the folder {out}: {(error.strerror or str(error)).lower()}"
            ) from error
        return [out / clip.file_name(number, ".mp4") for number, clip in enumerate(clips, 1)]

    def _recording(self, path: str | Path, info: SourceInfo, film: _Film) -> Sink:
        from rtdet.video.draw import Painter
        from rtdet.video.recording import open_recording
        from rtdet.video.sources.inputs import file_of

        style = self._style()
        view = None if film.followed is None else film.followed.view
        sound = (
            None if info.are_pictures or self.given["no_sound"] or self.video is None else file_of(self.video)
        )
        return open_recording(
            path, info, audio_from=None if sound is None else str(sound), style=lambda: style,
            painter=Painter(lambda: style, view),
        )  # fmt: skip

    def _style(self) -> DrawStyle:
        from rtdet.video.draw import DrawStyle

        given = self.given
        return DrawStyle(
            show_boxes=not given["no_boxes"], show_labels=not given["no_labels"], show_ids=not given["no_ids"],
            show_scores=not given["no_scores"], show_trails=not given["no_trails"], trail_s=given["trail"],
            thickness=given["thickness"],
        )  # fmt: skip

    def _say(self, line: str) -> None:
        if not self.quiet:
            say(line, err=True)


@dataclass(frozen=True)
class _Film:
    """The tracks of a film, and what is done to its pictures."""

    tracks: TracksOfFilm
    table: TrackTable
    hidden: HiddenClasses | None
    followed: FollowedTrack | None
    fps: float

    def part(self, config: RunConfig) -> TrackTable:
        """The rows of the frames that the configuration asks for, as far as times tell."""
        from rtdet.rendering.matching import part_of

        ends = [
            config.start + length
            for length in (config.duration, _seconds(config.max_frames, self.fps))
            if length
        ]
        return part_of(self.table, config.start, min(ends, default=float("inf")), self.fps)


def _seconds(frames: int | None, fps: float) -> float | None:
    return None if frames is None else frames / fps


def _expected(config: RunConfig, info: SourceInfo) -> int:
    """How many frames there will be; 0 where nobody knows."""
    from rtdet.cli.run import expected_of

    return expected_of(config, info) or 0
