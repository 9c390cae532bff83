from __future__ import annotations

import math

import pytest
import torch

from rtdet.detectors.ssd.loss import MultiboxLoss, QualityLoss, Truth, giou, multibox_loss


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


def test_an_old_truth_of_three_parts_is_sure_and_complete():
    truth = _truth([0.0, 0, 16, 16], [1])
    assert truth.scores.tolist() == [1]
    assert len(truth.incomplete) == 0
    assert Truth(*(part.clone() for part in truth)).scores.tolist() == [1]


def test_a_teachers_score_scales_what_the_quality_loss_asks_for():
    sure, unsure = _truth([0.0, 0, 16, 16], [1]), _truth([0.0, 0, 16, 16], [1])
    unsure = unsure._replace(scores=torch.tensor([0.5]))
    logits = torch.full((1, 3, 2), -20.0)
    for truth, wanted in ((sure, 1.0), (unsure, 0.5)):
        logits[0, 0, 1] = torch.logit(torch.tensor(wanted), eps=1e-6)
        row = logits.clone().requires_grad_()
        QualityLoss()(torch.zeros(1, 3, 4), row, PRIORS, [truth]).total.backward()
        assert row.grad[0, 0, 1].abs() < 1e-5


def test_incomplete_classes_are_not_punished_by_the_quality_loss_at_negatives():
    logits = torch.zeros(1, 3, 2, requires_grad=True)
    truth = _truth([0.0, 0, 16, 16], [1])._replace(incomplete=torch.tensor([True, False]))
    QualityLoss()(torch.zeros(1, 3, 4), logits, PRIORS, [truth]).total.backward()
    assert (logits.grad[0, 1:, 0] == 0).all()
    assert (logits.grad[0, 1:, 1] > 0).all()
    assert logits.grad[0, 0, 0] > 0


def test_the_multibox_objective_matches_encodes_and_sums_as_the_paper_does():
    generator = torch.Generator().manual_seed(0)
    offsets = torch.randn(1, 3, 4, generator=generator)
    logits = torch.randn(1, 3, 3, generator=generator)
    parts = MultiboxLoss()(offsets, logits, PRIORS, [_truth([1.0, 0, 17, 16], [1])])
    assert parts.positives == 1
    wanted = torch.tensor([1 / 16 / 0.1, 0, 0, 0])  # the box is the first prior, a pixel to the right
    difference = (offsets[0, 0] - wanted).abs()
    location = torch.where(difference < 1, 0.5 * difference**2, difference - 0.5).sum()
    chances = logits[0].log_softmax(1)
    torch.testing.assert_close(parts.box, location)
    torch.testing.assert_close(parts.score, -(chances[0, 2] + chances[1, 0] + chances[2, 0]))
    torch.testing.assert_close(parts.total, parts.box + parts.score)


def _mined(truth, logits):
    row = logits.clone().requires_grad_()
    MultiboxLoss()(torch.zeros(1, 3, 4), row, PRIORS, [truth]).total.backward()
    return (row.grad[0] != 0).any(1).tolist()


def test_negatives_in_ignored_regions_or_of_an_incomplete_class_are_not_mined():
    logits = torch.tensor([[[0.0, 0, 1], [0, 2, 1], [0, 1, 2]]])
    truth = _truth([0.0, 0, 16, 16], [1])
    assert _mined(truth, logits) == [True, True, True]
    assert _mined(truth._replace(incomplete=torch.tensor([True, False])), logits) == [True, False, True]
    ignored = _truth([0.0, 0, 16, 16], [1], [32.0, 0, 48, 16])
    assert _mined(ignored, logits) == [True, True, False]


def test_an_unsure_teacher_weighs_less_in_the_multibox_objective():
    logits, offsets = torch.zeros(1, 3, 3), torch.ones(1, 3, 4)
    truth = _truth([0.0, 0, 16, 16], [1])
    sure = MultiboxLoss()(offsets, logits, PRIORS, [truth])
    half = MultiboxLoss()(offsets, logits, PRIORS, [truth._replace(scores=torch.tensor([0.5]))])
    torch.testing.assert_close(half.box, sure.box / 2)
    entropy = torch.log(torch.tensor(3.0))
    torch.testing.assert_close(sure.score - half.score, entropy / 2)


def test_pictures_without_objects_give_the_multibox_objective_no_nan():
    logits = torch.zeros(2, 3, 3, requires_grad=True)
    parts = MultiboxLoss()(torch.zeros(2, 3, 4), logits, PRIORS, [_truth([], []), _truth([], [])])
    parts.total.backward()
    assert (float(parts.total.detach()), parts.positives) == (0, 0)
    assert torch.isfinite(logits.grad).all()
    degenerate = MultiboxLoss()(torch.zeros(1, 3, 4), logits[:1], PRIORS, [_truth([4.0, 4, 4, 9], [0])])
    assert torch.isfinite(degenerate.total)


@pytest.mark.parametrize("objective", [QualityLoss(), MultiboxLoss()])
def test_of_thousands_of_objects_the_largest_count_and_the_rest_is_ignored(objective):
    corner = torch.rand(5000, 2) * 30
    boxes = torch.cat([corner, corner + 1 + 5 * torch.rand(5000, 1)], 1)
    truth = _truth([], [])._replace(
        boxes=boxes, labels=torch.zeros(5000, dtype=torch.long), scores=torch.ones(5000)
    )
    parts = objective(torch.zeros(1, 3, 4), torch.zeros(1, 3, 2), PRIORS, [truth])
    assert torch.isfinite(parts.total)
    assert 0 < parts.positives <= 3


def _plain_multibox_loss(offsets, logits, priors, truths):
    """The paper's text, one prior after the other, in Python's own numbers."""
    positives, confidence, location = 0, 0.0, 0.0
    for picture, truth in enumerate(truths):
        labels, boxes = [0] * len(priors), {}
        overlaps = [[_overlap(prior, box) for box in truth.boxes.tolist()] for prior in priors.tolist()]
        for prior, row in enumerate(overlaps):
            if max(row) > 0.5:
                labels[prior], boxes[prior] = _label_and_box(truth, row.index(max(row)))
        pairs = [(value, p, g) for p, row in enumerate(overlaps) for g, value in enumerate(row)]
        taken, served = set(), set()
        for value, prior, truth_index in sorted(pairs, reverse=True):
            if value > 0 and prior not in taken and truth_index not in served:
                labels[prior], boxes[prior] = _label_and_box(truth, truth_index)
                taken.add(prior)
                served.add(truth_index)
        entropies = []
        for row, label in zip(logits[picture].tolist(), labels, strict=True):
            entropies.append(math.log(sum(math.exp(value) for value in row)) - row[label])
        hard = sorted((e for e, label in zip(entropies, labels, strict=True) if not label), reverse=True)
        confidence += sum(e for e, label in zip(entropies, labels, strict=True) if label)
        confidence += sum(hard[: 3 * len(boxes)])
        for prior, box in boxes.items():
            for got, wanted in zip(
                offsets[picture, prior].tolist(), _offsets(box, priors[prior]), strict=True
            ):
                distance = abs(got - wanted)
                location += distance**2 / 2 if distance < 1 else distance - 0.5
        positives += len(boxes)
    return (confidence + location) / positives, positives


def _label_and_box(truth, index):
    return int(truth.labels[index]) + 1, truth.boxes[index].tolist()


def _overlap(prior, box):
    x, y, width, height = prior
    wide = max(0, min(x + width / 2, box[2]) - max(x - width / 2, box[0]))
    high = max(0, min(y + height / 2, box[3]) - max(y - height / 2, box[1]))
    area = (box[2] - box[0]) * (box[3] - box[1])
    return wide * high / (width * height + area - wide * high)


def _offsets(box, prior):
    x, y, width, height = prior.tolist()
    left, top, right, bottom = box
    return [
        ((left + right) / 2 - x) / width / 0.1,
        ((top + bottom) / 2 - y) / height / 0.1,
        math.log((right - left) / width) / 0.2,
        math.log((bottom - top) / height) / 0.2,
    ]


def test_the_multibox_objective_equals_a_plain_loop_on_crowded_pictures():
    generator = torch.Generator().manual_seed(5)
    priors = torch.cat([torch.rand(60, 2, generator=generator) * 90, torch.full((60, 2), 20.0)], 1)
    priors[:, 2:] += 20 * torch.rand(60, 2, generator=generator)
    truths = []
    for count in (1, 3, 9):
        corner = torch.rand(count, 2, generator=generator) * 60
        boxes = torch.cat([corner, corner + 15 + 20 * torch.rand(count, 2, generator=generator)], 1)
        truths.append(Truth(boxes, torch.randint(0, 4, (count,), generator=generator), torch.zeros(0, 4)))
    offsets = torch.randn(3, 60, 4, generator=generator)
    logits = torch.randn(3, 60, 5, generator=generator) * 2
    total, positives = _plain_multibox_loss(offsets, logits, priors, truths)
    parts = MultiboxLoss()(offsets, logits, priors, truths)
    assert parts.positives == positives
    assert float(parts.total) == pytest.approx(total, rel=1e-5)
