"""How people look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtdet.demo.canvas import Color, shade

# fmt: off
_SKIN: list[Color] = [
    (180, 205, 240), (150, 185, 228), (120, 160, 208), (85, 125, 175), (60, 90, 138), (45, 62, 98),
]
_HAIR: list[Color] = [
    (25, 25, 30), (30, 42, 60), (40, 70, 105), (85, 140, 180), (120, 175, 205), (150, 150, 155),
]
_TOPS: list[Color] = [
    (50, 50, 190), (160, 80, 40), (70, 130, 60), (40, 170, 220), (190, 190, 195), (50, 48, 45),
    (140, 60, 120), (60, 120, 225), (170, 150, 60), (95, 65, 60), (235, 232, 228),
    (150, 120, 210), (110, 150, 90), (205, 150, 80), (90, 75, 160), (60, 60, 62),
]
_BOTTOMS: list[Color] = [
    (95, 60, 40), (130, 90, 60), (45, 42, 40), (70, 70, 72), (110, 140, 165), (60, 75, 95), (150, 145, 140),
    (60, 45, 70),
]
# fmt: on


@dataclass(frozen=True)
class Person:
    """How someone looks; `height` in metres, `build` times the usual width."""

    height: float
    build: float
    skin: Color
    hair: Color
    top: Color
    bottom: Color
    shoes: Color
    clothes: str
    hair_style: str
    bag: str
    bag_color: Color
    helmet: Color

    @property
    def sleeve_ends(self) -> bool:
        """Whether forearms and shins are bare."""
        return self.clothes in ("dress", "shorts")


def random_person(rng: np.random.Generator) -> Person:
    """Someone at random; children now and then."""

    def pick(colors: list[Color]) -> Color:
        return shade(colors[rng.integers(len(colors))], rng.uniform(0.85, 1.12))

    is_child = rng.random() < 0.08
    tone = int(rng.integers(len(_SKIN)))
    return Person(
        height=rng.uniform(1.15, 1.4) if is_child else rng.uniform(1.56, 1.92),
        build=rng.uniform(0.92, 1.25),
        skin=_SKIN[tone],
        # Fair hair seldom goes with dark skin.
        hair=pick(_HAIR if tone < 3 else _HAIR[:2]),
        top=pick(_TOPS),
        bottom=pick(_BOTTOMS),
        shoes=(40, 38, 36) if rng.random() < 0.6 else (225, 225, 228),
        clothes=str(rng.choice(["trousers", "trousers", "trousers", "coat", "dress", "shorts"])),
        hair_style=str(rng.choice(["short", "short", "long", "bun", "cap"])),
        bag=str(rng.choice(["none", "none", "backpack", "shoulder", "hand"])),
        bag_color=pick(_TOPS + _BOTTOMS),
        helmet=pick(_TOPS),
    )
