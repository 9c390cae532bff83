"""What a detector is worth: COCO's and VOC's average precision, curves, mistakes.

scores = evaluate(dataset, found)      # Detections for each of the data set's samples
scores.mean.ap50, scores.classes[0].ap
"""

from __future__ import annotations

from rtdet.evaluation.detection.scores import ClassScores, DetectionScores, evaluate

__all__ = ["ClassScores", "DetectionScores", "evaluate"]
