from __future__ import annotations

import numpy as np
import pytest
import torch

from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.module import rows_of
from rtdet.detectors.ssd.network import SSD
from rtdet.detectors.ssd.priors import PriorLevel, make_priors
from rtdet.geometry.boxes import xyxy_to_cxcywh


def test_priors_are_laid_out_row_by_row_with_the_priors_of_a_cell_together():
    levels = [PriorLevel(16, 20.0, (1.0, 4.0), extra_scale=30.0)]
    priors = make_priors(levels, (48, 32))
    assert priors.shape == (3 * 2 * 3, 4)
    np.testing.assert_allclose(priors[:3], [[8, 8, 20, 20], [8, 8, 40, 10], [8, 8, 30, 30]])
    np.testing.assert_allclose(priors[3, :2], [24, 8])
    np.testing.assert_allclose(priors[9, :2], [8, 24])


@pytest.mark.parametrize("size", [(320, 320), (416, 256), (64, 64), (416, 416)])
def test_the_network_answers_for_each_prior(size):
    config = SSDConfig(class_names=("a", "b"), widths=(8, 8, 8, 8, 8), depths=(1, 1, 1), neck=8)
    with torch.no_grad():
        offsets, logits = SSD(config).eval()(torch.zeros(2, 3, size[1], size[0]))
    count = len(make_priors(config.levels, size))
    assert offsets.shape == (2, count, 4)
    assert logits.shape == (2, count, 2)


def test_several_priors_of_a_cell_keep_their_order_through_the_heads():
    level = PriorLevel(8, 16.0, (1.0, 2.0))
    config = SSDConfig(
        ("a",), (8, 8, 8, 8, 8), (1, 1, 1), 8, (level, PriorLevel(16, 32.0), PriorLevel(32, 64.0))
    )
    x = torch.arange(2 * 3 * 4 * 5.0).reshape(1, 8, 3, 5)  # 2 priors of 4 values on a 3x5 map
    rows = rows_of(x, 4)
    assert rows.shape == (1, 30, 4)
    np.testing.assert_array_equal(rows[0, 1], x[0, 4:, 0, 0])
    np.testing.assert_array_equal(rows[0, 2], x[0, :4, 0, 1])
    assert SSDConfig.from_dict(config.as_dict()) == config


def test_offsets_follow_the_paper():
    prior = np.array([[100.0, 100, 50, 50]])
    offsets = BoxCoder().encode(np.array([[105.0, 90, 100, 25]]), prior)
    np.testing.assert_allclose(offsets, [[1, -2, np.log(2) / 0.2, -np.log(2) / 0.2]])


def test_encoding_and_decoding_are_inverse_in_numpy_and_in_torch():
    rng = np.random.default_rng(0)
    priors = np.concatenate([rng.uniform(0, 300, (50, 2)), rng.uniform(8, 128, (50, 2))], axis=1)
    boxes = np.concatenate([rng.uniform(0, 300, (50, 2)), rng.uniform(2, 300, (50, 2))], axis=1)
    coder = BoxCoder()
    np.testing.assert_allclose(xyxy_to_cxcywh(coder.decode(coder.encode(boxes, priors), priors)), boxes)
    offsets = coder.encode_tensor(torch.from_numpy(boxes), torch.from_numpy(priors))
    np.testing.assert_allclose(offsets, coder.encode(boxes, priors))
    decoded = coder.decode_tensor(offsets, torch.from_numpy(priors))
    np.testing.assert_allclose(decoded, coder.decode(offsets.numpy(), priors))


def test_wild_offsets_do_not_overflow():
    boxes = BoxCoder().decode(np.array([[0.0, 0, 1e9, 1e9]]), np.array([[10.0, 10, 16, 16]]))
    assert np.isfinite(boxes).all()
