"""From the settings of a run to what counts in it."""

from __future__ import annotations

from pathlib import Path

from rtdet.config import RunConfig
from rtdet.counting.sink import CountSink
from rtdet.counting.tables import parse_clock
from rtdet.counting.zones_file import read_zones, zones_from_text
from rtdet.errors import UsageError
from rtdet.types import SourceInfo


def check_counting(config: RunConfig, *, has_kept_zones: bool) -> str | None:
    """The first option that asks for something of counting; None where none does. Raises UsageError where it cannot
    be had, as far as that is known before anything is opened."""
    wishes = {"--counts": config.counts, "--events": config.events, "--events-url": config.events_url}
    wish = next((name for name, value in wishes.items() if value is not None), None)
    if wish is not None and config.zones is None and not has_kept_zones:
        raise UsageError(f"{wish} needs lines or zones to count at: --zones ZONES.json")
    if wish is not None and config.tracker == "none":
        raise UsageError(f"{wish} counts tracks; choose another --tracker than none")
    return wish


def build_counting(
    config: RunConfig, info: SourceInfo, kept_zones: str | None = None, source_name: str = ""
) -> CountSink | None:
    """What counts at the lines and zones of the config's zones file, or else at those kept with the run that is its
    source (`kept_zones`, a text); None where there are none. Events have `source_name` where it is given. Raises
    SourceError for a file that is none, UsageError where something of counting is asked for that cannot be,
    OutputError."""
    clock = None if config.clock is None else parse_clock(config.clock)
    wish = check_counting(config, has_kept_zones=kept_zones is not None)
    if config.zones is not None:
        zones = read_zones(config.zones)
    elif kept_zones is not None:
        zones = zones_from_text(kept_zones, f"the zones of {Path(config.source).name}")
    else:
        return None
    if wish is not None and not len(zones):
        raise UsageError(
            f"{wish} has nothing to count: {config.zones or config.source} has no line and no zone"
        )
    if wish is not None and info.are_pictures:
        raise UsageError(f"{wish} counts what moves; single pictures do not (--as film, if they are one)")
    if not len(zones):
        return None
    return CountSink(
        zones,
        counts=config.counts,
        events=config.events,
        url=config.events_url,
        clock=clock,
        is_live=info.is_live,
        size=(info.width, info.height),
        source_name=source_name,
    )
