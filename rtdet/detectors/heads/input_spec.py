"""How a picture becomes the numbers that a network takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from rtdet.backends.network import PixelInput, Triple
from rtdet.errors import UsageError
from rtdet.geometry.letterbox import Letterbox, letterbox, stretch
from rtdet.types import Image, Picture

Size = tuple[int, int]

COLORS = ("rgb", "bgr", "gray")
FITS = ("letterbox", "corner", "stretch")
# By name, (mean, std) in pixel values: a network gets (pixel - mean) / std.
RANGES: Mapping[str, tuple[Triple, Triple]] = {
    "0..255": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "0..1": ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
    "-1..1": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
    # Mean and deviation of ImageNet's pixels, red first, as torchvision and many others have them.
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
}


@dataclass(frozen=True)
class InputSpec:
    """The way from a picture to a network's input.

    color: rgb, bgr or gray.
    mean, std: the network gets (pixel - mean) / std, pixels from 0 to 255, in the order of `color`.
    fit: letterbox (aspect kept, in the middle), corner (aspect kept, at the top left) or stretch.
    fill: the grey of what a letterbox leaves free.
    """

    color: str = "rgb"
    mean: Triple = RANGES["0..1"][0]
    std: Triple = RANGES["0..1"][1]
    fit: str = "letterbox"
    fill: int = 114

    @classmethod
    def of(cls, color: str, values: str, fit: str, fill: int = 114) -> InputSpec:
        """A spec by the names of RANGES; ImageNet's mean and deviation in the order of `color`."""
        mean, std = RANGES[values]
        if color == "bgr":
            mean, std = (mean[2], mean[1], mean[0]), (std[2], std[1], std[0])
        return cls(color, mean, std, fit, fill)

    def pixels(self, index: int = 0, layout: str = "nchw", zero_point: int = 0) -> PixelInput:
        """The same for a network that is given pixels, without what belongs to the fit."""
        return PixelInput(index, self.color, self.mean, self.std, layout, zero_point)

    def __str__(self) -> str:
        """As `parse` takes it."""
        named = next((n for n in RANGES if InputSpec.of(self.color, n, self.fit, self.fill) == self), None)
        numbers = [f"{name}={'/'.join(f'{v:g}' for v in getattr(self, name))}" for name in ("mean", "std")]
        fill = [] if self.fill == 114 or self.fit == "stretch" else [f"fill={self.fill}"]
        return ",".join([self.color, *([named] if named else numbers), self.fit, *fill])


def parse_input(text: str, start: InputSpec) -> InputSpec:
    """`start`, overruled by what a text such as "rgb,0..1,letterbox" says: a colour order, a range of values (or
    mean= and std= with one number or three, a/b/c), a fit, fill=N. Raises UsageError for another word."""
    spec = start
    values = next((n for n in RANGES if InputSpec.of(start.color, n, start.fit, start.fill) == start), None)
    for word in (part.strip().lower() for part in text.split(",") if part.strip()):
        key, _, number = word.partition("=")
        if word in COLORS:
            spec = replace(spec, color=word)
        elif word in FITS:
            spec = replace(spec, fit=word)
        elif word in RANGES:
            values = word
        elif key in ("mean", "std") and (triple := _triple(number)) is not None:
            spec = replace(spec, mean=triple) if key == "mean" else replace(spec, std=triple)
            values = None
        elif key == "fill" and number.isdecimal() and int(number) <= 255:
            spec = replace(spec, fill=int(number))
        else:
            raise UsageError(
                f"--input {text}: {word!r} is none of {', '.join((*COLORS, *RANGES, *FITS))}, mean=R/G/B, std=R/G/B, "
                "fill=0 to 255"
            )
    if 0.0 in spec.std:
        raise UsageError(f"--input {text}: std cannot be 0")
    return spec if values is None else InputSpec.of(spec.color, values, spec.fit, spec.fill)


def _triple(text: str) -> Triple | None:
    try:
        numbers = [float(part) for part in text.split("/")]
    except ValueError:
        return None
    if len(numbers) not in (1, 3) or not np.isfinite(numbers).all():
        return None
    return (numbers[0], numbers[0], numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1], numbers[2])


def fit_picture(image: Image | Picture, size: Size, spec: InputSpec) -> tuple[Image, Letterbox]:
    """The picture, or (H, W, 3) BGR array, fitted into `size` (width, height), and the way back."""
    if spec.fit == "stretch":
        return stretch(image, size)
    return letterbox(image, size, fill=spec.fill, center=spec.fit == "letterbox")


def input_shape(layout: str, channels: int, size: Size) -> tuple[int, ...]:
    """The shape of an input of `size` (width, height), its axes in the order of `layout`: nchw, nhwc, chw or hwc."""
    sides = {"n": 1, "c": channels, "h": size[1], "w": size[0]}
    return tuple(sides[axis] for axis in layout)
