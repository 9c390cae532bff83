from __future__ import annotations

import numpy as np
import pytest

from rtdet.errors import UnknownNameError
from rtdet.training import color
from rtdet.training.augment import FILL, RECIPES, Augment, AugmentConfig, Labeled, open_recipe
from rtdet.training.mixing import cover, cut_mix, erase, paste_objects

PLAIN = AugmentConfig(color=color.PLAIN, erase=0)


def _picture(color=(0, 0, 255)):
    """A filled square on black, and its box."""
    image = np.zeros((120, 160, 3), np.uint8)
    image[30:90, 40:100] = color
    return Labeled(image, np.array([[40.0, 30, 100, 90]]), np.array([2]), np.array([False]))


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
    empty = Labeled(
        np.zeros((50, 50, 3), np.uint8), np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0, bool)
    )
    out = Augment((64, 64)).mosaic([empty] * 4, np.random.default_rng(0))
    assert out.boxes.shape == (0, 4)


def _count(picture, color):
    return (np.abs(picture.image.astype(int) - color).max(axis=-1) < 40).sum()


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_gives_pictures_of_the_input_size_that_follow_from_the_seed_alone(name):
    recipe = open_recipe(name, (96, 64))
    others = [_picture((0, 255, 0)), _picture((255, 0, 0))]
    for seed in range(8):
        made = [
            recipe.make(_picture(), iter(others * 4).__next__, np.random.default_rng(seed), plain=False)
            for _ in range(2)
        ]
        np.testing.assert_array_equal(made[0].image, made[1].image)
        np.testing.assert_array_equal(made[0].boxes, made[1].boxes)
        assert made[0].image.shape == (64, 96, 3)
        assert made[0].image.flags.c_contiguous
        assert len(made[0].boxes) == len(made[0].labels) == len(made[0].ignored) == len(made[0].scores)
        assert (made[0].boxes >= 0).all()
        assert (made[0].boxes <= [96, 64, 96, 64]).all()


@pytest.mark.parametrize("seed", range(8))
def test_ssds_own_augmentation_keeps_boxes_on_their_pixels(seed):
    made = open_recipe("ssd", (96, 96)).make(_picture(), _picture, np.random.default_rng(seed), plain=False)
    image = made.image.astype(int)
    # Hue, and which channel is which, may have changed: black and the canvas's grey stay without colour.
    coloured = np.ptp(image, axis=-1) > 60
    assert len(made.boxes) == 1
    np.testing.assert_allclose(made.boxes[0], _edges(coloured), atol=3)


def test_ssds_own_augmentation_leaves_the_generator_that_the_network_draws_from_alone():
    import torch

    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    open_recipe("ssd", (96, 96)).make(_picture(), _picture, np.random.default_rng(0), plain=False)
    torch.testing.assert_close(torch.rand(2), wanted, atol=0, rtol=0)


def test_a_recipe_that_nobody_knows_is_refused_with_the_nearest():
    with pytest.raises(UnknownNameError, match="yolo"):
        open_recipe("yolov4", (96, 96))


@pytest.mark.parametrize("seed", range(6))
def test_cutmix_shows_two_pictures_and_keeps_boxes_on_what_is_left_of_their_objects(seed):
    base, other = _picture((0, 0, 255)), _picture((0, 255, 0))
    made = cut_mix(base, other, np.random.default_rng(seed))
    shown = made.take(~made.ignored)
    for box in shown.boxes.round().astype(int):
        patch = made.image[box[1] + 2 : box[3] - 2, box[0] + 2 : box[2] - 2].reshape(-1, 3)
        assert (patch.max(axis=1) == 255).mean() > 0.5
    assert (made.image != base.image).any()


def test_a_box_covered_from_one_side_is_trimmed_and_one_covered_whole_is_dropped():
    half = cover(_picture(), (0, 0, 70, 120))
    assert half.boxes.tolist() == [[70, 30, 100, 90]]
    assert not half.ignored[0]
    assert cover(_picture(), (0, 0, 95, 120)).ignored.tolist() == [True]
    assert len(cover(_picture(), (0, 0, 160, 120)).boxes) == 0
    assert cover(_picture(), (50, 40, 60, 50)).boxes.tolist() == _picture().boxes.tolist()


def test_pasted_objects_are_where_their_boxes_say_and_hide_no_other_object():
    donor = _picture((0, 255, 0))
    for seed in range(10):
        made = paste_objects(_picture(), donor, np.random.default_rng(seed))
        assert made.boxes[0].tolist() == [40, 30, 100, 90] or len(made.boxes) == 1
        for box in made.boxes[1:].astype(int):
            center = made.image[(box[1] + box[3]) // 2, (box[0] + box[2]) // 2]
            assert center.tolist() == [0, 255, 0]


def test_erasing_hides_a_part_of_an_object_but_not_its_box():
    made = erase(_picture(), np.random.default_rng(0))
    assert 1200 < _count(made, (0, 0, 255)) < 3600
    assert made.boxes.tolist() == _picture().boxes.tolist()


def test_a_teachers_doubt_ignored_regions_and_what_may_be_missing_travel_along():
    first = Labeled(
        np.zeros((60, 60, 3), np.uint8), np.array([[10.0, 10, 50, 50]]), np.array([1]),
        np.array([True]), np.array([0.4]), frozenset({2}), "a.png",
    )  # fmt: skip
    second = Labeled(
        np.zeros((60, 60, 3), np.uint8), np.array([[10.0, 10, 50, 50]]), np.array([0]),
        np.array([False]), np.array([0.7]), frozenset({5}), "b.png",
    )  # fmt: skip
    config = AugmentConfig(mosaic_zoom=(0.5, 0.5))
    made = Augment((128, 128), config).mosaic([first, second, first, second], np.random.default_rng(0))
    assert made.incomplete == {2, 5}
    assert "a.png" in made.name
    assert "b.png" in made.name
    assert sorted(zip(made.labels.tolist(), made.ignored.tolist(), made.scores.tolist(), strict=True)) == [
        (0, False, 0.7), (0, False, 0.7), (1, True, 0.4), (1, True, 0.4),
    ]  # fmt: skip


@pytest.mark.parametrize("change", ["gray", "blur", "jpeg", "noise"])
def test_each_change_of_colour_keeps_the_size_and_changes_the_pixels(change):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (33, 47, 3)).astype(np.uint8)
    config = color.ColorConfig(
        0, 0, 0, 0, **{**dict.fromkeys(("gray", "blur", "jpeg", "noise"), 0), change: 1}
    )
    for _ in range(12):
        made = color.recolor(image, config, rng)
        assert made.shape == image.shape
        assert made.dtype == np.uint8
        assert (made != image).any()


def test_ten_thousand_boxes_pass_through_every_recipe():
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 200, (10_000, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 50, (10_000, 2))], axis=1)
    crowd = Labeled(
        np.zeros((256, 256, 3), np.uint8), boxes, np.zeros(10_000, np.int64), np.zeros(10_000, bool)
    )
    for name in RECIPES:
        made = open_recipe(name, (96, 96)).make(crowd, lambda: crowd, np.random.default_rng(1), plain=False)
        assert made.image.shape == (96, 96, 3)
