"""Computes what a viewer would have shown, by replaying detections as late as a detector would have returned them.

Every frame is judged at its own time (streaming accuracy: Li, Wang and Ramanan 2020, arXiv 2005.10420).
"""

from rtdet.evaluation.streaming.latency import Latency, read_latency
from rtdet.evaluation.streaming.replay import SHOW, replay

__all__ = ["SHOW", "Latency", "read_latency", "replay"]
