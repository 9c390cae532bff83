"""torchvision's detectors in their own export, and others that list boxes, labels and scores: NMS is inside.

Boxes (N, 4) are left, top, right, bottom in pixels of the input; labels count from 1, by COCO's ids where the
network has 91 columns. Input: RGB from 0 to 1, of any size: the network normalises and resizes by itself. ONNX's
model zoo has relatives (Faster and Mask R-CNN, SSD) with BGR or ImageNet's mean, and boxes in fractions; a run tells.
"""

from __future__ import annotations

from rtdet.detectors.heads.exporters import noted_names
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.head import Match
from rtdet.detectors.heads.input_spec import InputSpec
from rtdet.detectors.heads.label_set import LabelSet, numbered_from_one
from rtdet.detectors.heads.lists import ListsHead, count_of_classes, find_lists

FORM = "boxes (N, 4), labels (N,) and scores (N,)"

# Caffe's means of ImageNet, blue first, as Detectron's networks take them off.
_CAFFE = (102.9801, 115.9465, 122.7717)


def recognize(graph: Graph) -> Match | None:
    """By three lists, maybe with masks or key points beside them, and no other input."""
    at = find_lists(graph.outputs)
    if at is None or at.count is not None or len(graph.inputs) != 1 or len(graph.outputs) > 5:
        return None
    if not at.doubtful and "int" not in graph.outputs[at.labels].dtype:
        return None
    labels = _labels(graph, at.scores)
    fit = "corner" if graph.layout in ("chw", "nchw") else "stretch"
    head = ListsHead(
        input=InputSpec.of("rgb", "0..1", fit),
        alternatives=(
            InputSpec("bgr", _CAFFE, (1.0, 1.0, 1.0), fit),
            InputSpec.of("rgb", "imagenet", "stretch"),
        ),
        class_count=labels.count,
        class_names=labels.names,
        at=at,
        label_set=labels,
        follows_size=not graph.has_own_size,
        ignored=_shown(graph, at.others),
    )
    # Exports with their NMS inside (end_to_end.py) look alike, but keep the axis of the batch.
    is_typical = (
        len(graph.shapes[at.boxes]) == 2 or count_of_classes(graph, at.scores, ("Softmax",)) is not None
    )
    return Match(head, 0.93 if is_typical else 0.4, "boxes, labels and scores")


def _labels(graph: Graph, scores: int) -> LabelSet:
    """The columns before NMS count the background, too."""
    named = len(noted_names(graph))
    columns = count_of_classes(graph, scores)
    return numbered_from_one(named or (columns - 1 if columns else 90), named)


def _shown(graph: Graph, others: tuple[str, ...]) -> str:
    shapes = {port.name: port.shape for port in graph.outputs}
    if any(len(shapes[name]) == 4 for name in others):
        return "masks"
    return "key points" if any(len(shapes[name]) == 3 for name in others) else ""
