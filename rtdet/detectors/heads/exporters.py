"""What exporters note about a network beside its numbers: names of classes, the task."""

from __future__ import annotations

import re

from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.input_spec import InputSpec
from rtdet.detectors.names import noted_class_names


def usual_input(graph: Graph, color: str, values: str, fit: str) -> InputSpec:
    """What a family's networks take, by the names of `InputSpec.of`, unless this one scales pixels by itself."""
    return InputSpec.of(color, "0..255" if graph.takes_pixels else values, fit)


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


def mask_prototypes(graph: Graph) -> int:
    """How many prototypes of masks the network gives beside its boxes; 0 for none."""
    sides = (graph.size[1] // 4, graph.size[0] // 4)
    for shape in graph.shapes:
        if len(shape) == 4 and shape[0] == 1 and sides in (shape[2:], shape[1:3]):
            return (shape[1] if shape[2:] == sides else shape[3]) or 0
    return 0
