from __future__ import annotations

import pytest
import torch

from rtdet.detectors.ssd.loss import QualityLoss, Truth, giou, multibox_loss


def _numbers(positives):
    generator = torch.Generator().manual_seed(0)
    offsets, wanted = torch.randn(2, 30, 4, generator=generator), torch.randn(2, 30, 4, generator=generator)
    logits = torch.randn(2, 30, 3, generator=generator).requires_grad_()
    labels = torch.zeros(2, 30, dtype=torch.long)
    for picture, prior, label in positives:
        labels[picture, prior] = label
    return offsets, logits, wanted, labels


def test_multibox_loss_is_the_papers_sum_over_positives_and_three_hard_negatives():
    offsets, logits, wanted, labels = _numbers([(0, 3, 1), (0, 9, 2), (1, 4, 1)])
    total, confidence, location = multibox_loss(offsets, logits, wanted, labels, alpha=2.0)
    expected_conf = expected_loc = 0.0
    for picture in range(2):
        entropy = -logits[picture].log_softmax(1).gather(1, labels[picture][:, None])[:, 0]
        positive = labels[picture] > 0
        hard = entropy[~positive].sort(descending=True).values[: 3 * int(positive.sum())]
        expected_conf += entropy[positive].sum() + hard.sum()
        difference = (offsets[picture] - wanted[picture])[positive].abs()
        expected_loc += torch.where(difference < 1, 0.5 * difference**2, difference - 0.5).sum()
    torch.testing.assert_close(confidence, expected_conf / 3)
    torch.testing.assert_close(location, expected_loc / 3)
    torch.testing.assert_close(total, confidence + 2 * location)


def test_a_batch_without_objects_has_loss_0_and_finite_gradients():
    offsets, logits, wanted, labels = _numbers([])
    total, _, _ = multibox_loss(offsets, logits, wanted, labels)
    total.backward()
    assert total == 0
    assert torch.isfinite(logits.grad).all()


def test_giou_is_1_for_equal_boxes_and_negative_for_distant_ones():
    box = torch.tensor([[0.0, 0, 2, 2]])
    assert giou(box, box).item() == pytest.approx(1)
    assert giou(box, torch.tensor([[2.0, 0, 4, 2]])).item() == pytest.approx(0)
    assert giou(box, torch.tensor([[8.0, 0, 10, 2]])).item() == pytest.approx(-0.6)


PRIORS = torch.tensor([[8.0, 8, 16, 16], [24, 8, 16, 16], [40, 8, 16, 16]])


def _truth(boxes, labels, ignored=()):
    return Truth(
        torch.tensor(boxes).reshape(-1, 4),
        torch.tensor(labels, dtype=torch.long),
        torch.tensor(ignored).reshape(-1, 4),
    )


def test_the_quality_loss_pulls_scores_up_on_objects_and_down_elsewhere():
    offsets = torch.zeros(1, 3, 4, requires_grad=True)
    logits = torch.zeros(1, 3, 2, requires_grad=True)
    parts = QualityLoss()(offsets, logits, PRIORS, [_truth([0.0, 0, 16, 16], [1])])
    parts.total.backward()
    assert parts.positives == 1
    assert logits.grad[0, 0, 1] < 0
    assert (logits.grad[0, 1:] > 0).all()


def test_ignored_regions_are_neither_rewarded_nor_punished():
    logits = torch.zeros(1, 3, 2, requires_grad=True)
    truth = _truth([0.0, 0, 16, 16], [1], [16.0, 0, 32, 16])
    QualityLoss()(torch.zeros(1, 3, 4), logits, PRIORS, [truth]).total.backward()
    assert (logits.grad[0, 1] == 0).all()
    assert (logits.grad[0, 2] > 0).all()


def test_a_picture_without_objects_gives_a_finite_loss():
    logits = torch.zeros(2, 3, 2, requires_grad=True)
    parts = QualityLoss()(torch.zeros(2, 3, 4), logits, PRIORS, [_truth([], []), _truth([], [])])
    parts.total.backward()
    assert parts.positives == 0
    assert torch.isfinite(parts.total)
    assert torch.isfinite(logits.grad).all()
