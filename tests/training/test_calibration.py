from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from rtdet.datasets import Sample
from rtdet.detectors.family.network import rescale_layer
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.network import SSD
from rtdet.training.calibration import fit_by_class, fit_platt, fold_in, is_right, pooled
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


def test_a_class_is_calibrated_by_itself_as_far_as_it_was_seen_and_like_all_others_where_not():
    rng = np.random.default_rng(0)
    logit, labels = rng.normal(-1, 2, 20_000), rng.integers(0, 2, 20_000)
    right = rng.random(20_000) < 1 / (1 + np.exp(-(logit + np.where(labels, 1.0, -1.0))))
    scores = 1 / (1 + np.exp(-logit))
    common = fit_platt(scores, right)
    fitted = fit_by_class(scores, right, labels, 3)
    assert fitted[:2, 1] == pytest.approx([-1, 1], abs=0.15)
    assert fitted[2] == pytest.approx(common)
    few = np.flatnonzero(labels == 1)[:5]
    rows = np.concatenate([few, np.flatnonzero(labels == 0)])
    drawn = fit_by_class(scores[rows], right[rows], labels[rows], 2)
    assert drawn[0, 1] - 0.1 < drawn[1, 1] < 0.7, "five detections move it by less than what they say"


def test_a_class_of_which_all_are_right_or_none_is_stays_finite():
    scores, right = np.linspace(0.1, 0.9, 40), np.repeat([True, False], 20)
    fitted = fit_by_class(scores, right, np.repeat([0, 1], 20), 2)
    assert np.isfinite(fitted).all()
    assert fitted[0, 1] > fitted[1, 1]


def test_each_class_can_be_folded_in_by_itself():
    torch.manual_seed(0)
    model = SSD(SSDConfig(("a", "b"), (8, 8, 8, 8, 8), (1, 1, 1), 8)).eval()
    images = torch.rand(1, 3, 64, 64) * 255
    with torch.no_grad():
        before = model(images)[1]
        fold_in(model, np.array([0.5, 2.0]), np.array([-1.0, 3.0]))
        after = model(images)[1]
    torch.testing.assert_close(after, before * torch.tensor([0.5, 2.0]) + torch.tensor([-1.0, 3.0]))
    with pytest.raises(ValueError):
        fold_in(model, np.array([1.0, 0.0]), np.zeros(2))


def test_the_classes_of_all_anchors_of_a_cell_are_folded_in():
    torch.manual_seed(0)
    layer, x = nn.Conv2d(4, 2 * 3, 1), torch.rand(1, 4, 2, 2)
    scale, shift = torch.tensor([0.5, 1.0, 2.0]), torch.tensor([1.0, 0.0, -1.0])
    with torch.no_grad():
        before = layer(x).view(2, 3, 2, 2)
        rescale_layer(layer, 3, scale, shift)
        torch.testing.assert_close(
            layer(x).view(2, 3, 2, 2), before * scale.view(3, 1, 1) + shift.view(3, 1, 1)
        )
        rescale_layer(layer, 3, 2.0, 0.5)


def test_classes_that_share_a_softmax_have_one_scale():
    model = SSD(SSDConfig(("a", "b"), (8, 8, 8, 8, 8), (1, 1, 1), 8, background=True)).eval()
    with pytest.raises(ValueError, match="softmax"):
        fold_in(model, np.ones(2), np.zeros(2))


def test_what_is_pooled_keeps_the_class_of_each_detection():
    truth = Sample(Path("a.png"), (100, 100), [[0, 0, 10, 10]], [1], [False], incomplete=frozenset({0}))
    found = Detections([[0, 0, 10, 10], [0, 0, 9, 10], [50, 50, 60, 60]], [0.9, 0.8, 0.7], [1, 0, 1])
    scores, right, labels = pooled([found], [truth])
    assert (scores.tolist(), right.tolist(), labels.tolist()) == ([0.9, 0.7], [True, False], [1, 1])
