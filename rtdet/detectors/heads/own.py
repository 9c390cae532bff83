"""Files that `rtdet export` wrote: boxes (1, N, 4) xyxy in pixels and scores (1, N, C), and notes that say so."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from rtdet.backends.network import Outputs
from rtdet.detectors.family.config import FamilyConfig
from rtdet.detectors.family.export import NOTE
from rtdet.detectors.family.weights import config_of
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.head import Candidates, Head, Match
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.errors import ModelError

FORM = "boxes (1, N, 4) and scores (1, N, C), with rtdet's notes"


def recognize(graph: Graph) -> Match | None:
    """By the notes, which say which network it is."""
    if NOTE not in graph.metadata or len(graph.shapes) != 2:
        return None
    try:
        header = json.loads(graph.metadata[NOTE])
        config = config_of(header, graph.path)
    except (ValueError, AttributeError, ModelError):
        return None
    names = tuple(name for name in config.class_names if name)
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
