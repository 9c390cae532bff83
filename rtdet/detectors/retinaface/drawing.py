"""A drawn face, which every detector of faces takes for one."""

from __future__ import annotations

import cv2
import numpy as np

from rtdet.types import FloatArray, Image

SKIN, SHADE, HAIR = (150, 180, 225), (130, 160, 207), (30, 35, 50)
# Ellipses in hundredths of the picture of a head: centre, half axes, colour (BGR). Later ones lie on top.
_UNDER = (((0, 110), (90, 60), (90, 60, 40)), ((0, -12), (58, 70), HAIR), ((0, 58), (22, 24), SHADE))
_FACE = (
    ((0, 0), (48, 62), SKIN), ((0, -52), (46, 20), HAIR),
    ((-19, -12), (9, 4.5), (240, 240, 240)), ((19, -12), (9, 4.5), (240, 240, 240)),
    ((-19, -12), (4.5, 4.5), (40, 30, 20)), ((19, -12), (4.5, 4.5), (40, 30, 20)),
    ((-19, -24), (12, 2.5), (40, 45, 60)), ((19, -24), (12, 2.5), (40, 45, 60)),
    ((0, 10), (7, 14), SHADE), ((-4, 20), (2.5, 1.5), (80, 100, 150)), ((4, 20), (2.5, 1.5), (80, 100, 150)),
    ((0, 37), (17, 5), (100, 100, 190)), ((0, 36), (14, 1.2), (60, 50, 110)),
)  # fmt: skip


def draw_face(side: int, picture: int = 640) -> tuple[Image, FloatArray]:
    """A picture (picture, picture, 3) BGR with a face in its middle, about `side` pixels high, and its box (4,) xyxy,
    from the brows to the chin."""
    image: Image = np.full((picture, picture, 3), (150, 140, 130), np.uint8)
    middle, scale = picture / 2, side / 100
    for (x, y), (across, down), color in (*_UNDER, *_FACE):
        center = (round(middle + x * scale), round(middle + y * scale))
        axes = (max(1, round(across * scale)), max(1, round(down * scale)))
        cv2.ellipse(image, center, axes, 0, 0, 360, color, cv2.FILLED, cv2.LINE_AA)
    soft = np.asarray(cv2.GaussianBlur(image, (0, 0), max(0.6, side / 60)), dtype=np.uint8)
    return soft, middle + scale * np.array([-48.0, -45.0, 48.0, 62.0])
