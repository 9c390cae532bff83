"""The numbers of the paper and of the lecture: maps, priors, formats."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rtdet.detectors.ssd.architectures import build_network
from rtdet.detectors.ssd.catalogue import new_config
from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.detectors.ssd.levels import even_scales, vgg_levels, vgg_sides
from rtdet.detectors.ssd.priors import make_priors
from rtdet.geometry.boxes import cxcywh_to_xyxy, xyxy_to_cxcywh

CLASSES = tuple(f"class{i}" for i in range(20))


def _maps(config):
    """The maps, offsets and logits of a network, of which torch works out the shapes and nothing else."""
    width, height = config.input_size
    with torch.device("meta"), torch.no_grad():
        model = build_network(config).eval()
        images = torch.zeros(1, 3, height, width)
        return model.feature_maps(images), *model(images)


def test_ssd300_has_the_maps_the_priors_and_the_outputs_of_the_paper():
    config = new_config("ssd300", CLASSES)
    maps, offsets, logits = _maps(config)
    assert [x.shape[1] for x in maps] == [512, 1024, 512, 256, 256, 256]
    assert [x.shape[2:] for x in maps] == [(n, n) for n in (38, 19, 10, 5, 3, 1)]
    assert [level.per_cell for level in config.levels] == [4, 6, 6, 6, 4, 4]
    counts = [len(make_priors([level], (300, 300))) for level in config.levels]
    assert counts == [5776, 2166, 600, 150, 36, 4]
    assert sum(counts) == len(make_priors(config.levels, (300, 300))) == 8732
    assert offsets.shape == (1, 8732, 4)
    assert logits.shape == (1, 8732, 21)


def test_with_three_classes_and_six_priors_a_map_has_18_score_channels():
    with torch.device("meta"):
        model = build_network(new_config("ssd300", ("cat", "dog")))
    assert model.score_heads[1].out_channels == 18
    assert model.box_heads[1].out_channels == 24


def test_ssd300s_priors_have_the_scales_and_ratios_of_the_lecture():
    levels = vgg_levels(300)
    scales = [level.scale / 300 for level in levels]
    np.testing.assert_allclose(scales, [0.1, 0.2, 0.375, 0.55, 0.725, 0.9])
    extra = [level.extra_scale / 300 for level in levels]
    np.testing.assert_allclose(extra, np.sqrt(np.multiply(scales, [*scales[1:], 1.0])))
    assert round(extra[3], 2) == 0.63
    for level in levels:
        six = level.per_cell == 6
        assert sorted(level.aspect_ratios) == sorted([1, 2, 1 / 2, 3, 1 / 3] if six else [1, 2, 1 / 2])


def test_a_prior_sits_in_the_middle_of_its_cell_and_is_never_larger_than_the_picture():
    priors = make_priors(vgg_levels(300), (300, 300)) / 300
    np.testing.assert_allclose(priors[0], [0.5 / 38, 0.5 / 38, 0.1, 0.1])
    np.testing.assert_allclose(priors[1, 2:], [0.1 * np.sqrt(2), 0.1 / np.sqrt(2)])
    # Three cells to the right in the second row, the second of its four priors.
    np.testing.assert_allclose(priors[4 * (38 + 3) + 1], [3.5 / 38, 1.5 / 38, *priors[1, 2:]])
    np.testing.assert_allclose(priors[3, 2:], np.sqrt(0.1 * 0.2))
    np.testing.assert_allclose(priors[-4], [0.5, 0.5, 0.9, 0.9])
    assert priors[:, 2:].max() == 1


def test_ssd512_has_a_map_more():
    config = new_config("ssd512", ("a",))
    maps, offsets, _ = _maps(config)
    assert [x.shape[2] for x in maps] == [64, 32, 16, 8, 4, 2, 1]
    assert [level.per_cell for level in config.levels] == [4, 6, 6, 6, 6, 4, 4]
    assert offsets.shape[1] == len(make_priors(config.levels, (512, 512))) == 24564


@pytest.mark.parametrize("side", [64, 65, 81, 100, 127, 299, 301, 421])
def test_ssd_on_vgg16_answers_for_each_prior_of_any_square_input(side):
    maps, offsets, _ = _maps(new_config("ssd300", ("a",), input_size=(side, side)))
    assert [x.shape[2] for x in maps] == vgg_sides(side)
    assert offsets.shape[1] == len(make_priors(vgg_levels(side), (side, side)))


def test_ssdlite320_has_six_priors_on_each_of_six_maps():
    config = new_config("ssdlite320", ("a",))
    maps, offsets, _ = _maps(config)
    assert [x.shape[2] for x in maps] == [20, 10, 5, 3, 2, 1]
    assert offsets.shape[1] == len(make_priors(config.levels, (320, 320))) == 3234


def test_scales_grow_evenly_with_the_number_of_maps():
    np.testing.assert_allclose(even_scales(6), [0.1, 0.2, 0.375, 0.55, 0.725, 0.9, 1])
    np.testing.assert_allclose(even_scales(3), [0.2, 0.55, 0.9, 1])
    np.testing.assert_allclose(even_scales(1), [0.2, 1])


def test_the_lectures_example_of_the_two_box_formats():
    """Boundary (640, 356, 870, 520) in pixels is centre-size (0.78, 0.8, 0.24, 0.30) of the picture."""
    size = np.array([968, 547, 968, 547])
    boundary = np.array([[640.0, 356, 870, 520]])
    centre_size = xyxy_to_cxcywh(boundary) / size
    np.testing.assert_array_equal(centre_size.round(2), [[0.78, 0.8, 0.24, 0.3]])
    np.testing.assert_allclose(cxcywh_to_xyxy(centre_size * size), boundary)


@pytest.mark.parametrize("side", [300, 512])
def test_a_truth_goes_through_the_coder_of_every_prior_and_back(side):
    priors = make_priors(vgg_levels(side), (side, side))
    truth = np.broadcast_to(np.array([0.4, 0.6, 0.3, 0.2]) * side, priors.shape)
    offsets = BoxCoder(0.1, 0.2).encode(truth, priors)
    np.testing.assert_allclose(offsets[:, :2], (truth - priors)[:, :2] / priors[:, 2:] / 0.1)
    np.testing.assert_allclose(BoxCoder().decode(offsets, priors), cxcywh_to_xyxy(truth))
