"""What a network's file is, told by its first bytes rather than by its name. Nothing is built of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_HEAD = 4096


@dataclass(frozen=True)
class GraphFormat:
    """A format of networks: what people call it, its usual suffix, and OpenVINO's front end for it."""

    title: str
    suffix: str
    front_end: str


ONNX = GraphFormat("ONNX", ".onnx", "onnx")
IR = GraphFormat("OpenVINO (.xml with .bin)", ".xml", "ir")
TFLITE = GraphFormat("TensorFlow Lite", ".tflite", "tflite")
TENSORFLOW = GraphFormat("TensorFlow (frozen graph)", ".pb", "tf")
FORMATS = (ONNX, IR, TFLITE, TENSORFLOW)
GRAPH_SUFFIXES = tuple(one.suffix for one in FORMATS)

# ModelProto (onnx.proto) has its graph in field 7; GraphDef (TensorFlow's graph.proto) its nodes in field 1. Fields
# that either may begin with, by the first byte of a message: a field's number times 8, plus the kind of its value.
_ONNX_FIRST = (0x08, 0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72)
_GRAPH_DEF_FIRST = (0x0A,)


def graph_format(path: Path) -> GraphFormat | None:
    """The format of a network's file: by its content, where that tells, else by its suffix; None for another file."""
    by_suffix = next((one for one in FORMATS if one.suffix == path.suffix.lower()), None)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return by_suffix
    return _by_content(head) or by_suffix


def _by_content(head: bytes) -> GraphFormat | None:
    if head[4:8] == b"TFL3":
        return TFLITE
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith((b"<?xml", b"<net")):
        return IR if b"<net" in text else None
    if head[:1] and head[0] in _GRAPH_DEF_FIRST and _begins_with_node(head):
        return TENSORFLOW
    if head[:1] and head[0] in _ONNX_FIRST and _is_onnx(head):
        return ONNX
    return None


def _begins_with_node(head: bytes) -> bool:
    """A NodeDef begins with its name, a text (field 1)."""
    at = 1
    while at < len(head) and head[at] & 128:
        at += 1
    return head[at + 1 : at + 2] == b"\x0a"


def _is_onnx(head: bytes) -> bool:
    """The fields of a ModelProto before its graph are small: a version, the producer's name, opset numbers."""
    at = 0
    while at < len(head):
        key = head[at]
        number, kind = key >> 3, key & 7
        value = shift = 0
        at += 1
        while at < len(head) and shift < 64:
            value |= (head[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if head[at - 1] < 128:
                break
        if number == 7 and kind == 2:
            return True
        if kind == 2 and number in (2, 3, 4, 6, 8, 14, 20, 25):
            at += value
        elif kind != 0 or number not in (1, 5):
            return False
    return True
