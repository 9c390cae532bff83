"""Computes the numbers on screen and formats times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtdet.viewer.player import Rates

if TYPE_CHECKING:
    from rtdet.pipeline import Stats


def rates_of(stats: Stats, *, stalled_ms: float | None, objects: int, playing: bool) -> Rates:
    """Rates of the last seconds, not averages since the start. `stalled_ms`: how long the picture has been
    standing although it should move, if it has."""
    live = stats.live
    age_ms = None if not playing else live.shown_age_ms if stalled_ms is None else stalled_ms
    return Rates(
        live.capture_fps,
        live.inference_fps,
        live.display_fps,
        age_ms=age_ms,
        objects=objects,
        dropped=sum(stats.dropped.values()),
        boxes_age_ms=live.boxes_age_ms if playing and stalled_ms is None else None,
        stages_ms=live.stages_ms,
        gave_up=live.gave_up,
    )


def age_text(age_ms: float | None) -> str:
    if age_ms is None:
        return "-"
    return f"{age_ms:.0f} ms" if age_ms < 1000 else f"{age_ms / 1000:.1f} s"


def clock(seconds: float, *, tenths: bool = False) -> str:
    """A time as text: 1:02:03, 2:03 or 0:03; with tenths 0:03.4."""
    tenth = int(max(seconds, 0.0) * 10 + 1e-6)
    whole, rest = divmod(tenth, 10)
    hours, minutes, secs = whole // 3600, whole // 60 % 60, whole % 60
    text = f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"
    return f"{text}.{rest}" if tenths else text
