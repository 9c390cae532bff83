"""NanoDet and NanoDet-Plus (github.com/RangiLyu/nanodet): scores and distributions of distances by level.

Input: BGR with ImageNet's mean and deviation, letterboxed. NanoDet has three levels, each with an output of scores
and one of distances, from the middle of a cell; NanoDet-Plus, whose pictures are stretched, four in one output, from
a cell's corner.
"""

from __future__ import annotations

from rtdet.detectors.heads.distribution import DistributionHead, find_levels
from rtdet.detectors.heads.exporters import usual_input
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.head import Match

FORM = "(1, N, C) and (1, N, 4(R+1)) for each of three levels, or (1, A, C+4(R+1))"


def recognize(graph: Graph) -> Match | None:
    """By scores and distributions for three levels, or for all levels in one output."""
    levels = find_levels(graph)
    if levels is None or levels.distance_columns == slice(0, 64):
        return None
    in_one = len(graph.shapes) == 1
    columns = graph.shapes[levels.scores[0]]
    width = (columns[2] if len(columns) == 3 else columns[1]) or 0
    classes = len(range(width)[levels.score_columns])
    is_plus = in_one and len(levels.strides) == 4
    head = DistributionHead(
        input=usual_input(graph, "bgr", "imagenet", "stretch" if is_plus else "letterbox"),
        class_count=classes,
        levels=levels,
        reference=0.0 if is_plus else 0.5,
        follows_size=True,
    )
    if (
        in_one
    ):  # YOLOX and YOLOv8 have such shapes, too, unless the numbers of a box are those of a distribution
        return Match(
            head, 0.95 if classes == 80 else 0.3, f"{classes} classes and a distribution in each row"
        )
    sureness = 0.9 if len(levels.strides) == 3 else 0.5
    return Match(head, sureness, f"{classes} classes and distributions on {len(levels.strides)} levels")
