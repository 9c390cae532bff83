"""What the timeline of the viewer costs: its spans, one paint of the lanes, one turn of the wheel.

Prints milliseconds for 100 and for 5,000 tracks in an hour; what is painted should not depend on how many there are.
No window appears.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
from PyQt6.QtWidgets import QApplication

from rtdet.tracks.table import FrameList, TrackTable
from rtdet.ui.theme import apply_theme
from rtdet.ui.timeline.lanes_view import LanesView
from rtdet.viewer.timeline.charts import ObjectCounts
from rtdet.viewer.timeline.spans import spans_of
from rtdet.viewer.timeline.state import Timeline
from rtdet.viewer.window import WindowState

FPS, SECONDS = 25, 3600
CLASSES = ("person", "car", "bus", "truck", "bicycle", "dog")


def tracks(count: int, seed: int = 0) -> TrackTable:
    """So many tracks of 4 to 20 s with gaps, evenly over an hour."""
    random = np.random.default_rng(seed)
    frames, ids = [], []
    for track_id in range(1, count + 1):
        length = int(random.integers(4 * FPS, 20 * FPS))
        begin = int(random.integers(1, FPS * SECONDS - length))
        there = begin + np.flatnonzero(random.random(length) < 0.97)
        frames.append(there)
        ids.append(np.full(len(there), track_id))
    all_frames, all_ids = np.concatenate(frames), np.concatenate(ids)
    order = np.lexsort((all_ids, all_frames))
    rows = len(order)
    numbers = np.arange(1, FPS * SECONDS + 1)
    boxes = np.tile([0.0, 0.0, 10.0, 20.0], (rows, 1))
    return TrackTable(
        all_frames[order], all_ids[order], boxes, np.full(rows, 0.9), all_ids[order] % 6,
        FrameList(numbers, (numbers - 1) / FPS, is_complete=True), CLASSES,
    )  # fmt: skip


def milliseconds(work: Callable[[], object], times: int = 30) -> float:
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return 1000 * float(np.median(taken))


def measured(count: int) -> tuple[float, ...]:
    table = tracks(count)
    timeline = Timeline()
    view = LanesView(timeline, WindowState(lanes_open=True))
    view.resize(1600, 500)
    view.show()
    spans_ms = milliseconds(lambda: timeline.show(spans_of(table)), 5)
    timeline.show(spans_of(table), ObjectCounts(spans_of(table)))

    def painted() -> None:
        timeline.repaint()
        view.grab()

    def turned() -> None:
        timeline.zoom(1.05, 400)
        view.grab()

    fitted_ms = milliseconds(painted)
    timeline.zoom(40.0, 800)
    zoomed_ms = milliseconds(painted)
    wheel_ms = milliseconds(turned)

    def moved() -> None:
        timeline.move_to(timeline.position_s + 0.04, is_playing=True)
        view.grab()

    return len(table), spans_ms, fitted_ms, zoomed_ms, wheel_ms, milliseconds(moved)


def main() -> None:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    apply_theme(app)
    names = ("rows", "spans", "paint, all of it", "paint, zoomed in", "a turn of the wheel", "playhead moves")
    few, many = measured(100), measured(5000)
    print(f"{'':22}{'100 tracks':>12}{'5,000 tracks':>14}")
    for name, one, other in zip(names, few, many, strict=True):
        digits = 0 if name == "rows" else 2
        unit = "" if name == "rows" else " ms"
        print(f"{name:22}{one:>12,.{digits}f}{other:>14,.{digits}f}{unit}")


if __name__ == "__main__":
    main()
