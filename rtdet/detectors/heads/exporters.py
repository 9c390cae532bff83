"""What exporters note about a network beside its numbers: names of classes, the task."""

from __future__ import annotations

import re

from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.names import noted_class_names


def noted_names(graph: Graph) -> tuple[str, ...]:
    """The names of the classes that its exporter noted; () for none."""
    return noted_class_names(graph.path, graph.metadata)


def noted_task(graph: Graph) -> str:
    """What the exporter says it does ("detect", "pose", "obb", "segment", "classify"); "" where it does not."""
    return graph.metadata.get("task", "")


def noted_family(graph: Graph) -> str:
    """The name of a YOLO in the exporter's notes, as "yolov8" or "yolo11"; "" where there is none."""
    found = re.search(r"yolo(?:v?\d+)", graph.about)
    return found[0] if found else ""
