"""rtdet's own networks as graphs, which say by their notes what they are.

Files that `rtdet export` wrote give boxes (1, N, 4) xyxy in pixels and scores (1, N, C), or with NMS inside rows
(1, N, 6) of box, score and class. The graph of an SSD that
lies beside its weights, as the embedded model's, gives what the network itself does: offsets (1, P, 4) from its
priors and logits (1, P, C).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from rtdet.backends.graphs import Dimensions
from rtdet.backends.network import Outputs
from rtdet.detectors.family.config import DEFAULT_INPUT, FamilyConfig
from rtdet.detectors.family.export import NOTE
from rtdet.detectors.family.graph import WEIGHTS_KEY
from rtdet.detectors.family.weights import config_of
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.head import Candidates, Head, Match
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.detector import priors_of
from rtdet.detectors.ssd.postprocess import candidates
from rtdet.errors import ModelError
from rtdet.types import Thresholds

FORM = "boxes (1, N, 4) and scores (1, N, C), or offsets and logits, with rtdet's notes"


def recognize(graph: Graph) -> Match | None:
    """By the notes, which say which network it is."""
    if WEIGHTS_KEY in graph.metadata:
        return _raw_ssd(graph)
    if NOTE not in graph.metadata or len(graph.shapes) > 2:
        return None
    try:
        header = json.loads(graph.metadata[NOTE])
        config = config_of(header, graph.path)
    except (ValueError, AttributeError, ModelError):
        return None
    names = tuple(name for name in config.class_names if name)
    if len(graph.shapes) == 1:
        rows = RowsHead(
            input=InputSpec.of("bgr", "0..255", "stretch" if config.input_size else "corner"),
            class_count=len(names),
            class_names=names,
            gives_pixels=True,
            is_selected=True,
        )
        return Match(rows, 1.0, f"{config.architecture} with its NMS, by its notes")
    is_any_size = isinstance(config, FamilyConfig) and config.input_size is None
    head = OwnHead(
        input=InputSpec.of("bgr", "0..255", "stretch" if config.input_size else "corner"),
        class_count=len(names),
        class_names=names,
        follows_size=is_any_size,
        stride=config.multiple,
        gives_pixels=True,
        is_selected=isinstance(config, FamilyConfig) and config.suppression == "none",
        most_overlap=config.most_overlap if isinstance(config, FamilyConfig) else 1.0,
    )
    return Match(head, 1.0, f"{config.architecture}, by its notes")


def _raw_ssd(graph: Graph) -> Match | None:
    try:
        config = SSDConfig.from_dict(json.loads(graph.metadata["config"]))
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return None
    names = [port.name for port in graph.outputs]
    if sorted(names) != ["logits", "offsets"]:
        return None
    visible = tuple(name for name in config.class_names if name)
    head = RawSsdHead(
        input=InputSpec.of("bgr", "0..255", "stretch" if config.input_size else "corner"),
        class_count=len(visible),
        class_names=visible,
        follows_size=config.input_size is None,
        long_side=config.usual_side or DEFAULT_INPUT,
        stride=config.multiple,
        config=config,
        offsets=names.index("offsets"),
    )
    return (
        Match(head, 1.0, f"{config.architecture} without its decoding, by its notes")
        if head.fits(graph.shapes, graph.size)
        else None
    )


@dataclass(frozen=True, kw_only=True)
class RawSsdHead(Head):
    """offsets: which output has them; the other has the logits."""

    config: SSDConfig
    offsets: int

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        config = self.config
        rows, classes, scores = candidates(
            outputs[1 - self.offsets][0],
            Thresholds(least_score),
            config.class_names,
            background=config.background,
        )
        offsets = np.asarray(outputs[self.offsets][0][rows], dtype=np.float64)
        boxes = BoxCoder().decode(offsets, priors_of(config.levels, size)[rows])
        label_of = np.cumsum([name != "" for name in config.class_names]) - 1
        return Candidates(boxes, scores, np.asarray(label_of[classes], dtype=np.int64))

    def fits(self, shapes: tuple[Dimensions, ...], size: Size) -> bool:
        return shapes[self.offsets][1] == len(priors_of(self.config.levels, size))


@dataclass(frozen=True, kw_only=True)
class OwnHead(Head):
    """The rows of both outputs belong together."""

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        boxes, scores = outputs[0][0], outputs[1][0]
        labels = scores.argmax(1)
        best = scores[np.arange(len(scores)), labels]
        rows = np.flatnonzero(best >= least_score)
        return Candidates(
            boxes[rows].astype(np.float64), best[rows].astype(np.float64), labels[rows].astype(np.int64)
        )


@dataclass(frozen=True, kw_only=True)
class RowsHead(Head):
    """Rows of x1, y1, x2, y2, score and class, of zeros behind the last."""

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        rows = outputs[0][0]
        rows = rows[(rows[:, 4] >= least_score) & (rows[:, 4] > 0)].astype(np.float64)
        return Candidates(rows[:, :4], rows[:, 4], np.rint(rows[:, 5]).astype(np.int64))
