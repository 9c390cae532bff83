"""Pictures of coloured shapes, one each, in class folders."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

COLORS = {"circle": (30, 30, 220), "square": (40, 200, 40), "bar": (220, 80, 30)}


def draw_shape(name: str, rng: np.random.Generator, side: int = 64) -> np.ndarray:
    """One of COLORS, anywhere on a grey ground."""
    picture = np.full((side, side, 3), int(rng.integers(60, 140)), np.uint8)
    x, y = (int(v) for v in rng.integers(side // 3, 2 * side // 3, 2))
    radius, color = int(rng.integers(side // 6, side // 4)), COLORS.get(name, (200, 200, 200))
    if name == "circle":
        cv2.circle(picture, (x, y), radius, color, -1)
    elif name == "square":
        cv2.rectangle(picture, (x - radius, y - radius), (x + radius, y + radius), color, -1)
    else:
        cv2.rectangle(
            picture, (x - 2 * radius, y - radius // 3), (x + 2 * radius, y + radius // 3), color, -1
        )
    return picture


def write_shapes(folder: Path, count: int, names: tuple[str, ...] = tuple(COLORS), seed: int = 0) -> Path:
    """`count` pictures in a folder for each name."""
    rng = np.random.default_rng(seed)
    for name in names:
        (folder / name).mkdir(parents=True)
        for i in range(count):
            cv2.imwrite(str(folder / name / f"{i}.png"), draw_shape(name, rng))
    return folder
