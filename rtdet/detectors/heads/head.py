"""What a family of heads promises: it recognises a network's outputs, and turns them into candidate boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rtdet.backends.graphs import Dimensions
from rtdet.backends.network import Outputs, Tensor
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.types import FloatArray, Image, IntArray


@dataclass(frozen=True)
class Candidates:
    """Boxes before thresholds and NMS: boxes (N, 4) xyxy in pixels of the network's input, scores (N,), labels (N,),
    and for networks that have them points (N, K, 3): x, y and confidence of key points, in the same pixels."""

    boxes: FloatArray
    scores: FloatArray
    labels: IntArray
    points: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, keep: IntArray) -> Candidates:
        points = None if self.points is None else self.points[keep]
        return Candidates(self.boxes[keep], self.scores[keep], self.labels[keep], points)


@dataclass(frozen=True)
class Probe:
    """Runs the network, at the size that it was opened for, to settle what its shapes do not tell.

    size: (width, height) of its input. run: the outputs for a picture (H, W, 3) BGR, prepared as a spec says.
    """

    size: Size
    run: Callable[[Image, InputSpec], Outputs]
    spec: InputSpec

    @cached_property
    def gray(self) -> Outputs:
        """The outputs for an even grey: nothing is there, and boxes are where the network puts them by itself."""
        return self.run(np.full((self.size[1], self.size[0], 3), 114, dtype=np.uint8), self.spec)

    @cached_property
    def street(self) -> Outputs:
        """The outputs for a rendered street with people and vehicles."""
        return self.run(self.street_picture, self.spec)

    @cached_property
    def street_picture(self) -> Image:
        return street_picture()


def street_picture() -> Image:
    """A frame of the demo: a picture with something in it that is at hand everywhere."""
    from rtdet.demo import DemoScene

    return DemoScene(seed=5, width=640, height=480, duration_s=8.0).render(100)


@dataclass(frozen=True, kw_only=True)
class Head:
    """How one network's outputs are decoded. A family derives from this and adds what it needs to know.

    input: how a picture becomes its input, as far as the family knows; the user may overrule it.
    class_count: number of classes; None where the outputs do not tell.
    class_names: theirs, where the family has its own; () for what the file says.
    follows_size: `decode` reads the outputs for an input of any size, so that a network that can be reshaped may get
        a rectangle of the picture's own aspect.
    long_side: of the input in pixels, where the file leaves the size open; None: the usual one.
    stride: sides of an input are multiples of it.
    gives_pixels: outputs are positions in pixels, which bf16 cannot hold.
    is_selected: the network gives one box for each object: no NMS is needed.
    most_overlap: NMS leaves no boxes of a class side by side that overlap by more, whatever the user's threshold.
    ignored: what of the outputs is not used, for a line to the user ("masks").
    """

    input: InputSpec
    class_count: int | None
    class_names: tuple[str, ...] = ()
    follows_size: bool = False
    long_side: int | None = None
    stride: int = 32
    gives_pixels: bool = False
    is_selected: bool = False
    most_overlap: float = 1.0
    ignored: str = ""

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        """The candidates that score at least `least_score`, from the outputs (batch of one) for an input of `size`
        (width, height). May raise ValueError or IndexError where the outputs are not what was recognised."""
        raise NotImplementedError

    def settled(self, probe: Probe) -> Head | None:
        """The head, with what only a run of the network can tell; None where the run shows that it is another."""
        return self

    def fits(self, shapes: tuple[Dimensions, ...], size: Size) -> bool:
        """Whether outputs of these shapes are what `decode` expects for an input of `size`."""
        return True

    def further_inputs(self, size: Size) -> tuple[Tensor, ...]:
        """What the network's other inputs get, in their order, for a picture's input of `size`."""
        return ()


@dataclass(frozen=True)
class Match:
    """A family's opinion of a network: the head, how sure it is of it (0 to 1), and why, in a few words."""

    head: Head
    sureness: float
    reason: str
