"""One look of a detector at one picture, with what went into its network and what came out: for explanations."""

from __future__ import annotations

from dataclasses import dataclass

from rtdet.backends.network import Outputs, Tensor
from rtdet.geometry.letterbox import Letterbox
from rtdet.types import Image


@dataclass(frozen=True, eq=False)
class Look:
    """fitted: the picture (H, W, 3) BGR as fitted into the network's input. inputs: the arrays that the network got.
    outputs: what it gave, batch axis included. size: (width, height) of the input. back: from its pixels to those of
    the picture."""

    fitted: Image
    inputs: tuple[Tensor, ...]
    outputs: Outputs
    size: tuple[int, int]
    back: Letterbox
