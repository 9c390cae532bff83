"""RT-DETR, D-FINE, DEIM and their kin in their deployed form: (images, orig_target_sizes) to labels, boxes, scores.

Zhao et al. 2023 (arXiv:2304.08069), Peng et al. 2024 (arXiv:2410.13842), Huang et al. 2024 (arXiv:2412.04234). Input:
RGB, 0 to 1, stretched; networks upon DINOv3 take ImageNet's mean and deviation, which a run tells. The second
input is the width and height that boxes are to be for: the input's own here. There is no NMS: one query, one
object.
"""

from __future__ import annotations

from rtdet.detectors.heads.exporters import noted_names
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.head import Match
from rtdet.detectors.heads.input_spec import InputSpec
from rtdet.detectors.heads.label_set import usual_labels
from rtdet.detectors.heads.lists import ListsHead, count_of_classes, find_lists

FORM = "labels (1, N), boxes (1, N, 4) and scores (1, N) of (images, orig_target_sizes)"


def recognize(graph: Graph) -> Match | None:
    """By lists of labels, boxes and scores, and a second input of two numbers."""
    at = find_lists(graph.outputs)
    further = [port for i, port in enumerate(graph.inputs) if i != graph.picture]
    if (
        at is None
        or len(graph.outputs) > 4
        or len(further) != 1
        or further[0].shape not in ((1, 2), (None, 2))
    ):
        return None
    named = len(noted_names(graph))
    labels = usual_labels(count_of_classes(graph, at.scores) or named or 80, named)
    head = ListsHead(
        input=InputSpec.of("rgb", "0..1", "stretch"),
        alternatives=(InputSpec.of("rgb", "imagenet", "stretch"),),
        class_count=labels.count,
        class_names=labels.names,
        at=at,
        label_set=labels,
        size_inputs=(further[0].name,),
        ignored=", ".join(at.others),
    )
    return Match(head, 0.95, "labels, boxes and scores, and an input for the picture's size")
