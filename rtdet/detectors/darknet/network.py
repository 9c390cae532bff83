"""All layers of a network, for one size of its input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rtdet.config import MAX_IMGSZ
from rtdet.detectors.darknet.cfg import Section, read_cfg
from rtdet.detectors.darknet.layers import PICTURE, STATISTICS, Detection, Head, Layer, Region, Shape, Yolo
from rtdet.detectors.darknet.sections import Before, make_layer
from rtdet.errors import ModelError, UsageError

Size = tuple[int, int]

# Values in memory at once and operations for one picture: more than any published network needs (YOLOv4-P7 at its
# 1536 pixels: some 110 million values, 600 billion operations). Who asks for a larger --imgsz gets more memory.
MOST_VALUES, MOST_VALUES_ASKED = 120_000_000, 2**30
MOST_FLOPS = 10**13
MOST_WEIGHTS = 2**30


@dataclass(frozen=True)
class Network:
    """path: the .cfg; picture: (channels, height, width) of the input; letterbox: do pictures keep their aspect?"""

    path: Path
    picture: Shape
    layers: tuple[Layer, ...]
    letterbox: bool = False

    @property
    def size(self) -> Size:
        """(width, height) of the input."""
        return self.picture[2], self.picture[1]

    @property
    def heads(self) -> tuple[Yolo | Region | Detection, ...]:
        return tuple(layer for layer in self.layers if isinstance(layer, Yolo | Region | Detection))

    @property
    def outputs(self) -> tuple[int, ...]:
        """The layers whose outputs are the network's: the heads, or the last layer where there is none."""
        heads = tuple(i for i, layer in enumerate(self.layers) if isinstance(layer, Head))
        return heads or (len(self.layers) - 1,)

    @property
    def classes(self) -> int:
        return self.heads[0].classes if self.heads else math.prod(self.layers[-1].shape)

    @property
    def takes_any_size(self) -> bool:
        return all(layer.is_local for layer in self.layers)

    @property
    def stride(self) -> int:
        """What divides the sides of every input: 32, or more where the coarsest head's cells are larger."""
        widths = [layer.shape[2] for layer in self.heads if not isinstance(layer, Detection)]
        return max([32, *(self.picture[2] // width for width in widths)])

    @property
    def parameters(self) -> int:
        """Numbers that training learns: weights, biases and the scales of batch normalisation."""
        return sum(
            math.prod(shape)
            for layer in self.layers
            for name, shape in layer.arrays
            if name not in STATISTICS
        )

    @property
    def weights(self) -> int:
        """Numbers in the file of weights: the parameters and the averages of batch normalisation."""
        return sum(math.prod(shape) for layer in self.layers for _, shape in layer.arrays)

    @property
    def flops(self) -> int:
        """Floating-point operations for one picture of this size, as Darknet counts and publishes them."""
        return sum(layer.flops for layer in self.layers)


def read_network(path: Path, size: Size | None = None) -> Network:
    """The network that a .cfg describes, for its own input size or for `size` (width, height).

    Raises CfgError (a ModelError) with the line for a .cfg that cannot be followed or would need too much memory,
    UsageError for a `size` that the network does not take.
    """
    return make_network(path, read_cfg(path), size)


def make_network(path: Path, sections: Sequence[Section], size: Size | None = None) -> Network:
    """As `read_network`, from the sections."""
    net = sections[0]
    picture = _picture(net)
    if size is not None and size != (picture[2], picture[1]):
        picture = (picture[0], size[1], size[0])
    layers: list[Layer] = []
    before = Before(layers, picture)
    for section in sections[1:]:
        layer = make_layer(section, before)
        if layer.size > (MOST_VALUES if size is None else MOST_VALUES_ASKED):
            raise section.error(
                f"has {_show(layer.shape)} values, over {_gigabytes(MOST_VALUES)}; {_SMALLER}"
            )
        layers.append(layer)
    network = Network(path, picture, tuple(layers), net.flag("letter_box"))
    _check(network, asked=size is not None)
    return network


_SMALLER = "use a smaller --imgsz"


def _picture(net: Section) -> Shape:
    sides = []
    for key in ("channels", "height", "width"):
        if key not in net.options:
            raise net.error(f"lacks {key}=")
        sides.append(net.integer(key, 0, least=1, most=4 if key == "channels" else MAX_IMGSZ))
    channels, height, width = sides
    if channels not in (1, 3):
        raise net.error(
            f"channels={channels} is no picture that rtdet makes: 3 (colour) or 1 (grey)", "channels"
        )
    return channels, height, width


def _check(network: Network, *, asked: bool) -> None:
    """Raises ModelError for a network that needs more than any useful one."""
    if network.weights > MOST_WEIGHTS:
        raise ModelError(
            f"{network.path} describes {network.weights:,} weights, over {_gigabytes(MOST_WEIGHTS)}"
        )
    if network.flops > MOST_FLOPS:
        raise ModelError(f"{network.path} needs {network.flops:.0e} operations for one picture; {_SMALLER}")
    values = _values_at_once(network)
    if values > (MOST_VALUES_ASKED if asked else MOST_VALUES):
        raise ModelError(f"{network.path} needs {_gigabytes(values)} for one picture; {_SMALLER}")
    classes = {head.classes for head in network.heads}
    if len(classes) > 1:
        raise ModelError(f"{network.path} has heads of different numbers of classes: {sorted(classes)}")


def _values_at_once(network: Network) -> int:
    """The most values that are alive at one time, when each output is dropped after its last use."""
    last = list(range(len(network.layers)))
    for i, layer in enumerate(network.layers):
        for index in layer.inputs:
            if index != PICTURE:
                last[index] = i
    for index in network.outputs:
        last[index] = len(network.layers) - 1
    ends: dict[int, int] = {}
    alive = most = math.prod(network.picture)
    for i, layer in enumerate(network.layers):
        alive += layer.size
        ends[last[i]] = ends.get(last[i], 0) + layer.size
        most = max(most, alive)
        alive -= ends.pop(i, 0)
    return most


def require_detector(network: Network) -> None:
    """Raises ModelError for a network without a head that finds boxes."""
    if not network.heads:
        last = network.layers[-1].kind
        what = (
            "is a classifier, which finds no boxes"
            if last in ("softmax", "cost", "avgpool")
            else "finds no boxes"
        )
        raise ModelError(
            f"{network.path} {what}: it ends in [{last}], not in [yolo], [region] or [detection]"
        )


def size_for(network: Network, imgsz: int | None) -> Size | None:
    """(width, height) of the input whose longer side is `imgsz`, rounded up to what the network's stride divides;
    None for its own. Raises UsageError where the network has one size only."""
    width, height = network.size
    if imgsz is None or imgsz == max(width, height):
        return None
    if not network.takes_any_size:
        raise UsageError(f"{network.path} runs at {width}x{height} pixels only; omit --imgsz")
    if imgsz < 64:
        raise UsageError(f"--imgsz {imgsz} is too small for {network.path}; use 64 or more")
    stride, factor = network.stride, imgsz / max(width, height)
    sides = [math.ceil(round(side * factor, 6) / stride) * stride for side in (width, height)]
    return sides[0], sides[1]


def _gigabytes(values: int) -> str:
    return f"{values * 4 / 1e9:.1f} GB"


def _show(shape: Shape) -> str:
    return f"{shape[2]}x{shape[1]}x{shape[0]}"
