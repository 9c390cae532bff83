"""From the command to the first frame with boxes on it: seconds, and the memory that it took.

    python benchmarks/start.py [--rounds 3]

With an empty cache folder (the first start ever) and with a full one, without a window and in the viewer (on the
display there is, else offscreen). Each start is a process of its own; files may be in the system's cache.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Seconds since the epoch of the first frame with boxes, and the peak of memory in MB; then the process ends.
_FIRST = """
import os, resource, sys, time
def first(tracks):
    if len(tracks):
        scale = 2**20 if sys.platform == "darwin" else 2**10
        print(time.time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale, flush=True)
        os._exit(0)
"""
HEADLESS = f"""{_FIRST}
import rtdet
for result in rtdet.run("demo"):
    first(result.tracks)
"""
VIEWER = f"""{_FIRST}
from rtdet.ui.video_view import VideoView
paint = VideoView.paintEvent
def painted(self, event):
    paint(self, event)
    first(self.visible_tracks)
VideoView.paintEvent = painted
from rtdet.cli import main
main(["--source", "demo", "--show"])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    for name, code in (("without a window", HEADLESS), ("in the viewer", VIEWER)):
        first, later = [], []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as home:
                first.append(start(code, Path(home)))
                later.append(start(code, Path(home)))
        for which, starts in (("first", first), ("second", later)):
            seconds, megabytes = (statistics.median(values) for values in zip(*starts, strict=True))
            print(f"{name}, {which} start: {seconds:.2f} s, {megabytes:.0f} MB (medians of {rounds})")


def start(code: str, home: Path) -> tuple[float, float]:
    """Seconds and MB of one start, with caches and settings in `home`."""
    environment = {
        **os.environ, "RTDET_CACHE": str(home / "cache"), "XDG_CONFIG_HOME": str(home), "HOME": str(home),
    }  # fmt: skip
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        environment["QT_QPA_PLATFORM"] = "offscreen"
    begun = time.time()
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    seen, megabytes = map(float, done.stdout.split())
    return seen - begun, megabytes


if __name__ == "__main__":
    main()
