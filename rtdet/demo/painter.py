"""Drawing on the picture of the street: walls that face us and areas of the ground, in metres."""

from __future__ import annotations

import cv2
import numpy as np

from rtdet.demo.canvas import Color
from rtdet.demo.view import FACADE, View


class Painter:
    """Draws twice as large as the picture, so that it can be averaged down.

    `margin` (x, y) is how many pixels more than the picture are painted on each side.
    """

    def __init__(self, view: View, margin: tuple[int, int]) -> None:
        self.view, self.margin, self.scale = view, margin, 2
        self.size = (view.width + 2 * margin[0], view.height + 2 * margin[1])
        self.image = np.zeros((self.size[1] * self.scale, self.size[0] * self.scale, 3), dtype=np.uint8)
        self.reach = view.half_width(FACADE) * (self.size[0] / view.width) + 2

    def point(self, x: float, depth: float, up: float = 0.0) -> tuple[float, float]:
        """Pixels of the painted picture."""
        px, py = self.view.foot(x, depth)
        return px + self.margin[0], py - up * self.view.ppm(depth) + self.margin[1]

    def fill(self, points: list[tuple[float, float]], color: Color) -> None:
        xy = np.rint((np.asarray(points) * self.scale - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(self.image, [xy], color, cv2.LINE_AA, 4)

    def wall(self, x0: float, x1: float, y0: float, y1: float, color: Color, depth: float = FACADE) -> None:
        """An upright rectangle that faces us."""
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        self.fill([self.point(x, depth, y) for x, y in corners], color)

    def ground(self, x0: float, x1: float, near: float, far: float, color: Color) -> None:
        """A rectangle that lies on the ground."""
        corners = [(x0, near), (x1, near), (x1, far), (x0, far)]
        self.fill([self.point(x, depth) for x, depth in corners], color)

    def blob(self, x: float, depth: float, up: float, rx: float, ry: float, color: Color) -> None:
        """An ellipse that faces us."""
        cx, cy = self.point(x, depth, up)
        k = self.view.ppm(depth) * self.scale * 16
        center = (round((cx * self.scale - 0.5) * 16), round((cy * self.scale - 0.5) * 16))
        cv2.ellipse(self.image, center, (round(rx * k), round(ry * k)), 0, 0, 360, color, -1, cv2.LINE_AA, 4)
