"""Several sources at a time: eight 720p files against one file of their joint length, and eight live sources that
share a detector which is too slow for them.

    python benchmarks/many_sources.py [--source CLIP] [--model NAME] [--pairs 3] [--sources 8] [--seconds 20]

Files: the same clip eight times at once, and eight times in a row as one file, in turns, by the command line with
tracks. Frames/s and processor time per frame of each, and the ratio of each pair: on a machine that does other things
too, only the processor time says something. Without --source the clip is the demo, as H.264 at 1280x720.

Live: eight cameras on loopback (JPEG over HTTP) at 15 frames/s each, and a detector that takes a sixtieth of a second
for a picture and no processor: what each source got of its sixty pictures a second.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from headless_throughput import ROOT, demo_clip

LIVE_FPS, DETECTOR_FPS = 15, 60


def repeated(clip: str, times: int, path: Path) -> str:
    """A file in which the clip is `times` in a row, its packets as they are."""
    import av

    with av.open(clip) as read, av.open(str(path), "w") as written:
        stream = read.streams.video[0]
        copy = written.add_stream_from_template(stream)
        length = stream.duration or 0
        for i in range(times):
            read.seek(0)
            for packet in read.demux(stream):
                if packet.dts is not None:
                    packet.pts, packet.dts = packet.pts + i * length, packet.dts + i * length
                    packet.stream = copy
                    written.mux(packet)
    return str(path)


def measured(sources: list[str], model: str, folder: Path) -> dict[str, float]:
    """Runs the command line over the sources; frames/s, and processor milliseconds per frame with all that it takes
    to begin."""
    stats = folder / "stats.json"
    words = [*sources, "--model", model, "--headless", "--quiet", "--stats", str(stats)]
    words += ["--tracks", str(folder / "tracks-{name}.csv")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-m", "rtdet", *words], cwd=folder, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(process.returncode)
    numbers = json.loads(stats.read_text())
    numbers = numbers.get("together", numbers)
    frames = numbers["frames"]["processed"]
    cpu_ms = (usage.ru_utime + usage.ru_stime) * 1e3 / frames
    return {
        "fps": frames / numbers["elapsed_s"],
        "cpu_ms": cpu_ms,
        "megabytes": usage.ru_maxrss / 1024,
    }


def files(options: argparse.Namespace, folder: Path) -> None:
    clip = str(Path(options.source).resolve()) if options.source else demo_clip(folder, 20.0)
    names = [f"clip{i + 1}.mp4" for i in range(options.sources)]
    for name in names:
        (folder / name).symlink_to(clip)
    joint = repeated(clip, options.sources, folder / "joint.mp4")
    ratios: list[tuple[float, float]] = []
    for number in range(options.pairs + 1):
        together = measured(names, options.model, folder)
        one = measured([joint], options.model, folder)
        ratio = together["fps"] / one["fps"], one["cpu_ms"] / together["cpu_ms"]
        note = " (warm-up, not counted)" if number == 0 else ""
        print(
            f"{options.sources} files {together['fps']:6.1f} frames/s {together['cpu_ms']:5.2f} ms "
            f"{together['megabytes']:5.0f} MB   one {one['fps']:6.1f} frames/s {one['cpu_ms']:5.2f} ms "
            f"{one['megabytes']:5.0f} MB   frames/s {ratio[0]:.2f}, by processor time {ratio[1]:.2f}{note}",
            flush=True,
        )
        if number:
            ratios.append(ratio)
    by_clock, by_processor = (statistics.median(column) for column in zip(*ratios, strict=True))
    print(
        f"{options.sources} files at once / one of their joint length: frames/s {by_clock:.2f}, "
        f"by processor time {by_processor:.2f} (medians of {options.pairs})"
    )


class JpegCamera(threading.Thread):
    """Sends pictures over HTTP to whoever connects, `fps` a second."""

    def __init__(self, fps: float) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pause_s = 1 / fps

    def run(self) -> None:
        import cv2
        import numpy as np

        jpegs = [
            cv2.imencode(".jpg", np.full((240, 320, 3), 4 * i, np.uint8))[1].tobytes() for i in range(50)
        ]
        connection, _ = self._listener.accept()
        connection.recv(4096)
        kind = "multipart/x-mixed-replace; boundary=frame"
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode())
        due = time.monotonic()
        try:
            for jpeg in itertools.cycle(jpegs):
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                connection.sendall(head.encode() + jpeg + b"\r\n")
                due += self._pause_s
                time.sleep(max(0.0, due - time.monotonic()))
        except OSError:
            pass


def serve(count: int) -> None:
    """Cameras in a process of their own; prints their ports, and ends with its standard input."""
    cameras = [JpegCamera(LIVE_FPS) for _ in range(count)]
    for camera in cameras:
        camera.start()
    print(json.dumps([camera.port for camera in cameras]), flush=True)
    sys.stdin.read()


class SlowDetector:
    """Finds nothing, and takes a fixed time for a picture."""

    class_names = ("person",)

    def __init__(self) -> None:
        from rtdet.types import Thresholds

        self.thresholds = Thresholds()
        self._free_at = 0.0

    def detect(self, images):  # type: ignore[no-untyped-def]
        from rtdet.types import Detections

        # By the clock: what one call sleeps too long the next one has less to sleep.
        now = time.monotonic()
        self._free_at = max(self._free_at, now - 0.1) + len(images) / DETECTOR_FPS
        time.sleep(max(0.0, self._free_at - now))
        return [Detections() for _ in images]

    def close(self) -> None: ...


def live(options: argparse.Namespace) -> None:
    from rtdet.config import RunConfig
    from rtdet.many_sources import ManySources
    from rtdet.source_list import NamedRun

    command = [sys.executable, __file__, "--serve", str(options.sources)]
    cameras = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert cameras.stdout is not None
    ports = json.loads(cameras.stdout.readline())
    runs = [
        NamedRun(f"camera {i + 1}", RunConfig(source=f"http://127.0.0.1:{port}/", duration=3600.0))
        for i, port in enumerate(ports)
    ]
    with ManySources(runs, make_detector=lambda _config: SlowDetector()) as many:
        many.start()
        while not all(run.pipeline is not None or run.is_over for run in many.sources):
            time.sleep(0.05)
        time.sleep(2.0)

        def counts() -> list[int]:
            return [run.pipeline.stats().processed if run.pipeline else 0 for run in many.sources]

        before, began = counts(), time.monotonic()
        time.sleep(options.seconds)
        elapsed_s = time.monotonic() - began
        got = [(after - one) / elapsed_s for one, after in zip(before, counts(), strict=True)]
        many.stop()
    cameras.communicate("")
    mean = statistics.mean(got)
    print("live sources, frames/s of each: " + " ".join(f"{one:.2f}" for one in got))
    print(
        f"{options.sources} live sources at {LIVE_FPS} frames/s, a detector of {DETECTOR_FPS}: "
        f"{sum(got):.1f} frames/s in all; shares {min(got) / mean - 1:+.1%} to {max(got) / mean - 1:+.1%} of the mean"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--source")
    parser.add_argument("--model", default="rtdet-n")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--sources", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--only", choices=["files", "live"])
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    if options.only != "live":
        with tempfile.TemporaryDirectory() as name:
            files(options, Path(name))
    if options.only != "files":
        live(options)


if __name__ == "__main__":
    main()
