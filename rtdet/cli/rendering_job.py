"""The steps of `rtdet render`, from its options to films, clips and views."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdet.cli.console import interrupts
from rtdet.cli.progress import progress
from rtdet.cli.rendered_film import Film, frames_looked_at
from rtdet.cli.tracks.files import count
from rtdet.config import RunConfig
from rtdet.errors import OutputError, SourceError, UsageError
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.counting import Zones
    from rtdet.protocols import Sink, Source
    from rtdet.rendering import Clip
    from rtdet.types import SourceInfo
    from rtdet.video.draw import DrawStyle

_USUAL_FPS = 25.0


class RenderingJob:
    """One rendering: what was asked for, and the steps to it."""

    def __init__(
        self, source: str, tracks: str | None, out: str | None, quiet: bool, given: dict[str, Any]
    ) -> None:
        from rtdet.kept.building import kept_run_path, video_of
        from rtdet.rendering.clips import clips_around, events_of
        from rtdet.video.sources.inputs import is_there

        self.out, self.quiet, self.given = out, quiet, given
        self.config = RunConfig(
            source=source, start=given["start"], duration=given["duration"], max_frames=given["max_frames"],
            taken_as=given["taken_as"], video_track=given["video_track"], max_megapixels=given["max_megapixels"],
        )  # fmt: skip
        if tracks is None and kept_run_path(source) is None:
            if not is_there(source):
                raise SourceError(f"cannot read {source}: there is no such file")
            raise UsageError("--tracks is missing: the tracks to draw, as --tracks of a run wrote them")
        self.tracks = source if tracks is None else tracks
        self.video = video_of(source)
        self.clips: list[Clip] | None = None
        self.events: Path | None = None
        if given["around"] is not None:
            events, self.events = events_of(given["around"])
            self.clips = clips_around(events, given["before"], given["after"])
            if not events:
                say(f"rtdet: warning: no events in {self.events}, so there is nothing to render", err=True)

    def refuse_overwriting(self) -> None:
        from rtdet.overwriting import refuse_overwriting, refuse_overwriting_in
        from rtdet.video.recording import is_folder
        from rtdet.video.sources.inputs import files_of_source

        inputs = [
            *files_of_source(self.config.source),
            *(files_of_source(self.video) if self.video is not None else ()),
            self.tracks,
            self.events,
            self.given["zones"],
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

    def _film(self, info: SourceInfo) -> Film:
        """The tracks and what is done to the pictures, for a source."""
        from rtdet.kept import tracks_in
        from rtdet.rendering import CountedZones, FollowedTrack, HiddenClasses, TracksOfFilm
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
        tracks = TracksOfFilm(table, self.tracks, info, has_times=has_times)
        looked_at = frames_looked_at(self.tracks, table, fps, is_any_hidden=bool(ways))
        zones = self._zones()
        counted = CountedZones(zones, tracks, (info.width, info.height), fps) if zones is not None else None
        return Film(tracks, hidden, followed, counted, fps, looked_at)

    def _zones(self) -> Zones | None:
        """The lines and zones that are drawn: those of --zones, else those kept with the run."""
        from rtdet.counting import read_zones, zones_from_text
        from rtdet.kept import KeptRun
        from rtdet.kept.building import kept_run_path

        if self.given["zones"] is not None:
            return read_zones(self.given["zones"])
        path = kept_run_path(self.config.source)
        if path is None:
            return None
        with KeptRun(path) as run:
            text = run.document("zones")
        return None if text is None else zones_from_text(text, f"the zones of {path.name}")

    def _render_whole(self, source: Source, film: Film) -> int:
        from rtdet.rendering import CropFolder, Span, render

        info, config = source.info, self.config
        film.warn_of_the_followed(self.given["follow"], config)
        sinks: list[Sink] = film.sinks()
        if film.looked_at is not None and not config.start and film.looked_at.first > 1:
            film.looked_at.is_before(1)  # a kept run begins at its start
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
                source, film.tracks, sinks, span, hidden=film.hidden, looked_at=film.looked_at, on_frame=on_frame,
                is_stopped=lambda: bool(signals),
            )  # fmt: skip
        self._say_what_is_left_out(film)
        if not rendered and not signals:
            raise UsageError(f"there is no frame to render in this part of {info.name}{film.extent()}")
        if self.out is not None:
            self._say(f"wrote {self.out}: {count(rendered, 'frame')}")
        if crops is not None:
            self._say(f"wrote {crops.folder}{os.sep}: {count(crops.written, 'view')}")
        return 130 if signals else 0

    def _render_clips(self, source: Source, film: Film, clips: Sequence[Clip]) -> int:
        from rtdet.rendering.clips import length_of

        film.warn_of_the_followed(self.given["follow"], self.config, clips)
        places = self._clip_files(clips)
        is_stopped, are_any = False, False
        frames = max(1, round(length_of(clips) * film.fps))
        with interrupts() as signals, progress("rendering", frames, self.quiet) as on_frame:
            for clip, place in zip(clips, places, strict=True):
                rendered = self._render_clip(source, film, clip, place, on_frame, lambda: bool(signals))
                is_stopped, are_any = bool(signals), are_any or rendered > 0
                if rendered:
                    self._say(f"wrote {place}: {count(rendered, 'frame')}")
                elif not is_stopped and len(clips) > 1:
                    say(f"rtdet: warning: there is no frame around {clip.events[0].time_s:g} s", err=True)
                if is_stopped:
                    break
        self._say_what_is_left_out(film)
        if clips and not are_any and not is_stopped:
            length = source.info.duration_s
            end = f", which ends at {length:g} s" if length else ""
            raise UsageError(
                f"there is nothing at {clips[0].events[0].time_s:g} s in {source.info.name}{end}{film.extent()}"
            )
        return 130 if is_stopped else 0

    def _render_clip(
        self, source: Source, film: Film, clip: Clip, place: Path, on_frame: Callable[[], None],
        is_stopped: Callable[[], bool],
    ) -> int:  # fmt: skip
        from rtdet.protocols import SeekableSource
        from rtdet.rendering import Span, render

        if isinstance(source, SeekableSource) and source.info.is_seekable:
            source.seek(clip.start_s)
        sinks = [*film.sinks(), self._recording(place, source.info, film)]
        span = Span(clip.start_s - 0.5 / film.fps, clip.end_s)
        return render(
            source, film.tracks, sinks, span, hidden=film.hidden, looked_at=film.looked_at, on_frame=on_frame,
            is_stopped=is_stopped,
        )  # fmt: skip

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

    def _recording(self, path: str | Path, info: SourceInfo, film: Film) -> Sink:
        from rtdet.video.draw import Painter
        from rtdet.video.recording import open_recording
        from rtdet.video.sources.inputs import file_of

        look = self._style()

        def style() -> DrawStyle:
            return look if film.counted is None else replace(look, zones=film.counted.marks)

        view = None if film.followed is None else film.followed.view
        sound = (
            None if info.are_pictures or self.given["no_sound"] or self.video is None else file_of(self.video)
        )
        return open_recording(
            path, info, audio_from=None if sound is None else str(sound), style=style,
            painter=Painter(style, view),
        )  # fmt: skip

    def _style(self) -> DrawStyle:
        from rtdet.video.draw import DrawStyle

        given = self.given
        return DrawStyle(
            show_boxes=not given["no_boxes"], show_labels=not given["no_labels"], show_ids=not given["no_ids"],
            show_scores=not given["no_scores"], show_trails=not given["no_trails"], trail_s=given["trail"],
            thickness=given["thickness"],
        )  # fmt: skip

    def _say_what_is_left_out(self, film: Film) -> None:
        for line in film.looked_at.lines() if film.looked_at is not None else ():
            self._say(line)

    def _say(self, line: str) -> None:
        if not self.quiet:
            say(line, err=True)


def _expected(config: RunConfig, info: SourceInfo) -> int:
    """How many frames there will be; 0 where nobody knows."""
    from rtdet.cli.run import expected_of

    return expected_of(config, info) or 0
