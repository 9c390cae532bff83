"""A worker whose model is a fake that sees bright things, and that meets what the name of a source says:

`python light_worker.py CORES`. A source called *segfault* crashes it, one called *memory* takes ever more, *hang*
never gives a frame; `seen.txt` beside a source gets a line each time that it is opened.
"""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np

from rtdet.batch import detectors, working
from rtdet.batch.worker import main
from rtdet.types import Detections
from tests.fake_detector import FakeDetector

_held = []


def _look(image):
    """Three boxes whose places tell the pictures of a film apart."""
    left, right = float(image[:, :128].mean()), float(image[:, 128:].mean())
    boxes = np.array(
        [[left / 4, 20, 60 + left / 4, 90], [90, right / 4, 130, 60 + right / 4], [150, 40, 240, 120]]
    )
    return Detections(boxes, [0.9, 0.8, 0.15], [0, 0, 0])


def _open(config):
    name = os.path.basename(config.source)
    if "segfault" in name:
        os.kill(os.getpid(), signal.SIGSEGV)
    while "memory" in name:
        _held.append(np.ones(40_000_000))
    while "hang" in name:
        time.sleep(1)
    return _real_open(config)


if __name__ == "__main__":
    _real_open = working.open_source_of
    working.open_source_of = _open
    detectors.build_detector = lambda config: FakeDetector(_look)
    main(int(sys.argv[1]))
