"""The room for measuring: detection (VOC, COCO), tracking (HOTA, CLEAR MOT, IDF1) and, in `streaming`, what is shown.

scores = evaluate(dataset, found)      # every figure of COCO and VOC, per class and mean
scores.mean.ap50, scores.classes[0].ap

scores = score_tracks(TrackRows(frames, ids, boxes), TrackRows(...))      # the truth, the tracks
scores.hota, scores.mota, scores.idf1

Names load when first used: who measures tracks needs no pictures.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtdet.evaluation.detection import ClassScores as ClassScores
    from rtdet.evaluation.detection import DetectionScores as DetectionScores
    from rtdet.evaluation.detection import evaluate as evaluate
    from rtdet.evaluation.tracking import TrackingScores as TrackingScores
    from rtdet.evaluation.tracking import TrackRows as TrackRows
    from rtdet.evaluation.tracking import TruthRows as TruthRows
    from rtdet.evaluation.tracking import combined as combined
    from rtdet.evaluation.tracking import score_tracks as score_tracks

_HOMES = {
    **dict.fromkeys(["ClassScores", "DetectionScores", "evaluate"], "rtdet.evaluation.detection"),
    **dict.fromkeys(
        ["TrackRows", "TrackingScores", "TruthRows", "combined", "score_tracks"], "rtdet.evaluation.tracking"
    ),
}

__all__ = [  # noqa: RUF022
    "evaluate", "DetectionScores", "ClassScores",
    "score_tracks", "TrackRows", "TruthRows", "TrackingScores", "combined",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rtdet.evaluation' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
