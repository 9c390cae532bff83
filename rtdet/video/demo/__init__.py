"""A rendered street scene with exact ground truth: the first thing to see, and the oracle of the tests."""

from __future__ import annotations

from rtdet.video.demo.scene import DemoScene
from rtdet.video.demo.source import DemoSource
from rtdet.video.demo.traffic import CLASS_NAMES

__all__ = ["CLASS_NAMES", "DemoScene", "DemoSource"]
