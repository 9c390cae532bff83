"""From a section of a .cfg to a layer: Darknet's keys, defaults and rules for shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rtdet.detectors.darknet.cfg import Section
from rtdet.detectors.darknet.compute import ACTIVATIONS
from rtdet.detectors.darknet.layers import (
    PICTURE,
    BatchNorm,
    Connected,
    Convolutional,
    Crop,
    Detection,
    GlobalAverage,
    Head,
    Layer,
    LocallyConnected,
    Pool,
    Product,
    Region,
    Reorg,
    Route,
    Same,
    Shape,
    Shortcut,
    Softmax,
    Upsample,
    Yolo,
)  # fmt: skip
from rtdet.detectors.darknet.tree import read_tree

# Per number of a cfg, not of their product: those are checked against the file of weights and the memory they take.
_MOST = 2**24
_MOST_CLASSES = 100_000


@dataclass(frozen=True)
class Before:
    """What comes before a layer: the layers so far and the shape of the picture."""

    layers: Sequence[Layer]
    picture: Shape

    @property
    def last(self) -> int:
        return len(self.layers) - 1  # PICTURE before the first

    def shape(self, index: int) -> Shape:
        return self.picture if index == PICTURE else self.layers[index].shape

    def index(self, section: Section, key: str, given: int) -> int:
        """The layer that a number of `from` or `layers` means: negative ones count back from here."""
        index = given if given >= 0 else len(self.layers) + given
        if not 0 <= index < len(self.layers):
            raise section.error(
                f"{key}={given} is no layer before this one, which is layer {len(self.layers)}", key
            )
        return index


def make_layer(section: Section, before: Before) -> Layer:
    """The layer that a section describes. Raises CfgError for one that is unknown or does not fit."""
    make = _KINDS.get(section.kind)
    if make is None:
        reason = _UNREADABLE.get(section.kind, "is not a layer that rtdet knows")
        raise section.error(reason)
    layer = make(section, before)
    if min(layer.shape) < 1:
        raise section.error(f"leaves nothing of its input of {_show(layer.shapes[0])}")
    if layer.activation not in ACTIVATIONS:
        raise section.error(f"activation={layer.activation[:40]} is unknown", "activation")
    for index in layer.inputs:
        if index != PICTURE and isinstance(before.layers[index], Head):
            raise section.error(f"takes the output of [{before.layers[index].kind}], whose values are boxes")
    return layer


def _common(section: Section, before: Before, *inputs: int) -> dict[str, Any]:
    """The arguments that every layer has; its inputs are `inputs`, or the layer before."""
    taken = inputs or (before.last,)
    shapes = tuple(before.shape(index) for index in taken)
    return {"kind": section.kind, "line": section.line, "inputs": taken, "shapes": shapes, "shape": shapes[0]}


def _activation(section: Section, default: str) -> str:
    return section.text("activation", default).partition("#")[0].strip()


def _refuse(section: Section, *keys: str) -> None:
    for key in keys:
        if section.flag(key):
            raise section.error(f"{key}={section.text(key)[:20]} is not something that rtdet computes", key)


def _strides(section: Section) -> tuple[int, int]:
    stride = section.integer("stride", 1, least=1, most=_MOST)
    # As in Darknet, a side below 1 means that it is not given.
    sides = (section.integer(f"stride_{side}", -1, most=_MOST) for side in "yx")
    y, x = (stride if side < 1 else side for side in sides)
    return y, x


def _convolutional(section: Section, before: Before) -> Layer:
    _refuse(
        section, "binary", "xnor", "antialiasing", "sway", "rotate", "stretch", "stretch_sway", "coordconv"
    )
    common = _common(section, before)
    channels, height, width = common["shape"]
    filters = section.integer("filters", 1, least=1, most=2**31 - 1)
    kernel = section.integer("size", 1, least=1, most=_MOST)
    strides = _strides(section)
    dilation = section.integer("dilation", 1, least=1, most=_MOST) if kernel > 1 else 1
    padding = section.integer("padding", 0, least=0, most=_MOST)
    if section.flag("pad"):
        padding = kernel // 2
    groups = section.integer("groups", 1, least=1)
    if channels % groups or filters % groups:
        raise section.error(
            f"groups={groups} divides {channels} channels into {filters} filters unevenly", "groups"
        )
    # Darknet pads and measures with the padding as it stands, for a dilated kernel times the dilation.
    pad = padding * dilation
    reach = dilation * (kernel - 1) + 1
    rows, columns = ((n + 2 * pad - reach) // s + 1 for n, s in zip((height, width), strides, strict=True))
    common.update(shape=(filters, rows, columns), activation=_activation(section, "logistic"))
    layer = Convolutional(
        **common, kernel=kernel, strides=strides, padding=pad, dilation=dilation, groups=groups,
        batch_normalize=section.flag("batch_normalize") or section.flag("cbn"), flipped=section.flag("flipped"),
        shares=_shares(section, before),
    )  # fmt: skip
    if layer.shares is not None:
        owner = before.layers[layer.shares]
        if not isinstance(owner, Convolutional) or owner.weight_shape != layer.weight_shape:
            raise section.error("share_index names a layer with weights of another shape", "share_index")
    return layer


def _shares(section: Section, before: Before) -> int | None:
    if "share_index" not in section.options:
        return None
    index = before.index(section, "share_index", section.integer("share_index", 0, least=-(2**31)))
    owner = before.layers[index]
    return owner.shares if isinstance(owner, Convolutional) and owner.shares is not None else index


def _connected(section: Section, before: Before) -> Layer:
    common = _common(section, before)
    output = section.integer("output", 1, least=1)
    common.update(shape=(output, 1, 1), activation=_activation(section, "logistic"))
    return Connected(**common, batch_normalize=section.flag("batch_normalize"))


def _local(section: Section, before: Before) -> Layer:
    common = _common(section, before)
    _, height, width = common["shape"]
    filters = section.integer("filters", 1, least=1)
    kernel = section.integer("size", 1, least=1, most=_MOST)
    stride = section.integer("stride", 1, least=1, most=_MOST)
    padding = int(section.flag("pad"))
    if padding and kernel != 3:
        raise section.error(
            f"pad=1 goes with size=3 only, not {kernel}", "pad"
        )  # im2col's and its own sizes differ
    rows, columns = ((n + 2 * padding - kernel) // stride + 1 for n in (height, width))
    common.update(shape=(filters, rows, columns), activation=_activation(section, "logistic"))
    return LocallyConnected(**common, kernel=kernel, stride=stride, padding=padding)


def _batchnorm(section: Section, before: Before) -> Layer:
    return BatchNorm(**_common(section, before))


def _pool(section: Section, before: Before) -> Layer:
    _refuse(section, "maxpool_depth", "antialiasing", "maxpool_zero_nonmax")
    common = _common(section, before)
    channels, height, width = common["shape"]
    strides = _strides(section)
    kernel = section.integer("size", section.integer("stride", 1, least=1, most=_MOST), least=1, most=_MOST)
    padding = section.integer("padding", kernel - 1, least=0, most=2 * _MOST)
    if padding - padding // 2 >= kernel:
        raise section.error(f"padding={padding} is wider than windows of {kernel}", "padding")
    rows, columns = ((n + padding - kernel) // s + 1 for n, s in zip((height, width), strides, strict=True))
    common.update(shape=(channels, rows, columns))
    average = section.kind.startswith("local_avg")
    return Pool(**common, kernel=kernel, strides=strides, padding=padding, average=average)


def _average(section: Section, before: Before) -> Layer:
    common = _common(section, before)
    common.update(shape=(common["shape"][0], 1, 1))
    return GlobalAverage(**common)


def _route(section: Section, before: Before) -> Layer:
    given = section.integers("layers")
    if not given:
        raise section.error("lacks layers=")
    groups = section.integer("groups", 1, least=1)
    group = section.integer("group_id", 0, least=0, most=groups - 1)
    common = _common(section, before, *(before.index(section, "layers", one) for one in given))
    shapes: tuple[Shape, ...] = common["shapes"]
    _check_same_size(section, "layers", shapes)
    if any(shape[0] % groups for shape in shapes):
        raise section.error(f"groups={groups} does not divide its inputs' channels", "groups")
    common.update(shape=(sum(shape[0] for shape in shapes) // groups, *shapes[0][1:]))
    return Route(**common, groups=groups, group=group)


def _check_same_size(section: Section, key: str, shapes: Sequence[Shape]) -> None:
    for shape in shapes[1:]:
        if shape[1:] != shapes[0][1:]:
            raise section.error(f"joins {_show(shapes[0])} and {_show(shape)}, which differ in size", key)


def _shortcut(section: Section, before: Before) -> Layer:
    given = section.integers("from")
    if not given:
        raise section.error("lacks from=")
    common = _common(section, before, before.last, *(before.index(section, "from", one) for one in given))
    _check_same_size(section, "from", common["shapes"])
    weighting = section.text("weights_type", "none")
    normalization = section.text("weights_normalization", "none").removeprefix("avg_")
    if weighting not in _WEIGHTINGS or normalization not in ("none", "relu", "softmax"):
        raise section.error(
            f"weights_type={weighting[:20]}, weights_normalization={normalization[:20]} is unknown"
        )
    common.update(activation=_activation(section, "linear"))
    factors = (section.number("alpha", 1.0), section.number("beta", 1.0))
    return Shortcut(**common, factors=factors, weighting=_WEIGHTINGS[weighting], normalization=normalization)


_WEIGHTINGS = {
    "none": "",
    "per_feature": "per_feature",
    "per_layer": "per_feature",
    "per_channel": "per_channel",
}


def _product(section: Section, before: Before) -> Layer:
    given = section.integers("from")
    if len(given) != 1:
        raise section.error("needs from= with one layer")
    common = _common(section, before, before.last, before.index(section, "from", given[0]))
    factor, shape = common["shapes"]
    fits = (
        {factor == shape}
        if section.kind == "sam"
        else {factor == (1, *shape[1:]), factor == (shape[0], 1, 1)}
    )
    if True not in fits:
        raise section.error(f"multiplies {_show(shape)} by {_show(factor)}, which does not fit")
    common.update(shape=shape, activation=_activation(section, "linear"))
    return Product(**common)


def _upsample(section: Section, before: Before) -> Layer:
    common = _common(section, before)
    channels, height, width = common["shape"]
    stride = section.integer("stride", 2, least=1, most=_MOST)
    common.update(shape=(channels, height * stride, width * stride))
    return Upsample(**common, stride=stride, factor=section.number("scale", 1.0))


def _reorg(section: Section, before: Before) -> Layer:
    _refuse(section, "flatten", "extra")
    common = _common(section, before)
    channels, height, width = common["shape"]
    stride = section.integer("stride", 1, least=1, most=4096)
    reverse, mixed = section.flag("reverse"), section.kind != "reorg3d"
    cell = stride * stride
    # Each order needs what it splits to be a multiple: the places, the channels, or (in the odd orders) both.
    needed = (cell if mixed else cell * cell) if reverse else (cell if mixed else 1)
    if channels % needed or (not reverse and (height % stride or width % stride)):
        raise section.error(f"stride={stride} does not divide {_show(common['shape'])} evenly")
    if reverse:
        common.update(shape=(channels // cell, height * stride, width * stride))
    else:
        common.update(shape=(channels * cell, height // stride, width // stride))
    return Reorg(**common, stride=stride, mixed=mixed, reverse=reverse)


def _crop(section: Section, before: Before) -> Layer:
    common = _common(section, before)
    channels, height, width = common["shape"]
    rows = section.integer("crop_height", 1, least=1, most=height)
    columns = section.integer("crop_width", 1, least=1, most=width)
    common.update(shape=(channels, rows, columns))
    return Crop(**common, adjust=not section.flag("noadjust"))


def _softmax(section: Section, before: Before) -> Layer:
    if section.text("tree"):
        raise section.error("tree= belongs to a classifier, which finds no boxes", "tree")
    common = _common(section, before)
    groups = section.integer("groups", 1, least=1)
    if math.prod(common["shape"]) % groups:
        raise section.error(f"groups={groups} does not divide {_show(common['shape'])}", "groups")
    temperature = section.number("temperature", 1.0) or 1.0
    return Softmax(**common, groups=groups, spatial=section.flag("spatial"), temperature=temperature)


def _same(section: Section, before: Before) -> Layer:
    common = _common(section, before)
    if section.kind == "activation":
        common.update(activation=_activation(section, "linear"))
    probability = section.number("probability", 0.2) if section.kind == "dropout" else 0.0
    return Same(**common, probability=min(max(probability, 0.0), 1.0))


def _head(section: Section, before: Before, classes: int) -> dict[str, Any]:
    common = _common(section, before)
    common.update(classes=section.integer("classes", classes, least=1, most=_MOST_CLASSES))
    common.update(nms_kind=section.text("nms_kind", "default"), nms_beta=section.number("beta_nms", 0.6))
    return common


def _anchors(section: Section, count: int) -> list[tuple[float, float]]:
    """`count` pairs; Darknet's own default, where they are left out, is a half each."""
    values = section.numbers("anchors")
    if not values:
        return [(0.5, 0.5)] * count
    if len(values) < 2 * count:
        raise section.error(
            f"{len(values)} numbers in anchors, but {count} anchors need {2 * count}", "anchors"
        )
    return list(zip(values[: 2 * count : 2], values[1 : 2 * count : 2], strict=True))


def _check_channels(section: Section, common: Mapping[str, Any], boxes: int, columns: int) -> None:
    """Darknet's own check; the error that people meet when they change the number of classes."""
    channels, needed = common["shape"][0], boxes * columns
    if channels != needed:
        text = f"needs {boxes} * ({columns - 5} + 5) = {needed} channels, but gets {channels}: filters= before it,"
        raise section.error(f"{text} classes= and the anchors do not fit together")


def _yolo(section: Section, before: Before) -> Layer:
    common = _head(section, before, 20)
    total = section.integer("num", 1, least=1, most=1000)
    mask = section.integers("mask") or tuple(range(total))
    anchors = _anchors(section, total)
    if not all(0 <= index < total for index in mask):
        raise section.error(
            f"mask={section.text('mask')[:40]} names anchors that num={total} does not have", "mask"
        )
    _check_channels(section, common, len(mask), common["classes"] + 5)
    return Yolo(
        **common, anchors=tuple(anchors[index] for index in mask),
        scale_x_y=section.number("scale_x_y", 1.0), new_coords=section.flag("new_coords"),
    )  # fmt: skip


def _region(section: Section, before: Before) -> Layer:
    _refuse(section, "log", "sqrt")
    common = _head(section, before, 20)
    count = section.integer("num", 1, least=1, most=1000)
    coords = section.integer("coords", 4, least=4, most=1000)
    background = section.flag("background")
    anchors = _anchors(section, count)
    _check_channels(section, common, count, common["classes"] + coords + 1)
    tree = read_tree(section, common["classes"]) if section.text("tree") else None
    return Region(
        **common, anchors=tuple(anchors), coords=coords, softmax=section.flag("softmax"), background=background,
        firm=section.integer("classfix", 0) == -1, tree=tree,
    )  # fmt: skip


def _detection(section: Section, before: Before) -> Layer:
    common = _head(section, before, 1)
    side = section.integer("side", 7, least=1, most=4096)
    boxes = section.integer("num", 1, least=1, most=1000)
    if section.integer("coords", 1) != 4:
        raise section.error("needs coords=4", "coords")
    values, given = side * side * (5 * boxes + common["classes"]), math.prod(common["shape"])
    if values != given:
        text = (
            f"needs {side} * {side} * (5 * {boxes} + {common['classes']}) = {values} values, but gets {given}"
        )
        raise section.error(text)
    common.update(shape=(values, 1, 1))
    softmax, square = section.flag("softmax"), section.flag("sqrt")
    return Detection(**common, side=side, boxes=boxes, softmax=softmax, square=square)


_KINDS: Mapping[str, Callable[[Section, Before], Layer]] = {
    "convolutional": _convolutional, "conv": _convolutional,
    "connected": _connected, "conn": _connected,
    "local": _local,
    "batchnorm": _batchnorm,
    "maxpool": _pool, "max": _pool, "local_avgpool": _pool, "local_avg": _pool,
    "avgpool": _average, "avg": _average,
    "route": _route, "shortcut": _shortcut, "scale_channels": _product, "sam": _product,
    "upsample": _upsample,
    "reorg": _reorg, "reorg_old": _reorg, "reorg3d": _reorg,
    "crop": _crop,
    "softmax": _softmax, "soft": _softmax,
    "dropout": _same, "activation": _same, "cost": _same, "empty": _same, "silence": _same,
    "yolo": _yolo, "region": _region, "detection": _detection,
}  # fmt: skip

_UNREADABLE = {
    **dict.fromkeys(
        ("rnn", "crnn", "gru", "lstm", "conv_lstm", "history"), "remembers: rtdet reads no such networks"
    ),
    "gaussian_yolo": "is not read by rtdet, whose heads are [yolo], [region] and [detection]",
}


def _show(shape: Shape) -> str:
    return f"{shape[2]}x{shape[1]}x{shape[0]}"
