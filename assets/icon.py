"""Draws assets/icon.png: someone walking, held by the corners of a box.

python assets/icon.py
"""

from __future__ import annotations

from math import cos, sin
from pathlib import Path

import cv2
import numpy as np

from rtdet.demo.canvas import Canvas, Color, Point, round_corners
from rtdet.types import Image

SIZE = 512
AMBER: Color = (60, 190, 255)
WHITE: Color = (248, 250, 250)


def draw_icon(size: int = SIZE) -> Image:
    """(size, size, 4) BGRA, straight alpha."""
    canvas = Canvas(-0.5, 0.5, 1.0, size, bottom=0.0)
    tile = round_corners([(-0.47, 0.03), (0.47, 0.03), (0.47, 0.97), (-0.47, 0.97)], 0.26, 32)
    canvas.shaded(tile, (110, 66, 34), 1.25, 0.62, 48)
    _draw_walker(canvas)
    _draw_corners(canvas, 0.3, 0.15, 0.87)
    premultiplied = canvas.sprite().bgra[2 : size + 2, 2 : size + 2].astype(np.float32)
    alpha = premultiplied[..., 3:]
    color = np.divide(
        premultiplied[..., :3] * 255, alpha, out=np.zeros_like(premultiplied[..., :3]), where=alpha > 0
    )
    return np.concatenate([color, alpha], axis=2).round().astype(np.uint8)


def _draw_corners(canvas: Canvas, half: float, low: float, high: float) -> None:
    arm, radius, width = 0.16, 0.055, 0.046
    turn = np.linspace(0, np.pi / 2, 12)
    for x, sx in ((-half, 1), (half, -1)):
        for y, sy in ((low, 1), (high, -1)):
            bend = [(x + sx * radius * (1 - cos(a)), y + sy * radius * (1 - sin(a))) for a in turn.tolist()]
            canvas.line([(x, y + sy * arm), *bend, (x + sx * arm, y)], width, AMBER)


def _joint(start: Point, length: float, angle: float) -> Point:
    return start[0] + length * sin(angle), start[1] - length * cos(angle)


def _draw_walker(canvas: Canvas) -> None:
    hip, shoulder = (-0.012, 0.475), (0.012, 0.655)
    far, near = (200, 170, 140), WHITE
    _draw_limb(canvas, shoulder, (0.75, 1.25), (0.105, 0.1), (0.056, 0.046), far)
    _draw_limb(canvas, hip, (-0.5, -0.85), (0.14, 0.14), (0.076, 0.056), far)
    _draw_limb(canvas, hip, (0.55, 0.2), (0.14, 0.14), (0.078, 0.058), near)
    canvas.limb(hip, shoulder, 0.08, 0.095, near)
    _draw_limb(
        canvas, (shoulder[0] - 0.012, shoulder[1] - 0.002), (-0.85, -0.3), (0.105, 0.1), (0.058, 0.046), near
    )
    canvas.ellipse((shoulder[0] + 0.022, shoulder[1] + 0.108), 0.056, 0.059, near)


def _draw_limb(
    canvas: Canvas, start: Point, angles: Point, lengths: Point, widths: Point, color: Color
) -> None:
    middle = _joint(start, lengths[0], angles[0])
    canvas.limb(start, middle, widths[0], (widths[0] + widths[1]) / 2, color)
    canvas.limb(middle, _joint(middle, lengths[1], angles[1]), (widths[0] + widths[1]) / 2, widths[1], color)


if __name__ == "__main__":
    cv2.imwrite(str(Path(__file__).with_name("icon.png")), draw_icon())
