"""`rtdet eval stream`: measures what a viewer would have shown with a slow detector."""

from __future__ import annotations

import math
from contextlib import closing
from typing import TYPE_CHECKING

import click

from rtdet.cli import options
from rtdet.cli.options import CONTEXT
from rtdet.errors import UsageError
from rtdet.extras import require
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.evaluation.streaming import Latency
    from rtdet.tracks.formats.format import RowWriter
    from rtdet.types import Tracks


@click.command(context_settings=CONTEXT)
@click.argument("detections", metavar="DETS")
@options.out_tracks("SHOWN")
@options.detections_fps()
@click.option(
    "--latency-ms", type=float, metavar="L", help="Simulate a detector that always takes L milliseconds."
)
@click.option(
    "--latency", "measured", metavar="FILE.json",
    help="Simulate a detector with measured latencies: a list of milliseconds, or a file of --stats.",
)  # fmt: skip
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of the random draws from --latency."
)
@click.option(
    "--show", default="predict", show_default=True, metavar="predict|hold",
    help="Between two results, show predicted boxes, or hold those of the last result.",
)  # fmt: skip
@click.option(
    "--gt", metavar="GT.txt", help="Ground truth (MOTChallenge): print HOTA, MOTA and IDF1 of what was shown."
)
@click.option("--plot", metavar="OUT.png", help="With --gt: plot them over latencies from 0 to 500 ms.")
@options.tracker()
@options.tracker_settings()
def stream(
    detections: str,
    out: str,
    fps: float | None,
    latency_ms: float | None,
    measured: str | None,
    seed: int,
    show: str,
    gt: str | None,
    plot: str | None,
    tracker: str,
    settings: tuple[str, ...],
) -> None:
    """Write what a viewer would have shown in each frame, at the frame's own time.

    The detections in DETS are delayed as if a detector with the given latency had made them. It takes the next frame
    when it is free; frames that arrive while it is busy are dropped.

    DETS holds MOTChallenge rows (.txt), is a .json of `rtdet detect`, or a track file (.csv, .jsonl, .parquet,
    .json), of which the rows that were seen are taken. The frame rate is that of its times, unless --fps is given.
    """
    from rtdet.cli.track import check_settings, fps_of, load_with, open_checked
    from rtdet.evaluation.streaming import SHOW, replay
    from rtdet.evaluation.streaming.accuracy import LATENCIES_MS, accuracy_by_latency, shown_rows
    from rtdet.evaluation.streaming.picture import accuracy_as_png
    from rtdet.evaluation.tracking import score_tracks
    from rtdet.evaluation.tracking.sequences import read_truth_by_name
    from rtdet.output_file import OutputFile
    from rtdet.overwriting import refuse_overwriting
    from rtdet.tracks.seen_rows import read_seen

    refuse_overwriting({"--out": out, "--plot": plot}, [detections, gt, measured])
    if fps is not None:
        fps_of(fps, detections)  # before any file is read
    if show not in SHOW:
        raise UsageError(f"--show must be {' or '.join(SHOW)}, not {show!r}")
    if plot is not None and gt is None:
        raise UsageError("--plot needs the ground truth; give it with --gt GT.txt")
    if plot is not None and not plot.lower().endswith(".png"):
        raise UsageError(f"--plot must end in .png, not {plot}")
    late = _latency(latency_ms, measured, seed)
    check_settings(tracker, settings)
    rows, own_fps = read_seen(detections)
    rate = fps_of(fps or own_fps, detections)
    instance = load_with(tracker, settings, rate)
    truth = read_truth_by_name(gt) if gt is not None else None
    writer = open_checked(out)
    if plot is not None:
        require("report", "--plot", "matplotlib")
    picture = OutputFile(plot) if plot is not None else None
    frames = max(rows.last_frame, truth.last_frame if truth is not None else 0, 1)
    shown = list(replay(instance, rows, fps=rate, frames=frames, latency=late, show=show))
    _write(writer, shown, rate)
    say(f"wrote {out}", err=True)
    if truth is not None:
        scores = score_tracks(truth, shown_rows(shown), frames)
        say(f"HOTA {100 * scores.hota:.2f}  MOTA {100 * scores.mota:.2f}  IDF1 {100 * scores.idf1:.2f}")
    if truth is not None and picture is not None:
        scores_of = accuracy_by_latency(lambda: load_with(tracker, settings, rate), rows, truth, fps=rate)
        with closing(picture):
            picture.append(accuracy_as_png(LATENCIES_MS, scores_of, f"{tracker}, {rate:g} frames a second"))
        say(f"wrote {plot}", err=True)


def _write(writer: RowWriter, shown: list[Tracks], fps: float) -> None:
    from rtdet.tracks.rows import FrameRecord

    with closing(writer):
        for number, tracks in enumerate(shown, start=1):
            writer.write(FrameRecord(number, (number - 1) / fps, tracks))


def _latency(latency_ms: float | None, measured: str | None, seed: int) -> Latency:
    from rtdet.evaluation.streaming import read_latency

    if (latency_ms is None) == (measured is None):
        raise UsageError("give the detector's latency with either --latency-ms L or --latency FILE.json")
    if measured is not None:
        return read_latency(measured, seed)
    if latency_ms is None or not 0 <= latency_ms < math.inf:
        raise UsageError(f"--latency-ms must be 0 or more, not {latency_ms:g}")
    latency_s = latency_ms / 1e3
    return lambda: latency_s
