"""Darknet networks for the tests: texts of .cfg files, and weights that are the same numbers on every machine."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np

NET = "[net]\nwidth={width}\nheight={height}\nchannels=3\n"


def net(width: int, height: int | None = None, **options: object) -> str:
    return section("net", width=width, height=height or width, channels=3, **options)


def section(kind: str, **options: object) -> str:
    lines = [f"[{kind}]", *(f"{key.rstrip('_')}={value}" for key, value in options.items())]
    return "\n".join(lines) + "\n\n"


def conv(
    filters: int, size: int = 3, stride: int = 1, activation: str = "leaky", bn: int = 1, **more: object
) -> str:
    return section(
        "convolutional", batch_normalize=bn, filters=filters, size=size, stride=stride, pad=1, activation=activation,
        **more,
    )  # fmt: skip


def out(filters: int, activation: str = "linear") -> str:
    return conv(filters, 1, activation=activation, bn=0)


def maxpool(size: int, stride: int) -> str:
    return section("maxpool", size=size, stride=stride)


def route(*layers: int, **more: object) -> str:
    return section("route", layers=",".join(map(str, layers)), **more)


def shortcut(*layers: int, activation: str = "linear", **more: object) -> str:
    return section("shortcut", from_=",".join(map(str, layers)), activation=activation, **more)


def upsample(stride: int = 2) -> str:
    return section("upsample", stride=stride)


def yolo(mask: tuple[int, ...], anchors: str, classes: int = 80, **more: object) -> str:
    count = len(anchors.split(",")) // 2
    mask_text = ",".join(map(str, mask))
    return section(
        "yolo", mask=mask_text, anchors=anchors, classes=classes, num=count, max=200, random=1, **more
    )


# What the published files describe (Redmon and Farhadi 2018, Bochkovskiy et al. 2020), written as their papers do.

V3_ANCHORS = "10,13, 16,30, 33,23, 30,61, 62,45, 59,119, 116,90, 156,198, 373,326"
V4_ANCHORS = "12,16, 19,36, 40,28, 36,75, 76,55, 72,146, 142,110, 192,243, 459,401"
TINY_ANCHORS = "10,14, 23,27, 37,58, 81,82, 135,169, 344,319"


def yolov3(size: int = 416) -> str:
    text = net(size) + conv(32)
    for filters, repeats in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        text += conv(filters, 3, 2)
        text += (conv(filters // 2, 1) + conv(filters) + shortcut(-3)) * repeats
    text += (conv(512, 1) + conv(1024)) * 3 + out(255) + yolo((6, 7, 8), V3_ANCHORS)
    text += route(-4) + conv(256, 1) + upsample() + route(-1, 61)
    text += (conv(256, 1) + conv(512)) * 3 + out(255) + yolo((3, 4, 5), V3_ANCHORS)
    text += route(-4) + conv(128, 1) + upsample() + route(-1, 36)
    return text + (conv(128, 1) + conv(256)) * 3 + out(255) + yolo((0, 1, 2), V3_ANCHORS)


def yolov3_tiny(size: int = 416) -> str:
    text = net(size)
    for filters in (16, 32, 64, 128, 256):
        text += conv(filters) + maxpool(2, 2)
    text += (
        conv(512)
        + maxpool(2, 1)
        + conv(1024)
        + conv(256, 1)
        + conv(512)
        + out(255)
        + yolo((3, 4, 5), TINY_ANCHORS)
    )
    text += route(-4) + conv(128, 1) + upsample() + route(-1, 8) + conv(256) + out(255)
    return text + yolo((0, 1, 2), TINY_ANCHORS)


def yolov4(size: int = 416) -> str:
    m = "mish"
    text = net(size) + conv(32, activation=m)
    for filters, inner, repeats in ((64, 64, 1), (128, 64, 2), (256, 128, 8), (512, 256, 8), (1024, 512, 4)):
        hidden = 32 if filters == 64 else inner
        text += conv(filters, 3, 2, m) + conv(inner, 1, 1, m) + route(-2) + conv(inner, 1, 1, m)
        text += (conv(hidden, 1, 1, m) + conv(inner, 3, 1, m) + shortcut(-3)) * repeats
        text += conv(inner, 1, 1, m) + route(-1, -(3 * repeats + 4)) + conv(filters, 1, 1, m)
    text += conv(512, 1) + conv(1024) + conv(512, 1)
    text += maxpool(5, 1) + route(-2) + maxpool(9, 1) + route(-4) + maxpool(13, 1) + route(-1, -3, -5, -6)
    text += conv(512, 1) + conv(1024) + conv(512, 1)
    for filters, layer in ((256, 85), (128, 54)):
        text += conv(filters, 1) + upsample() + route(layer) + conv(filters, 1) + route(-1, -3)
        text += (conv(filters, 1) + conv(2 * filters)) * 2 + conv(filters, 1)
    text += conv(256) + out(255) + yolo((0, 1, 2), V4_ANCHORS, scale_x_y=1.2, nms_kind="greedynms")
    for filters, layer, mask, scale in ((256, -16, (3, 4, 5), 1.1), (512, -37, (6, 7, 8), 1.05)):
        text += route(-4) + conv(filters, 3, 2) + route(-1, layer)
        text += (conv(filters, 1) + conv(2 * filters)) * 3
        text += out(255) + yolo(mask, V4_ANCHORS, scale_x_y=scale, nms_kind="greedynms")
    return text


def yolov4_tiny(size: int = 416) -> str:
    text = net(size) + conv(32, 3, 2) + conv(64, 3, 2)
    for filters in (64, 128, 256):
        half = filters // 2
        text += conv(filters) + route(-1, groups=2, group_id=1) + conv(half) + conv(half) + route(-1, -2)
        text += conv(filters, 1) + route(-6, -1) + maxpool(2, 2)
    text += conv(512) + conv(256, 1) + conv(512) + out(255) + yolo((3, 4, 5), TINY_ANCHORS, scale_x_y=1.05)
    text += route(-4) + conv(128, 1) + upsample() + route(-1, 23) + conv(256) + out(255)
    return text + yolo((1, 2, 3), TINY_ANCHORS, scale_x_y=1.05)


def yolov2(size: int = 416) -> str:
    text = net(size)
    for filters in ((32,), (64,), (128, 64, 128), (256, 128, 256), (512, 256, 512, 256, 512)):
        text += "".join(conv(count, 3 if i % 2 == 0 else 1) for i, count in enumerate(filters)) + maxpool(
            2, 2
        )
    text += conv(1024) + conv(512, 1) + conv(1024) + conv(512, 1) + conv(1024) + conv(1024) + conv(1024)
    text += route(-9) + conv(64, 1) + section("reorg", stride=2) + route(-1, -4) + conv(1024) + out(425)
    anchors = "0.57273,0.677385, 1.87446,2.06253, 3.33843,5.47434, 7.88282,3.52778, 9.77052,9.16828"
    return text + section("region", anchors=anchors, classes=80, coords=4, num=5, softmax=1)


def yolov1_tiny() -> str:
    text = net(448)
    for filters in (16, 32, 64, 128, 256, 512):
        text += conv(filters) + maxpool(2, 2)
    text += conv(1024) + conv(256) + section("connected", output=1470, activation="linear")
    return text + section("detection", classes=20, coords=4, rescore=1, side=7, num=2, softmax=0, sqrt=1)


PUBLISHED = {
    "yolov3": yolov3, "yolov3-tiny": yolov3_tiny, "yolov4": yolov4, "yolov4-tiny": yolov4_tiny, "yolov2": yolov2,
}  # fmt: skip

# Small ones that together have every layer that OpenCV reads, for stored outputs of its.

_ANCHORS = "4,6, 9,5, 14,20, 24,11"


def _v3_like() -> str:
    text = (
        net(64, 32)
        + conv(6, 3, 2)
        + conv(8, 3, 1, "mish", groups=2)
        + conv(6, 1, 1, "swish", 0)
        + shortcut(-3)
    )
    text += maxpool(2, 2) + conv(8, 3, 1, "relu") + maxpool(2, 1) + conv(8, 3, 2) + conv(8, 3, 2)
    text += maxpool(5, 1) + route(-2) + maxpool(3, 1) + route(-1, -3, -4) + conv(10, 1)
    text += out(14) + yolo((2, 3), _ANCHORS, 2, scale_x_y=1.1, thresh=0)
    text += (
        route(-3)
        + conv(6, 1, 1, "logistic")
        + upsample()
        + route(-1, 7)
        + section("dropout", probability=0.5)
    )
    return text + out(14) + yolo((0, 1), _ANCHORS, 2, thresh=0)


def _v4_like() -> str:
    text = (
        net(64)
        + conv(8, 3, 2)
        + conv(8, 3, 2)
        + conv(8)
        + route(-1, groups=2, group_id=1)
        + conv(4)
        + conv(4)
    )
    text += route(-1, -2) + conv(8, 1) + route(-6, -1) + maxpool(2, 2) + conv(12, 5, 2, "tanh")
    return (
        text
        + conv(14, 1, activation="logistic", bn=0)
        + yolo((1, 3), _ANCHORS, 2, new_coords=1, scale_x_y=2, thresh=0)
    )


def _v2_like(bn: int) -> str:
    text = (
        net(64)
        + conv(4, bn=bn)
        + maxpool(2, 2)
        + conv(8, bn=bn)
        + maxpool(4, 4)
        + conv(8, bn=bn)
        + maxpool(2, 2)
    )
    text += (
        conv(12, bn=bn) + route(-3) + conv(4, 1, bn=bn) + section("reorg", stride=2) + route(-1, -4) + out(16)
    )
    return text + section(
        "region", anchors="1.1,1.2, 3.4,2.3", classes=3, coords=4, num=2, softmax=1, thresh=0
    )


def _attention() -> str:
    text = net(32) + conv(6, 3, 2, "swish") + section("avgpool") + conv(3, 1, activation="relu", bn=0)
    text += conv(6, 1, activation="logistic", bn=0) + section("scale_channels", from_=-4)
    text += (
        conv(6, 1, activation="logistic") + section("sam", from_=-2) + conv(8, 3, 1, padding=1) + shortcut(-2)
    )
    return text + out(14) + yolo((0, 2), _ANCHORS, 2, thresh=0)


def _connected() -> str:
    text = net(8) + conv(4) + maxpool(2, 2) + section("connected", output=9, activation="leaky")
    return text + section("connected", output=5, activation="linear") + section("softmax", groups=1)


SMALL = {
    "v3-like": _v3_like(), "v4-like": _v4_like(), "v2-like": _v2_like(1), "v2-like-nobn": _v2_like(0),
    "attention": _attention(), "connected": _connected(),
}  # fmt: skip


def numbers(count: int, seed: int = 0) -> np.ndarray:
    """float32 between -1 and 1 that look random and are the same everywhere (Steele et al. 2014, SplitMix)."""
    state = (np.arange(1, count + 1, dtype=np.uint64) + np.uint64(seed << 32)) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((state >> np.uint64(40)).astype(np.float64) / 2**23 - 1).astype(np.float32)


def picture(shape: tuple[int, ...]) -> np.ndarray:
    """(1, C, H, W) values from 0 to 1."""
    return (numbers(math.prod(shape), 99).reshape(1, *shape) + 1) / 2


def weights_of(layers: object) -> np.ndarray:
    """Weights for the layers of a network with which values neither die out nor explode."""
    parts = []
    for index, layer in enumerate(layers):  # type: ignore[call-overload]
        for number, (name, shape) in enumerate(layer.arrays):
            values = numbers(math.prod(shape), 10 * index + number + 1)
            if name == "weight":
                values *= math.sqrt(6 / max(math.prod(shape[1:]), 1))
            elif name in ("variance", "scale"):
                values = 1 + values / 2
            else:
                values /= 5
            parts.append(values)
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def save_weights(path: Path, values: np.ndarray, version: tuple[int, int] = (0, 2), seen: int = 7) -> Path:
    header = struct.pack("<3i", *version, 0) + struct.pack("<Q" if version >= (0, 2) else "<I", seen)
    path.write_bytes(header + values.astype("<f4").tobytes())
    return path
