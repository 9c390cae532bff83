"""The layers of a Darknet network: what each computes is described here, with shapes and the order of its weights.

A layer knows the indices of the layers that it takes its inputs from (PICTURE for the network's own input) and the
shape (channels, height, width) of its output for one size of the network's input.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

PICTURE = -1

Shape = tuple[int, int, int]
ArrayShape = tuple[int, ...]

# Kept by training as averages, not learned: they are no parameters.
STATISTICS = ("mean", "variance")


@dataclass(frozen=True, kw_only=True)
class Layer:
    """kind and line as in the .cfg; inputs: indices of layers; shapes: of their outputs; shape: of its own."""

    kind: str
    line: int
    inputs: tuple[int, ...]
    shapes: tuple[Shape, ...]
    shape: Shape
    activation: str = "linear"

    # Whether the layer computes the same at every place, so that the input may have another size.
    is_local: ClassVar[bool] = True

    @property
    def arrays(self) -> tuple[tuple[str, ArrayShape], ...]:
        """Names and shapes of the weights, in the order of the file."""
        return ()

    @property
    def flops(self) -> int:
        """Floating-point operations for one picture, as Darknet counts them: a multiplication and an addition are
        two, a comparison in a pool is one."""
        return 0

    @property
    def size(self) -> int:
        """Values in the output."""
        return math.prod(self.shape)


@dataclass(frozen=True, kw_only=True)
class Convolutional(Layer):
    """filters x (channels / groups) x kernel x kernel. `shares`: the layer whose weights these are, too."""

    kernel: int
    strides: tuple[int, int]  # of y and x
    padding: int
    dilation: int = 1
    groups: int = 1
    batch_normalize: bool = False
    flipped: bool = False
    shares: int | None = None

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        return self.shape[0], self.shapes[0][0] // self.groups, self.kernel, self.kernel

    @property
    def arrays(self) -> tuple[tuple[str, ArrayShape], ...]:
        if self.shares is not None:
            return ()
        filters = (self.shape[0],)
        statistics = (
            (("scale", filters), ("mean", filters), ("variance", filters)) if self.batch_normalize else ()
        )
        return ("bias", filters), *statistics, ("weight", self.weight_shape)

    @property
    def flops(self) -> int:
        return 2 * math.prod(self.weight_shape) * self.shape[1] * self.shape[2]


@dataclass(frozen=True, kw_only=True)
class Connected(Layer):
    """Fully connected, from all values of its input (channels first)."""

    batch_normalize: bool = False
    is_local: ClassVar[bool] = False

    @property
    def input_size(self) -> int:
        return math.prod(self.shapes[0])

    @property
    def arrays(self) -> tuple[tuple[str, ArrayShape], ...]:
        outputs = (self.shape[0],)
        statistics = (
            (("scale", outputs), ("mean", outputs), ("variance", outputs)) if self.batch_normalize else ()
        )
        return ("bias", outputs), ("weight", (self.shape[0], self.input_size)), *statistics

    @property
    def flops(self) -> int:
        return 2 * self.input_size * self.shape[0]


@dataclass(frozen=True, kw_only=True)
class LocallyConnected(Layer):
    """A convolution with weights of its own at each place: (places, filters, channels * kernel * kernel)."""

    kernel: int
    stride: int
    padding: int
    is_local: ClassVar[bool] = False

    @property
    def arrays(self) -> tuple[tuple[str, ArrayShape], ...]:
        filters, height, width = self.shape
        weight = (height * width, filters, self.shapes[0][0] * self.kernel**2)
        return ("bias", self.shape), ("weight", weight)

    @property
    def flops(self) -> int:
        return 2 * math.prod(self.arrays[1][1])


@dataclass(frozen=True, kw_only=True)
class BatchNorm(Layer):
    @property
    def arrays(self) -> tuple[tuple[str, ArrayShape], ...]:
        return tuple((name, (self.shape[0],)) for name in ("bias", "scale", "mean", "variance"))


@dataclass(frozen=True, kw_only=True)
class Pool(Layer):
    """Maximum or (average) mean of windows. `padding` is the sum of both sides; its smaller half comes first. What
    lies outside the picture does not count."""

    kernel: int
    strides: tuple[int, int]  # of y and x
    padding: int
    average: bool = False

    @property
    def pads(self) -> tuple[int, int]:
        """Before and after, the same for rows and columns."""
        return self.padding // 2, self.padding - self.padding // 2

    @property
    def flops(self) -> int:
        return self.kernel**2 * self.size


@dataclass(frozen=True, kw_only=True)
class GlobalAverage(Layer):
    """The mean of each channel."""


@dataclass(frozen=True, kw_only=True)
class Route(Layer):
    """Its inputs one after the other along the channels; of each only part `group` of `groups`."""

    groups: int = 1
    group: int = 0


@dataclass(frozen=True, kw_only=True)
class Shortcut(Layer):
    """The sum of its inputs; of those with more channels than the first the first ones, of those with fewer all.

    factors: of the first and of the second input (alpha, beta). weighting: "", "per_feature" or "per_channel", and
    normalization "none", "relu" or "softmax": learned weights of the inputs (EfficientDet's fusion).
    """

    factors: tuple[float, float] = (1.0, 1.0)
    weighting: str = ""
    normalization: str = "none"

    @property
    def arrays(self) -> tuple[tuple[str, ArrayShape], ...]:
        if not self.weighting:
            return ()
        channels = self.shape[0] if self.weighting == "per_channel" else 1
        return (("weight", (len(self.inputs), channels)),)

    @property
    def flops(self) -> int:
        return self.size * (len(self.inputs) - 1)


@dataclass(frozen=True, kw_only=True)
class Product(Layer):
    """Its two inputs multiplied: [scale_channels] (SE: a factor for each channel, or each place) and [sam]."""

    @property
    def flops(self) -> int:
        return self.size


@dataclass(frozen=True, kw_only=True)
class Upsample(Layer):
    """Each value `stride` times as wide and as high, times `factor`."""

    stride: int
    factor: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Reorg(Layer):
    """Space to depth. `mixed`: in the order of Darknet's first code, which reads its input as if it had stride**2
    times fewer channels and stride times the width and height; YOLOv2's weights were trained with it.
    reverse: depth to space."""

    stride: int
    mixed: bool
    reverse: bool = False


@dataclass(frozen=True, kw_only=True)
class Crop(Layer):
    """The middle of the picture; `adjust`: from 0..1 to -1..1."""

    adjust: bool
    is_local: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class Softmax(Layer):
    groups: int = 1
    spatial: bool = False
    temperature: float = 1.0
    is_local: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class Same(Layer):
    """Its input (with an activation perhaps): [dropout], [activation], [cost], [empty]."""

    probability: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Head(Layer):
    """A layer whose input is decoded into boxes; its output is its input."""

    classes: int
    nms_kind: str = "default"
    nms_beta: float = 0.6


@dataclass(frozen=True, kw_only=True)
class Yolo(Head):
    """anchors: (width, height) in pixels of the network's input."""

    anchors: tuple[tuple[float, float], ...]
    scale_x_y: float = 1.0
    new_coords: bool = False


@dataclass(frozen=True, kw_only=True)
class SoftmaxTree:
    """A hierarchy of classes (YOLO9000): parents (-1: none) by class; groups: first and last + 1 of siblings;
    children: by class the group of its children, or -1."""

    parents: tuple[int, ...]
    groups: tuple[tuple[int, int], ...]
    children: tuple[int, ...]
    names: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, kw_only=True)
class Region(Head):
    """YOLOv2. anchors: (width, height) in cells."""

    anchors: tuple[tuple[float, float], ...]
    coords: int = 4
    softmax: bool = False
    background: bool = False
    firm: bool = False  # classfix=-1: an objectness below a half is none
    tree: SoftmaxTree | None = None


@dataclass(frozen=True, kw_only=True)
class Detection(Head):
    """YOLOv1: side x side cells, `boxes` of each with one set of class scores. square: sizes are square roots."""

    side: int
    boxes: int
    softmax: bool = False
    square: bool = False
    is_local: ClassVar[bool] = False
