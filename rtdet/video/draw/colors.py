"""The colour of a track, and of text on it. (r, g, b), 0 to 255."""

from __future__ import annotations

import math
from functools import lru_cache

Color = tuple[int, int, int]


@lru_cache(maxsize=4096)
def color_of(track_id: int) -> Color:
    """(r, g, b) of an ID, always the same. Neighbouring IDs are far apart in hue (golden ratio) and also
    differ in lightness, so that they can be told apart without seeing hue. IDs below 1 (no tracker) are
    coloured too: pass minus the label.

    Colours are chosen in OKLCH (Ottosson 2020), where equal lightness looks equally light.
    """
    hue = 2 * math.pi * ((track_id * 0.6180339887498949 + 0.08) % 1.0)
    lightness = (0.70, 0.82, 0.60)[track_id % 3]
    chroma = 0.18
    while True:
        linear = _oklch_to_linear_rgb(lightness, chroma, hue)
        if chroma < 0.02 or all(-1e-3 <= c <= 1.001 for c in linear):
            break
        chroma -= 0.005
    red, green, blue = (round(255 * _gamma(min(1.0, max(0.0, c)))) for c in linear)
    return red, green, blue


def _oklch_to_linear_rgb(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _gamma(linear: float) -> float:
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


@lru_cache(maxsize=512)
def ink_on(ground: Color) -> Color:
    """Black or white, whichever stands out more by WCAG's contrast, which is then at least 4.5."""
    return (0, 0, 0) if _luminance(ground) > 0.179 else (255, 255, 255)


def _luminance(color: Color) -> float:
    """Relative luminance as WCAG 2 defines it, 0 to 1."""
    red, green, blue = ((c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4) for c in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
