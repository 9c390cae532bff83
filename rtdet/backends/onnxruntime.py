"""ONNX Runtime: .onnx files anywhere, and torch modules exported in memory."""

from __future__ import annotations

import io
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rtdet.backends.devices import kind_of
from rtdet.backends.forks import refuse_after_fork
from rtdet.backends.graph_files import ONNX, graph_format
from rtdet.backends.hostile import refuse_hostile
from rtdet.backends.machine import core_count
from rtdet.backends.network import Inputs, Outputs, PixelInput, Shape, Shapes, as_shapes, in_one_tuple
from rtdet.backends.onnx_loading import load_onnxruntime
from rtdet.backends.onnx_pixels import with_pixels
from rtdet.backends.onnx_providers import Provider, start_session
from rtdet.backends.pixels import converted
from rtdet.backends.placeholders import refuse_placeholder
from rtdet.errors import ModelError, UsageError

if TYPE_CHECKING:
    import torch


# The others compile networks as they are, for numbers that they have, and keep what they compiled.
_WITH_PIXELS = ("cpu", "cuda")


def open_onnxruntime(
    model: torch.nn.Module | Path,
    shapes: Shapes,
    device: str,
    precision: str,
    pixels: PixelInput | None = None,
) -> OnnxRuntimeNetwork:
    onnxruntime = load_onnxruntime()
    if precision not in ("auto", "fp32") and not (precision == "fp16" and kind_of(device) == "tensorrt"):
        raise UsageError(
            f"ONNX Runtime uses the precision of the file; for {precision} use --backend openvino"
        )
    if isinstance(model, Path) and graph_format(model) is not ONNX:
        raise UsageError(f"ONNX Runtime cannot run {model.name}; use --backend openvino")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised
    options.intra_op_num_threads = core_count()
    what = str(model) if isinstance(model, Path) else type(model).__name__
    if isinstance(model, Path):
        refuse_placeholder(model)
        refuse_hostile(model, "onnxruntime")
    if kind_of(device) == "directml":
        options.enable_mem_pattern = False  # which it does not have
    precision = "fp32" if precision == "auto" else precision
    try:
        source = model if isinstance(model, Path) else export_onnx(model, shapes)
        graph = str(source) if isinstance(source, Path) else source
        if pixels is not None and kind_of(device) in _WITH_PIXELS:
            for_pixels = with_pixels(source, pixels, shapes[pixels.index])
            if for_pixels is not None:
                shapes = tuple(
                    pixels.picture_shape(shape) if i == pixels.index else shape
                    for i, shape in enumerate(shapes)
                )
                graph, pixels = for_pixels, None

        def make(providers: list[Provider]) -> Any:
            return onnxruntime.InferenceSession(graph, options, providers=providers, enable_fallback=0)

        session, device = start_session(make, device, precision)
    except Exception as error:
        raise ModelError(
            f"{what} is not a readable ONNX network, or it is damaged: {_short(error)}"
        ) from error
    return OnnxRuntimeNetwork(session, shapes, device, what, pixels, precision)


def export_onnx(
    module: torch.nn.Module,
    shape: Shape | Shapes,
    *,
    names: tuple[Sequence[str], Sequence[str]] | None = None,
    free_axes: Mapping[str, Mapping[int, str]] | None = None,
) -> bytes:
    """The module as ONNX, traced: this exporter needs no package beside torch.

    names: of the inputs and of the outputs. free_axes: by input, the axes whose length is left open, and their names.
    """
    import copy

    import torch

    stream: Any = io.BytesIO()
    inputs, outputs = names or (None, None)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = tuple(map(torch.zeros, as_shapes(shape)))
        module = copy.deepcopy(module).eval().cpu()
        torch.onnx.export(
            module, example, stream, dynamo=False, opset_version=17,
            input_names=inputs, output_names=outputs, dynamic_axes=free_axes,
        )  # fmt: skip
    return bytes(stream.getvalue())


class OnnxRuntimeNetwork:
    """A session with every core on one input at a time, in a thread of its own while the next is prepared."""

    backend = "onnxruntime"

    def __init__(
        self,
        session: Any,
        shapes: Shapes,
        device: str,
        what: str,
        pixels: PixelInput | None = None,
        precision: str = "fp32",
    ) -> None:
        self.device, self.precision, self._what, self._pixels = device, precision, what, pixels
        self._session = session
        ports = session.get_inputs()
        if len(ports) != len(shapes):
            raise ModelError(f"{what} has {len(ports)} inputs, and is to be given {len(shapes)}")
        for port, shape in zip(ports, shapes, strict=True):
            sides = zip(port.shape, shape, strict=False)
            if len(port.shape) != len(shape) or any(
                there != here for there, here in sides if isinstance(there, int)
            ):
                raise ModelError(f"{what} takes {port.shape}, not {list(shape)}")
        self._inputs = [(port.name, _dtype(port.type)) for port in ports]
        self._worker: ThreadPoolExecutor | None = ThreadPoolExecutor(1, thread_name_prefix="onnxruntime")

    def run_many(self, inputs: Iterable[Inputs]) -> Iterator[Outputs]:
        refuse_after_fork()
        running: deque[Future[Outputs]] = deque()
        try:
            for array in inputs:
                if self._worker is None:
                    raise ModelError(f"{self._what} was closed")
                running.append(self._worker.submit(self._run, array))
                if len(running) > 1:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()

    def _run(self, inputs: Inputs) -> Outputs:
        if self._pixels is not None:
            inputs = converted(inputs, self._pixels)
        arrays = zip(self._inputs, in_one_tuple(inputs), strict=True)
        try:
            outputs = self._session.run(
                None, {name: np.asarray(array, dtype=dtype) for (name, dtype), array in arrays}
            )
        except Exception as error:
            raise ModelError(f"ONNX Runtime failed on {self._what}: {_short(error)}") from error
        return tuple(o.astype(np.float32) if o.dtype == np.float16 else o for o in outputs)

    def close(self) -> None:
        if self._worker is not None:
            self._worker.shutdown(wait=True)
        self._worker = self._session = None


def _dtype(kind: str) -> Any:
    """NumPy's type for one of ONNX Runtime's, such as tensor(float16)."""
    name = kind.removeprefix("tensor(").removesuffix(")")
    return np.dtype({"float": "float32", "double": "float64"}.get(name, name))


def _short(error: BaseException) -> str:
    """ONNX Runtime's messages start with codes: what follows the last of them is for people."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rpartition(" : ")[2]
