from __future__ import annotations

import numpy as np
import pytest

from rtdet.training.augment import FILL, Augment, AugmentConfig, Labelled

PLAIN = AugmentConfig(hue=0, saturation=0, value=0, grey=0, blur=0, noise=0)


def _picture(colour=(0, 0, 255)):
    """A filled square on black, and its box."""
    image = np.zeros((120, 160, 3), np.uint8)
    image[30:90, 40:100] = colour
    return Labelled(image, np.array([[40.0, 30, 100, 90]]), np.array([2]), np.array([False]))


def _edges(mask):
    ys, xs = np.nonzero(mask)
    return [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]


@pytest.mark.parametrize("seed", range(12))
def test_boxes_stay_on_their_pixels_through_scale_shift_and_flip(seed):
    out = Augment((96, 96), PLAIN).single(_picture(), np.random.default_rng(seed))
    assert out.image.shape == (96, 96, 3)
    red = (out.image[..., 2] > 128) & (out.image[..., 1] < 60)
    assert out.labels.tolist() == [2]
    np.testing.assert_allclose(out.boxes[0], _edges(red), atol=2)


@pytest.mark.parametrize("seed", range(6))
def test_a_mosaic_shows_four_pictures_with_boxes_on_their_pixels(seed):
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    out = Augment((128, 96), PLAIN).mosaic([_picture(c) for c in colours], np.random.default_rng(seed))
    for box in out.boxes.round().astype(int):
        patch = out.image[box[1] + 2 : box[3] - 2, box[0] + 2 : box[2] - 2].reshape(-1, 3)
        assert not (patch == 0).all(axis=1).any()
        assert not (patch == FILL).all(axis=1).any()


def test_the_same_seed_gives_the_same_picture():
    first = Augment((64, 64)).single(_picture(), np.random.default_rng(5))
    second = Augment((64, 64)).single(_picture(), np.random.default_rng(5))
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.boxes, second.boxes)


def test_a_picture_without_objects_passes_through():
    empty = Labelled(
        np.zeros((50, 50, 3), np.uint8), np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0, bool)
    )
    out = Augment((64, 64)).mosaic([empty] * 4, np.random.default_rng(0))
    assert out.boxes.shape == (0, 4)
