"""A worker whose model is a fake that sees bright things, and that meets what the name of a source says:

`python light_worker.py CORES`. A source called *segfault* or *abort* crashes it, one called *memory* takes ever more,
*hang* never gives a frame, *slow* takes half a second more; for one called *told* a line is added to `told.jsonl`
beside it: the GPUs that this process sees, and the process of the Ray node that it is on.
"""

from __future__ import annotations

import json
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
    height, width = image.shape[:2]
    left, right = (float(half.mean()) / 1024 for half in (image[:, : width // 2], image[:, width // 2 :]))
    boxes = np.array(
        [[left, 0.14, 0.23 + left, 0.62], [0.35, right, 0.5, 0.42 + right], [0.6, 0.28, 0.93, 0.83]]
    ) * (width, height, width, height)
    return Detections(boxes, [0.9, 0.8, 0.15], [0, 0, 0])


def _open(config):
    name = os.path.basename(config.source)
    if "segfault" in name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "abort" in name:
        os.abort()
    if "slow" in name:
        time.sleep(0.5)
    if "told" in name:
        known = {"gpu": os.environ.get("CUDA_VISIBLE_DEVICES"), "node": os.environ.get("RAY_RAYLET_PID")}
        with open(os.path.join(os.path.dirname(config.source), "told.jsonl"), "a") as file:
            file.write(json.dumps({"name": name, **known}) + "\n")
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
