"""What is painted on: the arrays that hold a picture's pixels, each with colours in its own way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from rtdet.types import FloatArray, Image
from rtdet.video.draw.colors import Color, ink_on
from rtdet.video.draw.lettering import label_mask

BLACK: Color = (0, 0, 0)
# From here on a mark is painted as if it were there for certain: nobody sees the difference.
OPAQUE = 0.98
# left, top, right, bottom, of which the last two are beyond.
Side = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Inks:
    """Colours as an array of pixels has them: matrix (C, 3) @ (red, green, blue) + offset (C,). Black is the same in
    all of its channels."""

    matrix: FloatArray
    offset: FloatArray

    def of(self, colors: FloatArray) -> FloatArray:
        """(N, C), not rounded, of (N, 3) red, green and blue."""
        return np.asarray(colors @ self.matrix.T + self.offset)


BGR = Inks(np.eye(3)[::-1], np.zeros(3))


def luma_and_chroma(red: float, blue: float) -> tuple[Inks, Inks]:
    """Of luma, and of both chroma values side by side, in the range of video (16 to 235). red, blue: their shares of
    luma, as ITU-R BT.601 (0.299, 0.114) and BT.709 (0.2126, 0.0722) define them."""
    luma = np.array([red, 1 - red - blue, blue])
    chroma = np.stack([([0, 0, 1] - luma) / (2 - 2 * blue), ([1, 0, 0] - luma) / (2 - 2 * red)])
    return (
        Inks(luma[None] * 219 / 255, np.array([16.0])),
        Inks(chroma * 224 / 255, np.array([128.0, 128.0])),
    )


@dataclass(frozen=True, eq=False)
class Layer:
    """One array of pixels.

    pixels: (H, W) or (H, W, C) uint8. halved: 1 for chroma of half the width and height, whose pixels are those of
    every second column and row of the picture, from the first on; else 0. Places and widths are in pixels of the
    picture.
    """

    pixels: Image
    inks: Inks
    halved: int = 0

    def shade(self, side: Side, color: Color, opacity: float, dash: tuple[int, int] | None) -> None:
        """Mixes a colour into an area, all along it or in dashes (length, gap)."""
        step = 1 << self.halved
        left, top, right, bottom = side if step == 1 else [(at + 1) >> 1 for at in side]
        x, y = left if left > 0 else 0, top if top > 0 else 0
        if right <= x or bottom <= y:
            return
        if dash is None and opacity >= OPAQUE:
            ink = _ink(self.inks, color)
            cv2.rectangle(self.pixels, (x, y), (right - 1, bottom - 1), ink, cv2.FILLED)
            return
        area = self.pixels[y:bottom, x:right]
        if not area.size:
            return
        if dash is None and color == BLACK:
            black = _ink(self.inks, color)[0] * opacity
            cv2.convertScaleAbs(area, dst=area, alpha=1 - opacity, beta=black)
            return
        mixed = _mixing(self.inks, color, round(opacity * 128))
        if dash is None:
            cv2.transform(area, mixed, dst=area)
            return
        is_wide = side[2] - side[0] >= side[3] - side[1]
        on = _dashes(dash, max(self.pixels.shape[:2]) * step + 256)
        rows, columns = area.shape[:2]
        begin = x * step - side[0] if is_wide else y * step - side[1]
        if is_wide:
            on = on[:rows, begin : begin + columns * step : step]
        else:
            on = on.T[begin : begin + rows * step : step, :columns]
        cv2.copyTo(cv2.transform(area, mixed), np.ascontiguousarray(on), area)

    def box(self, corners: Side, color: Color, line: int) -> None:
        """An opaque box whose lines are of this width, half of it outside of the corners."""
        half, wide, ink = line // 2, (line + self.halved) >> self.halved, _ink(self.inks, color)
        # The first column or row of each side: of chroma the next one.
        left, top, right, bottom = [(at - half + self.halved) >> self.halved for at in corners]
        for i in range(wide):  # one in the other: half as many calls as sides
            end = wide - 1 - i
            cv2.rectangle(self.pixels, (left + i, top + i), (right + end, bottom + end), ink)

    def line(self, corners: npt.NDArray[np.int32], color: Color, line: int, opacity: float) -> None:
        """A line through the corners (N, 2), in 1/16 pixel, mixed into the picture."""
        # OpenCV smooths no lines of two channels. These have about as much colour as smooth ones in all of the
        # picture, where two pixels cover more than three.
        shift, wide = 4 + self.halved, 1 + (line + 1) // 4 if self.halved else line
        if opacity >= OPAQUE:
            self._line(corners, color, wide, shift)
            return
        x, y, width, height = cv2.boundingRect(corners)
        left, top = max((x >> shift) - wide - 1, 0), max((y >> shift) - wide - 1, 0)
        right, bottom = ((x + width) >> shift) + wide + 3, ((y + height) >> shift) + wide + 3
        if right <= left or bottom <= top:
            return
        area = self.pixels[top:bottom, left:right]
        if not area.size:
            return
        before = area.copy()
        self._line(corners, color, wide, shift)
        cv2.addWeighted(area, opacity, before, 1 - opacity, 0, dst=area)

    def _line(self, corners: npt.NDArray[np.int32], color: Color, line: int, shift: int) -> None:
        cv2.polylines(self.pixels, [corners], False, _ink(self.inks, color), line, cv2.LINE_AA, shift=shift)

    def disc(self, x: int, y: int, radius: int, color: Color, line: int) -> None:
        """A circle around (x, y) in 1/16 pixel; `line` is its width, or cv2.FILLED."""
        shift = 4 + self.halved
        ink = _ink(self.inks, color)
        cv2.circle(self.pixels, (x, y), radius * 16, ink, line, cv2.LINE_AA, shift=shift)

    def words(
        self, words: tuple[str, ...], height: int, color: Color, at: tuple[int, int], opacity: float
    ) -> None:
        """A label with its corner at (x, y), which is inside the picture; cut where it is wider or higher."""
        (x, y), step = at, 1 << self.halved
        column, row = -(-x // step), -(-y // step)
        label = _label(self.inks, words, height, color, (row * step - y, column * step - x), step)
        label = label[: self.pixels.shape[0] - row, : self.pixels.shape[1] - column]
        ground = self.pixels[row : row + label.shape[0], column : column + label.shape[1]]
        if opacity >= OPAQUE:
            ground[:] = label
        else:
            cv2.addWeighted(label, opacity, ground, 1 - opacity, 0, dst=ground)


@lru_cache(maxsize=4096)
def _ink(inks: Inks, color: Color) -> tuple[int, ...]:
    return tuple(int(value) for value in inks.of(np.array([color]))[0].round().clip(0, 255))


@lru_cache(maxsize=16)
def _dashes(dash: tuple[int, int], length: int) -> Image:
    """(64, length) mask of dashes (length, gap), thick enough for every line."""
    on = (np.arange(length) % sum(dash)) < dash[0]
    mask: Image = np.tile(on.astype(np.uint8) * 255, (64, 1))
    return mask


@lru_cache(maxsize=2048)
def _mixing(inks: Inks, color: Color, parts: int) -> npt.NDArray[np.float32]:
    """(C, C + 1): the map of pixels, for `cv2.transform`, that mixes in `parts` of 128 of the colour. A call in place
    costs a fifth of the same in NumPy."""
    opacity = parts / 128
    ink = np.array(_ink(inks, color))
    return np.column_stack([np.eye(len(ink)) * (1 - opacity), ink * opacity]).astype(np.float32)


@lru_cache(maxsize=256)
def _label(
    inks: Inks, words: tuple[str, ...], height: int, color: Color, first: tuple[int, int], step: int
) -> Image:
    """The pixels of a label, from that in the row and column `first` on every step-th. Not to be written to."""
    mask = label_mask(words, height)[first[0] :: step, first[1] :: step]
    label: Image = _palette(inks, color).take(mask, axis=0)
    label.flags.writeable = False
    return label


@lru_cache(maxsize=1024)
def _palette(inks: Inks, ground: Color) -> Image:
    """(256, C), or (256,) of one channel: the colour for each coverage of a text mask, from the ground to its ink."""
    cover = np.arange(256)[:, None] / 255
    mix = inks.of(np.array(ground) * (1 - cover) + np.array(ink_on(ground)) * cover)
    palette: Image = np.round(mix).clip(0, 255).astype(np.uint8)
    return palette[:, 0] if palette.shape[1] == 1 else palette
