"""The end of a training: calibration of the scores, the final measurement, the card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rtdet.detectors.family.weights import load_weights, save_weights
from rtdet.evaluation import DetectionScores
from rtdet.training.calibration import fit_by_class, fit_platt, fold_in, pooled
from rtdet.training.card import Confidence, choose_confidence, write_card
from rtdet.training.validation import Validation


@dataclass(frozen=True)
class Result:
    """scores: of OUT/model.safetensors. platt: (scale, shift) that fit the logits of all classes, towards which those
    of each class were drawn; None: they were left as they were."""

    scores: DetectionScores
    confidence: Confidence | None
    platt: tuple[float, float] | None


def finish(folder: Path, validation: Validation, texts: Mapping[str, str], *, calibrate: bool) -> Result:
    """Calibrates `folder`/model.safetensors on the validation's pictures, which must not have been trained on,
    measures it and writes card.toml. Scores that are no sigmoid of one number, and a model that finds nothing, stay
    as they are.
    """
    path = folder / "model.safetensors"
    model = load_weights(path)
    found = validation.detect(model)
    platt = None
    scores, right, labels = pooled(found, validation.dataset.samples)
    if calibrate and model.can_be_calibrated and len(scores):
        scale, shift = fit_platt(scores, right)
        # Below that, detections are right at random: there is nothing to be learnt from their scores.
        if scale > 0.1:
            platt = (scale, shift)
            model = model.cpu()
            by_class = fit_by_class(scores, right, labels, len(model.config.class_names))
            # A class of which only chance detections were seen keeps the order of its scores.
            fold_in(model, by_class[:, 0].clip(min=0.1), by_class[:, 1])
            save_weights(model, path)
            found = validation.detect(load_weights(path))
    measured = validation.evaluate(found)
    confidence = choose_confidence(validation.dataset, found)
    said = dict(texts)
    if platt is not None:
        count = len(validation.dataset)
        said["calibration"] = (
            f"Platt scaling of each class on {count} pictures, around logit * {platt[0]:.3f} {platt[1]:+.3f}"
        )
    kind = "ssd" if model.config.family == "ssd" else "family"
    write_card(folder, model.config.class_names, said, measured, confidence, kind)
    return Result(measured, confidence, platt)
