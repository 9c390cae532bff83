from __future__ import annotations

import torch

from rtdet.detectors.ssd.matcher import JaccardMatcher, TaskAlignedMatcher, pairwise_iou
from rtdet.geometry.boxes import iou


def test_pairwise_iou_equals_the_numpy_one():
    generator = torch.Generator().manual_seed(1)
    corner = torch.rand(9, 2, generator=generator, dtype=torch.float64) * 50
    boxes = torch.cat([corner, corner + torch.rand(9, 2, generator=generator, dtype=torch.float64) * 40], 1)
    torch.testing.assert_close(
        pairwise_iou(boxes, boxes[:4]), torch.from_numpy(iou(boxes.numpy(), boxes[:4].numpy()))
    )


def test_the_lectures_table_of_7_priors_and_3_objects():
    table = torch.tensor(
        [
            [0.75, 0.07, 0],
            [0, 0, 0],
            [0.05, 0, 0],
            [0, 0.03, 0],
            [0.05, 0.88, 0.06],
            [0, 0.03, 0.65],
            [0, 0, 0.68],
        ]
    )
    matched, positive = JaccardMatcher(0.5).from_overlaps(table)
    assert matched.tolist() == [0, 0, 0, 1, 1, 2, 2]
    labels = [["dog", "dog", "cat"][m] if p else "background" for m, p in zip(matched, positive, strict=True)]
    assert labels == ["dog", "background", "background", "background", "dog", "cat", "cat"]


def test_every_truth_gets_its_best_prior_even_below_the_threshold():
    table = torch.tensor([[0.3, 0.2], [0.1, 0.1], [0.35, 0.34]])
    matched, positive = JaccardMatcher(0.5).from_overlaps(table)
    assert positive.tolist() == [True, False, True]
    assert matched[positive].tolist() == [1, 0]


def test_no_truth_gives_no_positive():
    _, positive = JaccardMatcher()(torch.rand(5, 4), torch.zeros(0, 4))
    assert not positive.any()


def _scene():
    centers = torch.tensor([[8.0, 8], [24, 8], [40, 8], [56, 8]])
    boxes = torch.cat([centers - 8, centers + 8], 1)[None]
    truths = torch.tensor([[[0.0, 0, 16, 16], [32, 0, 64, 16], [0, 0, 0, 0]]])
    labels = torch.tensor([[0, 1, 0]])
    real = torch.tensor([[True, True, False]])
    return centers, boxes, truths, labels, real


def test_task_aligned_positives_lie_in_their_truth_and_padding_gets_none():
    centers, boxes, truths, labels, real = _scene()
    found = TaskAlignedMatcher(top=2)(torch.full((1, 4, 2), 0.5), boxes, centers, truths, labels, real)
    assert found.positive.tolist() == [[True, False, True, True]]
    assert found.matched[0, 0] == 0
    assert found.matched[0, 2:].tolist() == [1, 1]


def test_the_best_prior_of_a_truth_aims_at_its_overlap():
    centers, boxes, truths, labels, real = _scene()
    scores = torch.full((1, 4, 2), 0.5)
    scores[0, 3, 1] = 0.9
    found = TaskAlignedMatcher(top=2)(scores, boxes, centers, truths, labels, real)
    torch.testing.assert_close(found.quality[0, 0], torch.tensor(1.0))
    torch.testing.assert_close(found.quality[0, 3], torch.tensor(0.5))
    assert 0 < found.quality[0, 2] < found.quality[0, 3]
    assert found.quality[0, 1] == 0


def test_truths_that_want_one_prior_are_served_by_falling_overlap_as_in_a_plain_loop():
    generator = torch.Generator().manual_seed(3)
    for _ in range(50):
        table = torch.rand(9, 6, generator=generator) * (torch.rand(9, 6, generator=generator) < 0.5)
        table[2] += 0.3 * (table[2] > 0)  # so that many want the third
        matched, positive = JaccardMatcher(0.8).from_overlaps(table)
        best = table.argmax(1).tolist()
        expected = {row: best[row] for row in range(9) if table[row].max() > 0.8}
        left = table.clone()
        while left.max() > 0:
            row, column = divmod(int(left.argmax()), 6)
            expected[row] = column
            left[row], left[:, column] = 0, 0
        assert {row: int(matched[row]) for row in positive.nonzero()[:, 0].tolist()} == expected


def test_a_truth_that_no_prior_touches_gets_none():
    _, positive = JaccardMatcher().from_overlaps(torch.tensor([[0.0, 0.3], [0.0, 0.1]]))
    assert positive.tolist() == [True, False]
