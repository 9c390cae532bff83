"""The families of heads, and which of them a network is of. To add one, write its module and give it a line here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rtdet.detectors.heads import (
    anchor_levels,
    anchor_maps,
    blazeface,
    boxes_and_scores,
    centernet,
    detection_output,
    detr,
    end_to_end,
    fastestdet,
    level_faces,
    nanodet,
    own,
    picodet,
    retinaface,
    rtdetr,
    ssd,
    tf_detection,
    torchvision_lists,
    yolov5,
    yolov8,
    yolov8_maps,
    yolox,
)
from rtdet.detectors.heads.graph import Graph, show_outputs
from rtdet.detectors.heads.head import Head, Match
from rtdet.detectors.heads.not_detectors import describe
from rtdet.errors import ModelError, UnknownNameError


@dataclass(frozen=True)
class Family:
    """A family of heads: how it is recognised, and the outputs that it has, for people."""

    recognize: Callable[[Graph], Match | None]
    form: str


# In the order in which they are asked; of two that are equally sure the first is taken.
HEADS: Mapping[str, Family] = {
    "rtdet": Family(own.recognize, own.FORM),
    "yolox": Family(yolox.recognize, yolox.FORM),
    "yolov5": Family(yolov5.recognize, yolov5.FORM),
    "yolov8": Family(yolov8.recognize, yolov8.FORM),
    "yolov8-maps": Family(yolov8_maps.recognize, yolov8_maps.FORM),
    "nanodet": Family(nanodet.recognize, nanodet.FORM),
    "picodet": Family(picodet.recognize, picodet.FORM),
    "fastestdet": Family(fastestdet.recognize, fastestdet.FORM),
    "yolov2": Family(anchor_maps.recognize_v2, anchor_maps.FORM_V2),
    "yolov3": Family(anchor_maps.recognize_v3, anchor_maps.FORM_V3),
    "yolov5-maps": Family(anchor_maps.recognize_v5, anchor_maps.FORM_V5),
    "boxes-and-scores": Family(boxes_and_scores.recognize, boxes_and_scores.FORM),
    "end-to-end": Family(end_to_end.recognize, end_to_end.FORM),
    "yolo-fastestv2": Family(fastestdet.recognize_v2, fastestdet.FORM_V2),
    "rtdetr": Family(rtdetr.recognize, rtdetr.FORM),
    "detr": Family(detr.recognize, detr.FORM),
    "tf-detection": Family(tf_detection.recognize, tf_detection.FORM),
    "torchvision": Family(torchvision_lists.recognize, torchvision_lists.FORM),
    "detection-output": Family(detection_output.recognize, detection_output.FORM),
    "anchors": Family(anchor_levels.recognize, anchor_levels.FORM),
    "ssd": Family(ssd.recognize, ssd.FORM),
    "retinaface": Family(retinaface.recognize, retinaface.FORM),
    "yunet": Family(level_faces.recognize_yunet, level_faces.FORM_YUNET),
    "scrfd": Family(level_faces.recognize_scrfd, level_faces.FORM_SCRFD),
    "blazeface": Family(blazeface.recognize, blazeface.FORM),
    "centernet": Family(centernet.recognize, centernet.FORM),
}


@dataclass(frozen=True)
class Recognized:
    """The family of a network, by its name in HEADS, with its head and why it was taken for one."""

    name: str
    head: Head
    reason: str


def recognize_head(graph: Graph, name: str | None = None) -> list[Recognized]:
    """The families that can decode a network, the surest first; with a `name`, that one. Raises UnknownNameError for
    a name that is not in HEADS, ModelError where none can."""
    if name is not None and name not in HEADS:
        raise UnknownNameError("head", name, HEADS)
    matches = [
        (family, match)
        for family in (HEADS if name is None else [name])
        if (match := HEADS[family].recognize(graph)) is not None
    ]
    if not matches:
        raise _unknown(graph, name)
    matches.sort(key=lambda one: -one[1].sureness)
    return [Recognized(family, match.head, match.reason) for family, match in matches]


def _unknown(graph: Graph, name: str | None) -> ModelError:
    outputs = show_outputs(graph.outputs)
    if name is not None:
        return ModelError(
            f"{graph.path} cannot be decoded as {name}: outputs {outputs}, expected {HEADS[name].form}"
        )
    if what := describe(graph):
        return ModelError(f"{graph.path} is {what}: it gives no boxes; outputs {outputs}")
    near = " or ".join(f"{family}: {HEADS[family].form}" for family in _nearest(graph))
    return ModelError(
        f"{graph.path} has outputs of no detector that rtdet knows: {outputs}; nearest: {near}; where it is one of "
        "them, name it by --head"
    )


def _nearest(graph: Graph) -> list[str]:
    """The families whose number of outputs, and of their axes, are most like a network's."""
    ranks = sorted(len(shape) for shape in graph.shapes)

    def distance(family: str) -> int:
        groups = re.findall(r"\([^()]*(?:\([^()]*\)[^()]*)*\)", HEADS[family].form)
        own = [group.count(",") + 1 for group in groups]
        return (
            min((abs(rank - one) for rank in ranks for one in own), default=9)
            + abs(len(own) - len(ranks)) // 2
        )

    return sorted(HEADS, key=distance)[:2]
