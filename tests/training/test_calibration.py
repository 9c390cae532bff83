from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from rtdet.datasets import Sample
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.network import SSD
from rtdet.training.calibration import fit_platt, fold_in, is_right
from rtdet.types import Detections


def test_a_detection_is_right_once_for_each_object_of_its_class():
    truths = np.array([[0.0, 0, 10, 10], [50, 50, 60, 60]])
    truth = Sample(Path("a.png"), (100, 100), truths, np.array([0, 1]), np.array([False, True]))
    boxes = [[0, 0, 10, 10], [1, 0, 10, 10], [0, 0, 10, 10], [50, 50, 60, 60], [80, 80, 90, 90]]
    found = Detections(boxes, [0.6, 0.9, 0.5, 0.9, 0.9], [0, 0, 1, 1, 0])
    assert is_right(found, truth).tolist() == [False, True, False, False, False]


def test_platt_scaling_recovers_how_often_detections_are_right():
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 2, 20_000)
    right = rng.random(20_000) < 1 / (1 + np.exp(-(0.7 * logit - 1.5)))
    scale, shift = fit_platt(1 / (1 + np.exp(-logit)), right)
    assert scale == pytest.approx(0.7, abs=0.05)
    assert shift == pytest.approx(-1.5, abs=0.05)


@pytest.mark.parametrize("outcome", [True, False])
def test_it_stays_finite_when_all_are_right_or_none_is(outcome):
    assert np.isfinite(fit_platt(np.linspace(0.1, 0.9, 20), np.full(20, outcome))).all()
    with pytest.raises(ValueError):
        fit_platt(np.zeros(0), np.zeros(0, bool))


def test_folding_in_changes_every_logit_and_no_offset():
    torch.manual_seed(0)
    model = SSD(SSDConfig(("a", "b"), (8, 8, 8, 8, 8), (1, 1, 1), 8)).eval()
    images = torch.rand(1, 3, 64, 64) * 255
    with torch.no_grad():
        offsets, logits = model(images)
        fold_in(model, 0.5, -1.0)
        after = model(images)
    torch.testing.assert_close(after[0], offsets)
    torch.testing.assert_close(after[1], 0.5 * logits - 1)
    with pytest.raises(ValueError):
        fold_in(model, -1.0, 0.0)
