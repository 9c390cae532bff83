"""A network as a file for other programs and for machines without torch: ONNX or OpenVINO, with its decoding inside.

The file takes pictures (B, 3, H, W) BGR 0..255 and gives boxes (B, N, 4) xyxy in pixels of that input and scores
(B, N, C); with its selection inside, rows (1, N, 6) of box, score and class. Its notes hold the configuration and the
names of the classes, by which rtdet opens it again.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdet.backends.onnxruntime import export_onnx
from rtdet.backends.openvino import load_openvino, read_graph
from rtdet.detectors.family.config import Size
from rtdet.detectors.family.weights import header_of
from rtdet.output_file import write_whole

if TYPE_CHECKING:
    from rtdet.detectors.family.network import DetectionNetwork
    from rtdet.detectors.family.rows import Selection

FORMATS = ("onnx", "openvino")
# Where the notes tell the network's header; `heads.own` looks for it.
NOTE = "rtdet"


def export(network: DetectionNetwork, path: Path, size: Size, selection: Selection | None = None) -> None:
    """Writes `path`: an .onnx file, or an .xml with its .bin. size: (width, height) of the input; an ONNX file takes
    any other multiple too where the network does. selection: to be part of it; the file then has that one size.
    Raises OutputError where it cannot be written."""
    content = with_notes(_as_onnx(network, size, selection), notes_of(network, size))
    if path.suffix.lower() == ".onnx":
        write_whole(path, content)
        return
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "graph.onnx"
        source.write_bytes(content)
        graph = read_graph(source)
        graph.reshape([1, 3, size[1], size[0]])
        write_graph(graph, path)


def write_graph(graph: Any, path: Path) -> None:
    """Writes an openvino.Model as `path`, an .xml, with its .bin. Raises OutputError where it cannot be written."""
    with tempfile.TemporaryDirectory() as name:
        made = Path(name) / "graph.xml"
        load_openvino().serialize(graph, str(made), str(made.with_suffix(".bin")))
        write_whole(path.with_suffix(".bin"), made.with_suffix(".bin").read_bytes())
        write_whole(path, made.read_bytes())


def notes_of(network: DetectionNetwork, size: Size) -> dict[str, str]:
    """What the file says of itself; `imgsz` is [height, width], as other exporters note it."""
    names = [name for name in network.config.class_names if name]
    header = json.dumps(header_of(network.config), sort_keys=True)
    return {NOTE: header, "names": json.dumps(names), "imgsz": str([size[1], size[0]])}


def _as_onnx(network: DetectionNetwork, size: Size, selection: Selection | None) -> bytes:
    if selection is not None:
        from rtdet.detectors.family.rows import Rows

        rows = Rows(network.as_file(size), network.config, size, selection)
        return export_onnx(rows, (1, 3, size[1], size[0]), names=(["images"], ["detections"]))
    free = {0: "batch"}
    if network.is_any_size_in_a_file:
        free |= {2: "height", 3: "width"}
    return export_onnx(
        network.as_file(size),
        (1, 3, size[1], size[0]),
        names=(["images"], ["boxes", "scores"]),
        free_axes={"images": free},
    )


def with_notes(model: bytes, notes: dict[str, str]) -> bytes:
    """An ONNX file with notes: field 14 of its outermost message, whose entries may stand at the end of the file, so
    that no package for ONNX is needed."""
    for key, value in notes.items():
        entry = _field(1, key.encode()) + _field(2, value.encode())
        model += _field(14, entry)
    return model


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes as protobuf writes it."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
