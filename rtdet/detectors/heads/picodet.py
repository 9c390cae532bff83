"""PicoDet (Yu et al. 2021, arXiv:2111.00902), as Paddle exports it without its post-processing.

Input: RGB with ImageNet's mean and deviation, stretched. Four levels of strides 8 to 64, each with an output of
scores and one of distances, as distributions, from the middle of a cell.
"""

from __future__ import annotations

from rtdet.detectors.heads.distribution import DistributionHead, find_levels
from rtdet.detectors.heads.exporters import usual_input
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.head import Match

FORM = "(1, N, C) and (1, N, 4(R+1)) for each of four levels"


def recognize(graph: Graph) -> Match | None:
    """By scores and distributions for four levels, apart."""
    levels = find_levels(graph)
    if levels is None or len(graph.shapes) != 8:
        return None
    shape = graph.shapes[levels.scores[0]]
    classes = (shape[2] if len(shape) == 3 else shape[1]) or 0
    head = DistributionHead(
        input=usual_input(graph, "rgb", "imagenet", "stretch"), class_count=classes, levels=levels
    )
    return Match(head, 0.9, f"{classes} classes and distributions on four levels")
