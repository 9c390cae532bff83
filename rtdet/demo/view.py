"""The camera, the light, and the depths of the street."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtdet.demo.placed import Sun

# Depths in metres from the camera: kerbs, lanes, pavements.
NEAR_KERB, FAR_KERB, FACADE = 13.4, 24.6, 29.0
NEAR_LANE, FAR_LANE = 17.2, 21.4
NEAR_CYCLES, FAR_CYCLES = 14.6, 23.7


@dataclass(frozen=True)
class View:
    """A pinhole camera above the near pavement, looking straight across the street.

    A point `x` metres to the right and `depth` away has its foot at
    (width / 2 + x * ppm, horizon + eye * ppm), where ppm = focal / depth. `crossing` is the x of the zebra.
    """

    width: int
    height: int
    horizon: float
    focal: float
    eye: float
    crossing: float

    def ppm(self, depth: float) -> float:
        """Pixels per metre at that depth."""
        return self.focal / depth

    def foot(self, x: float, depth: float) -> tuple[float, float]:
        """Where a point of the ground is in the picture, in pixels."""
        scale = self.focal / depth
        return self.width / 2 + x * scale, self.horizon + self.eye * scale

    def half_width(self, depth: float) -> float:
        """Half of what the picture spans at that depth, in metres."""
        return self.width / 2 / self.ppm(depth)


def random_view(rng: np.random.Generator, width: int, height: int) -> View:
    """A camera at random; everything grows with the height of the picture."""
    focal = rng.uniform(1.14, 1.32) * height
    half = width / 2 / (focal / NEAR_LANE)
    horizon, eye = rng.uniform(0.25, 0.3) * height, rng.uniform(5.2, 5.8)
    return View(width, height, horizon, focal, eye, rng.uniform(-0.45, 0.45) * min(half, 12.0))


def random_light(rng: np.random.Generator) -> tuple[Sun, tuple[float, float, float]]:
    """(sun, tint): a clear day, a late hour or an overcast day; the tint is (b, g, r), each at most 1."""
    along = float(rng.choice([-1, 1])) * rng.uniform(0.35, 0.9)
    kind = rng.random()
    if kind < 0.6:
        return Sun(along, rng.uniform(0.16, 0.24), rng.uniform(0.34, 0.42)), (0.97, 0.99, 1.0)
    if kind < 0.8:
        return Sun(1.6 * along, rng.uniform(0.16, 0.2), 0.32), (0.76, 0.89, 1.0)
    return Sun(along, 0.2, 0.0), (0.86, 0.84, 0.82)
