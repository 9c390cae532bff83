"""YOLOX (Ge et al. 2021, arXiv:2107.08430) from any ONNX or OpenVINO file.

Input (1, 3, H, W): BGR, 0 to 255, the picture at the top left, the rest 114. Output (1, A, 5+C): for each
cell of the strides 8, 16, 32 (and 64 in P6 models) the centre and size, the objectness and C class scores,
undecoded as YOLOX's own export leaves them or decoded; which of the two is found out by running it once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rtdet.backends import Network, open_network
from rtdet.backends.network import Tensor
from rtdet.backends.openvino import GraphInfo, inspect_graph
from rtdet.config import MAX_IMGSZ
from rtdet.detectors.batching import input_size, runs_of_one_size
from rtdet.detectors.names import class_names
from rtdet.detectors.selection import select, strongest, wanted_class
from rtdet.detectors.yolo.decode import Grid, best_classes, decode, grid_for, is_decoded
from rtdet.errors import ModelError, UsageError
from rtdet.geometry.letterbox import Letterbox, letterbox
from rtdet.types import Detections, Image, InputSize, Thresholds

# YOLOX-nano and -tiny were trained at 416 and the larger ones at 640; their files differ as clearly.
_SMALL_INPUT, _LARGE_INPUT, _LARGE_FILE = 416, 640, 25_000_000
_STRIDE = 32

Size = tuple[int, int]


class YoloxDetector:
    """A YOLOX model as a Detector.

    Where the network can be given another input shape (with OpenVINO, or by a dynamic export) it runs on a
    rectangle of the picture's aspect and at any `imgsz`; else on the shape that it was exported for.
    """

    def __init__(
        self,
        path: Path,
        *,
        thresholds: Thresholds | None = None,
        device: str = "auto",
        backend: str = "auto",
        precision: str = "auto",
        imgsz: int | None = None,
    ) -> None:
        self.thresholds = thresholds or Thresholds()
        self._path = path
        self._options = {"backend": backend, "device": device, "precision": precision}
        self._heads: dict[Size, _Head] = {}
        self._closed = False
        if imgsz is not None and imgsz < 64:
            raise UsageError(f"--imgsz {imgsz} is too small for a YOLOX model; use 64 or more")
        graph = inspect_graph(path)
        exported = _exported_size(path, graph)
        if exported is not None and max(exported) > MAX_IMGSZ and imgsz is None:
            made_for = f"{exported[0]}x{exported[1]}"
            raise ModelError(
                f"{path} was exported for {made_for} pixels, over {MAX_IMGSZ}; give a smaller --imgsz"
            )
        self._long_side = _long_side(path, imgsz, exported)
        self._fixed: Size | None = None
        head = self._first_head(exported, imgsz)
        self.input_size = InputSize(_long_side(path, None, exported), is_fixed=self._fixed is not None)
        self.class_names: Sequence[str] = class_names(path, head.class_count, graph.metadata)

    @property
    def network(self) -> Network:
        """The network in use: its backend, device and precision."""
        return next(iter(self._heads.values())).network

    def _first_head(self, exported: Size | None, imgsz: int | None) -> _Head:
        """Opened at once, so that a wrong file or device fails here and not on the first frame."""
        wide = input_size(16, 9, self._long_side)
        if exported is None:
            return self._head(wide)
        try:
            return self._head(wide)
        except ModelError:  # made for its own shape only, or no YOLOX at all
            if max(exported) > MAX_IMGSZ:
                raise
            head = self._head(exported)
        if imgsz is not None and imgsz != max(exported):
            shape = f"{exported[0]}x{exported[1]}"
            raise UsageError(f"{self._path} runs at {shape} pixels only; omit --imgsz")
        self._fixed = exported
        return head

    def _head(self, size: Size) -> _Head:
        if self._closed:
            raise ModelError(f"{self._path} was closed")
        if size not in self._heads:
            self._heads[size] = _open_head(self._path, size, self._options)
        return self._heads[size]

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        if self._fixed is not None:
            return list(self._detect_same_size(images, self._fixed))
        found: list[Detections] = []
        for size, batch in runs_of_one_size(images, self._long_side, _STRIDE):
            found.extend(self._detect_same_size(batch, size))
        return found

    def _detect_same_size(self, images: Iterable[Image], size: Size) -> Iterator[Detections]:
        head = self._head(size)
        maps: list[Letterbox] = []

        def inputs() -> Iterator[Tensor]:
            for image in images:
                fitted, back = letterbox(image, size)
                maps.append(back)
                yield np.asarray(cv2.dnn.blobFromImage(fitted), dtype=np.float32)

        for i, outputs in enumerate(head.network.run_many(inputs())):
            yield self._postprocess(outputs[0][0], head, maps[i])

    def _postprocess(self, rows: Tensor, head: _Head, back: Letterbox) -> Detections:
        thresholds = self.thresholds
        index, scores, labels = best_classes(rows, thresholds.least_score)
        wanted = np.flatnonzero(wanted_class(labels, thresholds, self.class_names))
        keep = strongest(scores[wanted], wanted)
        boxes = back.undo(decode(rows, head.grid, index[keep], decoded=head.decoded))
        return select(boxes, scores[keep], labels[keep], thresholds, self.class_names)

    def close(self) -> None:
        self._closed = True
        for head in self._heads.values():
            head.network.close()


@dataclass(frozen=True)
class _Head:
    """A network compiled for one input size, and what its output means there."""

    network: Network
    grid: Grid
    decoded: bool
    class_count: int


def _open_head(path: Path, size: Size, options: Mapping[str, str]) -> _Head:
    """Compiles the network and runs it once on grey. Raises ModelError if its output is not YOLOX's."""
    network = open_network(path, (1, 3, size[1], size[0]), **options)
    gray = np.full((1, 3, size[1], size[0]), 114, dtype=np.float32)
    outputs = next(iter(network.run_many([gray])))
    shapes = [tuple(output.shape) for output in outputs]
    grid = grid_for(size, shapes[0][1]) if _looks_like_yolox(shapes) else None
    if grid is None:
        network.close()
        raise _not_yolox(path, shapes, {})
    decoded = is_decoded(outputs[0][0], grid)
    if decoded and network.precision != "fp32" and options["precision"] == "auto":
        # Pixel positions up to 640 do not fit into bf16's 8 significant bits: boxes would jump by 2 pixels.
        network.close()
        network = open_network(path, (1, 3, size[1], size[0]), **{**options, "precision": "fp32"})
    return _Head(network, grid, decoded, shapes[0][2] - 5)


def _exported_size(path: Path, graph: GraphInfo) -> Size | None:
    """(width, height) of the input that a graph was exported for; None if it leaves that open. Raises
    ModelError for graphs that cannot be YOLOX whatever their input."""
    takes_pictures = len(graph.inputs) == 1 and len(graph.inputs[0]) == 4 and graph.inputs[0][1] in (3, None)
    if not takes_pictures:
        raise ModelError(f"{path} is not a YOLOX model: inputs {_show(graph.inputs)}, expected (1, 3, H, W)")
    if not _looks_like_yolox(graph.outputs):
        raise _not_yolox(path, graph.outputs, graph.metadata)
    height, width = graph.inputs[0][2:]
    if width and height:
        _refuse_anchors(path, (width, height), graph)
    return None if width is None or height is None else (width, height)


def _looks_like_yolox(shapes: Sequence[tuple[int | None, ...]]) -> bool:
    if len(shapes) != 1 or len(shapes[0]) != 3:
        return False
    batch, _, columns = shapes[0]
    return batch in (1, None) and (columns is None or columns >= 6)


def _long_side(path: Path, imgsz: int | None, exported: Size | None) -> int:
    if imgsz is not None:
        return math.ceil(imgsz / _STRIDE) * _STRIDE
    if exported is not None:
        return max(exported)
    return _LARGE_INPUT if path.stat().st_size > _LARGE_FILE else _SMALL_INPUT


def _refuse_anchors(path: Path, size: Size, graph: GraphInfo) -> None:
    """YOLOv5 has the columns of YOLOX, and three rows where that has one. Raises ModelError."""
    rows = graph.outputs[0][1]
    if rows and rows % 3 == 0 and grid_for(size, rows // 3) is not None and grid_for(size, rows) is None:
        raise ModelError(f"{path} is a YOLOv5 export, not YOLOX: three anchors in each cell; {_INSTEAD}")


_INSTEAD = "rtdet runs YOLOX and SSDs, `rtdet models` lists some"


def _not_yolox(
    path: Path, outputs: Sequence[tuple[int | None, ...]], metadata: Mapping[str, str]
) -> ModelError:
    about = " ".join(metadata.values()).lower()
    if "ultralytics" in about:
        found = re.search(r"yolo(?:v\d+|\d+)", about)
        kind = f"a {found[0].replace('yolo', 'YOLO')} export" if found else "an export"
        return ModelError(f"{path} is {kind} of Ultralytics, not YOLOX; {_INSTEAD}")
    if len(outputs) == 1 and len(outputs[0]) == 3 and (outputs[0][1] or 9999) < (outputs[0][2] or 0):
        return ModelError(
            f"{path} is a YOLOv8 export or a later one, not YOLOX: outputs {_show(outputs)}; {_INSTEAD}"
        )
    return ModelError(f"{path} is not a YOLOX model: outputs {_show(outputs)}, expected (1, A, 5+C)")


def _show(shapes: Sequence[tuple[int | None, ...]]) -> str:
    texts = ["(" + ", ".join("?" if side is None else str(side) for side in shape) + ")" for shape in shapes]
    return ", ".join(texts[:3]) + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")
