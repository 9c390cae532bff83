"""Capture, detection, tracking and output, each in a thread, connected by bounded buffers."""

from rtdet.pipeline.buffers import Policy
from rtdet.pipeline.pipeline import Pipeline
from rtdet.pipeline.shared_detector import SharedDetector
from rtdet.pipeline.stats import LiveStats, Stats

__all__ = ["LiveStats", "Pipeline", "Policy", "SharedDetector", "Stats"]
