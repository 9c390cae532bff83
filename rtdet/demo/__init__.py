"""A rendered street scene with exact ground truth: the first thing to see, the oracle of the tests, and pictures to
train on. `video/sources/demo.py` plays it."""

from __future__ import annotations

from rtdet.demo.scene import DemoScene
from rtdet.demo.traffic import CLASS_NAMES

__all__ = ["CLASS_NAMES", "DemoScene"]
