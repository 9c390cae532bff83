"""From a network's file to one in int8: pictures in, a file that is measured before anybody keeps it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rtdet.backends.graph_files import ONNX, graph_format
from rtdet.backends.network import Tensor
from rtdet.datasets.sample import Sample
from rtdet.detectors.family.export import write_graph
from rtdet.detectors.graph_detector import GraphDetector
from rtdet.errors import UsageError
from rtdet.exporting.converting import described, note_names, with_names
from rtdet.exporting.price import price_of
from rtdet.exporting.quantize import load_nncf, quantize_graph, quantize_onnx
from rtdet.geometry.letterbox import letterbox
from rtdet.output_file import write_whole

__all__ = ["keep", "made", "price_of"]


@contextmanager
def made(
    source: Path, suffix: str, imgsz: int | None, pictures: Sequence[Sample], on_picture: Callable[[], None]
) -> Iterator[Path]:
    """The network in `source` quantised on pictures, as a file that is gone afterwards: an .xml with its .bin, or an
    .onnx. Raises ModelError for what cannot be quantised, UsageError for what cannot be made of it."""
    is_onnx = suffix.lower() == ".onnx"
    if is_onnx and graph_format(source) is not ONNX:
        raise UsageError(f"{source} is no ONNX file, and nothing makes one of it; use --format openvino")
    load_nncf()
    about = described(source, imgsz)
    inputs = _inputs(source, imgsz, pictures, on_picture)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"int8{suffix.lower()}"
        if is_onnx:
            write_whole(file, with_names(quantize_onnx(source, inputs), source, about.class_names))
        else:
            graph = quantize_graph(source, about.shapes, inputs)
            note_names(graph, about.class_names)
            write_graph(graph, file)
        yield file


def keep(file: Path, out: Path) -> None:
    """Writes what `made` made where the user wants it. Raises OutputError where it cannot be written."""
    if file.suffix == ".xml":
        write_whole(out.with_suffix(".bin"), file.with_suffix(".bin").read_bytes())
    write_whole(out, file.read_bytes())


def _inputs(
    source: Path, imgsz: int | None, pictures: Sequence[Sample], on_picture: Callable[[], None]
) -> list[tuple[Tensor, ...]]:
    """What the network gets for each picture, at the one size that it is quantised for."""
    detector = GraphDetector(source, device="cpu", backend="openvino", precision="fp32", imgsz=imgsz)
    found = []
    try:
        size: tuple[int, int] | None = None
        for sample in pictures:
            picture = sample.read()
            if size is None:
                size = detector.look(letterbox(picture, (64, 64))[0]).size
            found.append(detector.look(letterbox(picture, size)[0]).inputs)
            on_picture()
    finally:
        detector.close()
    return found
