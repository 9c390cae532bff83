"""The sizes that a network's input may be set to, and what they cost."""

from __future__ import annotations

from typing import NamedTuple

from rtdet.types import InputSize

_LADDER = (192, 256, 320, 416, 512, 640, 800, 960, 1280, 1600, 1920, 2560)
_LEAST, _MOST = 0.5, 4.0  # of the usual size: below it little is found, above it a picture takes seconds


class SizeChoice(NamedTuple):
    """imgsz: what RunConfig calls it, None for the model's own size. text: as a menu shows it."""

    imgsz: int | None
    text: str


def choices_of(size: InputSize | None, imgsz: int | None) -> list[SizeChoice]:
    """What to choose from: the model's own size first, then the others in order, `imgsz` among them."""
    if size is None:
        return [SizeChoice(None, "Default")] if imgsz is None else [SizeChoice(imgsz, str(imgsz))]
    own = SizeChoice(None, f"{size.usual} (default)")
    if size.is_fixed:
        return [own]
    sizes = {one for one in _LADDER if _LEAST <= one / size.usual <= _MOST} | {imgsz or size.usual}
    others = [SizeChoice(one, f"{one}   {work_of(one, size)} work") for one in sorted(sizes - {size.usual})]
    return [own, *others]


def work_of(imgsz: int, size: InputSize) -> str:
    """The work for a picture grows with the area of the input."""
    factor = (imgsz / size.usual) ** 2
    return f"{factor:.{0 if factor >= 3 else 1}f}\N{MULTIPLICATION SIGN}"


def advice_on(size: InputSize | None, imgsz: int | None) -> str:
    """A line on what the chosen size means, or why there is nothing to choose."""
    if size is None:
        return "What it may be is known once the model is loaded."
    if size.is_fixed:
        return f"This model runs at {size.usual} pixels only."
    if imgsz is None or imgsz == size.usual:
        return "Small or distant objects missed? Larger finds more, and takes longer."
    if imgsz > size.usual:
        return f"About {work_of(imgsz, size)} the work of the default; finds small and distant objects."
    return f"About {work_of(imgsz, size)} the work of the default; misses small objects."
