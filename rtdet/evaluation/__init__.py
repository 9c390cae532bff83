"""The room for measuring: detection (VOC, COCO). Tracking and streaming accuracy are to follow.

scores = evaluate(dataset, found)      # every figure of COCO and VOC, per class and mean
scores.mean.ap50, scores.classes[0].ap
"""

from __future__ import annotations

from rtdet.evaluation.detection import ClassScores, DetectionScores, evaluate

__all__ = ["ClassScores", "DetectionScores", "evaluate"]
