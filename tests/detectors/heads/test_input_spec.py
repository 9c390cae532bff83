from __future__ import annotations

import cv2
import numpy as np
import pytest

from rtdet.backends.pixels import as_input
from rtdet.detectors.heads.input_spec import (
    COLORS,
    FITS,
    RANGES,
    InputSpec,
    fit_picture,
    input_shape,
    parse_input,
)
from rtdet.errors import UsageError

START = InputSpec.of("rgb", "0..1", "letterbox")


@pytest.mark.parametrize("color", ["rgb", "bgr"])
@pytest.mark.parametrize("values", RANGES)
@pytest.mark.parametrize("fit", FITS)
def test_a_spec_is_printed_as_it_is_parsed(color: str, values: str, fit: str) -> None:
    spec = InputSpec.of(color, values, fit)
    assert str(spec) == f"{color},{values},{fit}"
    assert parse_input(str(spec), START) == spec
    odd = parse_input("mean=1/2/3,std=4,fill=0", spec)
    assert (odd.mean, odd.std, odd.fill, odd.fit) == ((1, 2, 3), (4, 4, 4), 0, fit)
    if fit != "stretch":
        assert parse_input(str(odd), START) == odd


def test_what_is_not_named_stays_and_a_new_order_of_colors_turns_the_mean_around() -> None:
    imagenet = InputSpec.of("rgb", "imagenet", "stretch")
    assert parse_input("bgr", imagenet) == InputSpec.of("bgr", "imagenet", "stretch")
    assert parse_input("corner", START) == InputSpec.of("rgb", "0..1", "corner")
    assert parse_input("", START) == START


@pytest.mark.parametrize(
    "text", ["rbg", "0-255", "mean=a", "mean=1/2", "fill=300", "std=0", "std=nan", "rgb,,x"]
)
def test_another_word_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="--input"):
        parse_input(text, START)


def test_pixels_become_the_numbers_that_the_spec_says() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    for color in COLORS[:2]:
        for values in RANGES:
            spec = InputSpec.of(color, values, "stretch")
            ordered = picture[..., ::-1] if color == "rgb" else picture
            expected = (ordered.astype(np.float64) - spec.mean) / spec.std
            values = as_input(picture, spec.pixels())
            np.testing.assert_allclose(values[0], expected.transpose(2, 0, 1), atol=1e-4)
    gray = as_input(picture, InputSpec.of("gray", "0..1", "stretch").pixels())
    np.testing.assert_allclose(gray[0, 0], cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) / 255, atol=1e-6)


@pytest.mark.parametrize("fit", FITS)
def test_what_is_in_the_picture_is_found_again_through_the_way_back(fit: str) -> None:
    picture = np.zeros((90, 160, 3), np.uint8)
    picture[30:60, 40:120] = 255
    fitted, back = fit_picture(picture, (64, 64), InputSpec.of("rgb", "0..1", fit))
    assert fitted.shape == (64, 64, 3)
    rows, columns = np.nonzero(fitted[..., 0] > 200)
    box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], dtype=np.float64)
    np.testing.assert_allclose(back.undo(box), [[40, 30, 120, 60]], atol=2.6)


@pytest.mark.parametrize("layout", ["nchw", "nhwc", "chw", "hwc"])
def test_each_layout_has_the_axes_of_its_name(layout: str) -> None:
    pixels, picture = START.pixels(layout=layout), np.zeros((20, 30, 3), np.uint8)
    shape = input_shape(layout, 3, (30, 20))
    assert as_input(picture, pixels).shape == shape
    assert pixels.picture_shape(shape) == (1, 20, 30, 3)
