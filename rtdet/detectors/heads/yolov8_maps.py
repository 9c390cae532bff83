"""YOLOv8, v9, 11 and 12 without their decoding, as accelerators want them: distances and class scores by level.

Input: RGB, 0 to 1, letterboxed. Outputs: (1, 64+C, H, W) for each of the strides 8, 16, 32, or (1, 64, H, W) and
(1, C, H, W) apart; 64 numbers are four distributions over 0 to 15 strides, from the middle of a cell.
"""

from __future__ import annotations

from rtdet.detectors.heads.distribution import DistributionHead, find_levels
from rtdet.detectors.heads.exporters import usual_input
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.head import Match

FORM = "(1, 64+C, H, W), or (1, 64, H, W) and (1, C, H, W), for each of three levels"


def recognize(graph: Graph) -> Match | None:
    """By maps of 64 numbers of a box and classes for three levels."""
    levels = find_levels(graph)
    if levels is None or len(graph.shapes) == 1 or any(len(shape) != 4 for shape in graph.shapes):
        return None
    if levels.distance_columns != slice(0, 64) and graph.shapes[levels.distances[0]][1] != 64:
        return None
    width = graph.shapes[levels.scores[0]][1] or 0
    classes = len(range(width)[levels.score_columns])
    head = DistributionHead(
        input=usual_input(graph, "rgb", "0..1", "letterbox"),
        class_count=classes,
        levels=levels,
        follows_size=True,
    )
    return Match(head, 0.92, f"64 numbers of a box and {classes} classes on maps of three levels")
