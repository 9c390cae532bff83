from __future__ import annotations

import cv2
import numpy as np
import pytest

from rtdet.geometry.letterbox import letterbox, resized, stretch, stretch_unrounded


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("size", [(640, 480), (481, 641), (33, 1000), (1, 1)])
def test_a_box_survives_the_way_in_and_out(size, center):
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    fitted, back = letterbox(image, (416, 256), center=center)
    assert fitted.shape == (256, 416, 3)
    box = np.array([[0.1 * width, 0.2 * height, 0.7 * width, 0.9 * height]])
    inside = box * (back.scale * 2) + back.offset * 2
    np.testing.assert_allclose(back.undo(inside), box, atol=1e-9)


def test_the_rest_is_grey_and_boxes_end_at_the_picture():
    fitted, back = letterbox(np.zeros((100, 100, 3), np.uint8), (200, 100))
    assert (fitted[:, 100:] == 114).all()
    assert back.undo(np.array([[-50.0, 0, 500, 100]])).tolist() == [[0, 0, 100, 100]]


def test_a_stretched_picture_fills_the_input_and_boxes_come_back_out_of_it():
    image = np.arange(4 * 8 * 3, dtype=np.uint8).reshape(4, 8, 3)
    fitted, back = stretch(image, (16, 16))
    assert fitted.shape == (16, 16, 3)
    assert fitted.dtype == np.uint8
    np.testing.assert_allclose(fitted[0, 0], image[0, 0])
    np.testing.assert_allclose(fitted[-1, -1], image[-1, -1])
    np.testing.assert_allclose(back.undo(np.array([[4.0, 4, 8, 20]])), [[2, 1, 4, 4]])


def test_a_stretched_picture_is_the_one_that_is_not_rounded_but_for_rounding():
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8), (5, 5), 0)
    for size in ((64, 64), (300, 200)):
        exact, back = stretch_unrounded(image, size)
        assert exact.dtype == np.float32
        assert back == stretch(image, size)[1]
        assert (exact % 1 > 0).any()
        assert np.abs(stretch(image, size)[0] - exact).max() <= 1


def test_key_points_come_back_too_also_from_outside_of_the_picture():
    _, back = letterbox(np.zeros((100, 200, 3), np.uint8), (100, 100), center=True)
    points = np.array([[[50.0, 50, 0.9], [-10, 25, 0.2]]])
    np.testing.assert_allclose(back.undo_points(points), [[[100, 50, 0.9], [-20, 0, 0.2]]])


class Lazy:
    """A types.Picture that says what it was asked for."""

    def __init__(self, image):
        self.image, self.asked = image, []
        self.size = (image.shape[1], image.shape[0])

    def bgr(self):
        self.asked.append("all")
        return self.image

    def scaled(self, size):
        self.asked.append(size)
        return cv2.resize(self.image, size, interpolation=cv2.INTER_LINEAR)

    shrunk = scaled


@pytest.mark.parametrize("center", [False, True])
def test_a_picture_fits_in_as_its_array_does_and_is_not_converted_whole(center):
    image = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    picture = Lazy(image)
    fitted, back = letterbox(picture, (64, 64), fill=7, center=center)
    expected, same = letterbox(image, (64, 64), fill=7, center=center)
    assert np.array_equal(fitted, expected)
    assert back == same
    assert picture.asked == [(64, 36)]
    np.testing.assert_array_equal(stretch(picture, (64, 64))[0], stretch(image, (64, 64))[0])
    np.testing.assert_array_equal(resized(picture, (160, 90)), image)
