"""OpenVINO: the default on CPUs.

Importing openvino imports its converter, which reports the import to Google Analytics through the package
openvino_telemetry and writes into the home folder. rtdet calls nobody: `load_openvino` imports it with that
package shut out, and torch modules go through OpenVINO's PyTorch front end directly, not the converter.
"""

from __future__ import annotations

import copy
import math
import re
import sys
import threading
import warnings
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdet.backends.cost import GraphCost, cost_of_graph
from rtdet.backends.devices import openvino_name
from rtdet.backends.forks import refuse_after_fork
from rtdet.backends.graph_files import IR, ONNX, graph_format
from rtdet.backends.hostile import refuse_hostile
from rtdet.backends.hostile_sizes import doubt_of_sizes
from rtdet.backends.hostile_trial import pass_trial
from rtdet.backends.machine import limited_cores
from rtdet.backends.network import (
    Inputs,
    Outputs,
    PixelInput,
    Shape,
    Shapes,
    as_shapes,
    in_one_tuple,
)
from rtdet.backends.openvino_request import Request
from rtdet.backends.placeholders import refuse_placeholder
from rtdet.cache import discard, is_whole, seal, seal_of, writable_cache
from rtdet.errors import ModelError, UsageError

if TYPE_CHECKING:
    import torch

_PRECISIONS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
_import_lock = threading.Lock()


def load_openvino() -> Any:
    """The openvino module, imported without its telemetry."""
    with _import_lock:
        # None makes the import of that name fail, which openvino answers with a stub that sends nothing.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import openvino

    return openvino


_CORE_LOCK = threading.Lock()


def _core() -> Any:
    """OpenVINO's core, one for the life of the process. Its CPU plugin gives the thread that loads it a stack for
    signals, and takes the memory back when the last core goes, from whatever thread that is: the next Ctrl-C would
    then crash the process."""
    with _CORE_LOCK:
        return _new_core()


@cache
def _new_core() -> Any:
    return load_openvino().Core()


def open_openvino(
    model: Any, shapes: Shapes, device: str, precision: str, pixels: PixelInput | None = None
) -> OpenVinoNetwork:
    """`model`: a torch module, the path of a file, or a graph (openvino.Model), whose name is that of its file."""
    ov = load_openvino()
    precision = _choose_precision(device, precision)
    is_graph, is_file = isinstance(model, ov.Model), isinstance(model, Path)
    what = model.get_friendly_name() if is_graph else str(model) if is_file else type(model).__name__
    try:
        graph = model if is_graph else read_graph(model) if is_file else _from_torch(model, shapes)
        fixed = _with_fixed_inputs(ov, graph, shapes)
        if isinstance(model, Path):
            _refuse_huge(fixed, model)
        if pixels is not None:
            fixed = _with_pixels(ov, fixed, pixels)
        kept_as = f"{what} {pixels}" if is_graph or is_file else None
        return OpenVinoNetwork(fixed, device, precision, what, kept_as)
    except ModelError:
        raise
    except Exception as error:  # OpenVINO raises RuntimeError and several classes of its own
        where = "" if device == "cpu" else f" on {device} (the CPU may: --device cpu)"
        raise ModelError(f"OpenVINO cannot run {what}{where}: {_reason(error)}") from error


def available_devices() -> dict[str, str]:
    """OpenVINO's devices of this machine, by its own names (CPU, GPU.0, NPU), with their makers' names for them."""
    core = _core()
    return {name: str(core.get_property(name, "FULL_DEVICE_NAME")) for name in core.available_devices}


def native_precisions() -> tuple[str, ...]:
    """The precisions that the CPU has instructions for, such as ("fp32", "bf16", "int8")."""
    native = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return tuple(name for name in ("fp32", "bf16", "fp16", "int8") if name.upper() in native)


def _choose_precision(device: str, wanted: str) -> str:
    """bf16 halves the time on CPUs that have it; elsewhere it would be emulated, so `auto` takes fp32. GPUs and NPUs
    have fp16."""
    first = _first_of(openvino_name(device))
    native = _core().get_property(first, "OPTIMIZATION_CAPABILITIES")
    if wanted == "auto":
        quick = "bf16" if first == "CPU" else "fp16"
        return quick if quick.upper() in native else "fp32"
    if wanted.upper() not in native and (wanted != "fp32" or first.startswith("NPU")):
        what = "this CPU" if first == "CPU" else device
        other = "" if first.startswith("NPU") else " or fp32"
        raise UsageError(f"{what} has no native {wanted}; use --precision auto{other}")
    return wanted


def _first_of(name: str) -> str:
    """The device that a name of OpenVINO's means, the first of several: GPU of HETERO:GPU,CPU. AUTO takes a GPU where
    there is one."""
    virtual, _, several = name.partition(":")
    if virtual == "AUTO" and (not several or several.startswith("-")):
        return next((one for one in _core().available_devices if one.startswith("GPU")), "CPU")
    return (several or virtual).split(",")[0].partition("(")[0]


def read_graph(path: Path) -> Any:
    """A network's file (graph_files.FORMATS) as an openvino.Model. Raises ModelError naming the file."""
    refuse_after_fork()
    load_openvino()
    from openvino.frontend import FrontEndManager

    if not path.is_file():
        raise ModelError(f"there is no model file {path}")
    refuse_placeholder(path)
    kind = graph_format(path) or ONNX
    if kind is IR:
        _refuse_without_weights(path)
    if kind in (ONNX, IR):
        refuse_hostile(path)
    try:
        # The front end by name: Core.read_model would try all of them on a damaged file, noisily.
        front_end = FrontEndManager().load_by_framework(kind.front_end)
        return front_end.convert(front_end.load(str(path)))
    except Exception as error:
        if (unknown := re.search(r"No conversion rule found for operations: (.*)", str(error))) is not None:
            raise ModelError(
                f"{path} uses operators that OpenVINO does not have: {unknown[1].strip()}; export the detector "
                "without its post-processing, or without the plug-ins of another runtime"
            ) from error
        message = f"{path} is not a readable {kind.title} network, or it is damaged: {_reason(error)}"
        raise ModelError(message) from error


def fixed_graph(path: Path, shapes: Shapes) -> Any:
    """A network's file as an openvino.Model for inputs of exactly `shapes`, float32 in and out. Raises ModelError."""
    graph = _with_fixed_inputs(load_openvino(), read_graph(path), shapes)
    _refuse_huge(graph, path)
    return graph


def run_once(graph: Any, inputs: Inputs) -> Outputs:
    """What a graph gives for its inputs, in fp32; compiled for this one run. Raises RuntimeError."""
    compiled = _core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled(list(in_one_tuple(inputs)))
    return tuple(found[i] for i in range(len(compiled.outputs)))


def _refuse_without_weights(path: Path) -> None:
    weights = path.with_suffix(".bin")
    if not weights.is_file():
        raise ModelError(f"{path} has no {weights.name} beside it: its weights are missing")
    refuse_placeholder(weights)


def _from_torch(module: torch.nn.Module, shapes: Shapes) -> Any:
    """The module traced with zeros. Needs tensor outputs: one, or a tuple or list of them."""
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations and tracer notes are not the user's concern
        frozen = copy.deepcopy(module).eval().cpu()
        # Traced here rather than by the decoder, which would run the network twice more to check itself.
        traced = torch.jit.trace(frozen, tuple(map(torch.zeros, shapes)), strict=False, check_trace=False)  # type: ignore[no-untyped-call]
        decoder = TorchScriptPythonDecoder(traced, shared_memory=False)
        front_end = FrontEndManager().load_by_framework("pytorch")
        return front_end.convert(front_end.load(decoder))


def save_graph(module: torch.nn.Module, shape: Shape | Shapes, path: Path) -> None:
    """Writes a torch module as an OpenVINO graph, `path` (.xml) with its .bin, float32. Raises ModelError for
    a module that cannot be converted, OSError where nothing can be written."""
    ov = load_openvino()
    try:
        graph = _with_fixed_inputs(ov, _from_torch(module, as_shapes(shape)), as_shapes(shape))
    except Exception as error:
        raise ModelError(f"OpenVINO cannot run {type(module).__name__}: {_reason(error)}") from error
    try:
        ov.serialize(graph, str(path), str(path.with_suffix(".bin")))
    except RuntimeError as error:
        raise OSError(_reason(error)) from error


def _with_fixed_inputs(ov: Any, graph: Any, shapes: Shapes) -> Any:
    """The graph for inputs of exactly `shapes`, float32 in and out (integers out stay). A graph made for another
    size is changed to this one where its layers allow that. Raises ModelError where they do not."""
    if len(graph.inputs) != len(shapes):
        raise ModelError(f"it has {len(graph.inputs)} inputs, and is to be given {len(shapes)}")
    made_for = [port.partial_shape for port in graph.inputs]
    if made_for != [ov.PartialShape(list(shape)) for shape in shapes]:
        try:
            graph.reshape({port: list(shape) for port, shape in zip(graph.inputs, shapes, strict=True)})
        except RuntimeError as error:
            takes, given = (", ".join(map(str, of)) for of in (made_for, map(list, shapes)))
            raise ModelError(f"the network takes {takes}, not {given}") from error
    if any(port.get_element_type() != ov.Type.f32 for port in (*graph.inputs, *graph.outputs)):
        steps = ov.preprocess.PrePostProcessor(graph)
        for i in range(len(graph.inputs)):
            steps.input(i).tensor().set_element_type(ov.Type.f32)
        for i, port in enumerate(graph.outputs):
            if port.get_element_type().is_real():
                steps.output(i).tensor().set_element_type(ov.Type.f32)
        graph = steps.build()
    return graph


def _with_pixels(ov: Any, graph: Any, pixels: PixelInput) -> Any:
    """The graph with a picture's pixels in place of one input: uint8 (1, H, W, 3) BGR, or (H, W, 3) where the input
    has no axis for a batch."""
    layout, formats = pixels.layout.upper(), ov.preprocess.ColorFormat
    steps = ov.preprocess.PrePostProcessor(graph)
    picture = steps.input(pixels.index)
    of_tensor = (
        picture.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout(layout.replace("C", "") + "C"))
    )
    of_tensor.set_color_format(formats.BGR)
    picture.model().set_layout(ov.Layout(layout))
    inside = picture.preprocess()
    is_scaled = any(pixels.offset) or any(value != 1 for value in pixels.std)
    if is_scaled or pixels.color == "gray":
        inside.convert_element_type(ov.Type.f32)
    if pixels.color != "bgr":
        inside.convert_color({"rgb": formats.RGB, "gray": formats.GRAY}[pixels.color])
    if is_scaled:
        inside.mean(list(pixels.offset[: pixels.channels])).scale(list(pixels.std[: pixels.channels]))
    return steps.build()


def _discard_damaged(cache: Path, key: Path | None) -> None:
    """Takes compiled networks that are no longer what OpenVINO wrote out of its cache: it reads them unchecked, and
    then finds nothing in any picture, or crashes. `key` lists those of one network; without it all are looked at."""
    blobs = list(cache.glob("*.blob"))
    listed = key.read_text(encoding="ascii").split() if key is not None and key.is_file() else None
    for blob in blobs:
        is_sealed = seal_of(blob).exists()
        if not is_sealed or ((listed is None or blob.name in listed) and not is_whole(blob)):
            discard(blob)


def _seal_new(cache: Path, key: Path | None) -> None:
    new = [blob for blob in cache.glob("*.blob") if not seal_of(blob).exists()]
    for blob in new:
        seal(blob)
    if new and key is not None:
        key.write_text(" ".join(blob.name for blob in new), encoding="ascii")


# A gigabyte in single precision.
_MOST_VALUES = 2**28


def _refuse_huge(graph: Any, path: Path) -> None:
    for node in graph.get_ops():
        for port in node.outputs():
            shape = port.partial_shape
            if shape.is_static and shape.get_shape() and math.prod(shape.get_shape()) > _MOST_VALUES:
                raise ModelError(
                    f"{path} needs over 1 GB for one layer of {shape.to_string()}; use a smaller --imgsz"
                )
    if doubt := doubt_of_sizes(graph):
        pass_trial(path, doubt)


def _settings_of(name: str) -> dict[str, Any]:
    """What else a device of OpenVINO's is told, by its name."""
    if name == "CPU":
        # Decoding and encoding run beside inference: the system's scheduler places threads better.
        return {"ENABLE_CPU_PINNING": False}
    if name.startswith("AUTO"):
        # Else it begins on the CPU and goes over to a GPU at some moment: two runs would differ.
        return {"ENABLE_STARTUP_FALLBACK": False}
    return {}


class OpenVinoNetwork:
    """A graph compiled twice, when first needed: for one input at a time with every core on it, and for
    many with one core on each of several (on two cores that gives a seventh to a third more a second)."""

    backend = "openvino"

    def __init__(
        self, graph: Any, device: str, precision: str, what: str, kept_as: str | None = None
    ) -> None:
        """`kept_as` tells the graph's compiled forms in the cache from those of others, as does what it is compiled
        for."""
        self.device, self.precision, self._what, self._kept_as = device, precision, what, kept_as
        self._core, self._native = _core(), openvino_name(device)
        self._graph = graph
        self._networks: dict[str, tuple[Any, int]] = {}
        self._idle: dict[str, list[Request]] = {"LATENCY": [], "THROUGHPUT": []}
        self._lock = threading.Lock()
        self._compiled("LATENCY")  # here, so that a network that cannot run is found at once

    def _borrow(self, hint: str) -> list[Request]:
        """Requests that nobody else runs: those that are idle, or new ones where another run has them."""
        compiled, count = self._compiled(hint)
        with self._lock:
            borrowed, self._idle[hint] = self._idle[hint][:count], self._idle[hint][count:]
        return borrowed or [Request(compiled) for _ in range(count)]

    def _give_back(self, hint: str, requests: Iterable[Request]) -> None:
        with self._lock:
            if self._graph is not None:
                self._idle[hint] += requests

    def _compiled(self, hint: str) -> tuple[Any, int]:
        """The compiled network, and how many of its requests a run needs."""
        if self._graph is None:
            raise ModelError(f"{self._what} was closed")
        if hint not in self._networks:
            settings = {
                "PERFORMANCE_HINT": hint,
                "INFERENCE_PRECISION_HINT": _PRECISIONS[self.precision],
                **_settings_of(self._native),
            }
            if (cores := limited_cores()) is not None:
                settings["INFERENCE_NUM_THREADS"] = cores
            compiled = self._compile(settings)
            count = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
            # One waits its turn while the others run.
            self._networks[hint] = compiled, 1 if hint == "LATENCY" else count + 1
        return self._networks[hint]

    def _compile(self, settings: dict[str, Any]) -> Any:
        cache = writable_cache("openvino")
        if cache is not None:
            key = None
            if self._kept_as is not None:
                shapes = " ".join(str(port.partial_shape) for port in self._graph.inputs)
                text = f"{self._kept_as} {shapes} {self._native} {sorted(settings.items())}"
                key = cache / f"{zlib.crc32(text.encode(errors='surrogateescape')):08x}.key"
            try:
                _discard_damaged(cache, key)
                compiled = self._core.compile_model(
                    self._graph, self._native, {**settings, "CACHE_DIR": str(cache)}
                )
                _seal_new(cache, key)
                return compiled
            except Exception:  # a full disk, a damaged cache: go on without one
                pass
        return self._core.compile_model(self._graph, self._native, settings)

    def run_many(self, inputs: Iterable[Inputs]) -> Iterator[Outputs]:
        refuse_after_fork()
        arrays = iter(inputs)
        first = next(arrays, None)
        if first is None:
            return
        second = next(arrays, None)
        if second is None:
            yield from self._run("LATENCY", [first])
        else:
            yield from self._run("THROUGHPUT", chain([first, second], arrays))

    def _run(self, hint: str, arrays: Iterable[Inputs]) -> Iterator[Outputs]:
        free, running, waiting = deque(self._borrow(hint)), deque[Request](), iter(arrays)
        try:
            while True:
                # First: what goes in is taken when there is room for it.
                done = None if free else self._collect(running, free)
                array = next(waiting, None)
                if array is not None:
                    self._start(free[0], array)
                    running.append(free.popleft())
                if done is not None:
                    yield done
                if array is None:
                    break
            while running:
                yield self._collect(running, free)
        finally:
            for request in running:  # left early: the next run starts with requests that have ended
                with suppress(RuntimeError):
                    request.wait()
            self._give_back(hint, (*free, *running))

    def _start(self, request: Request, inputs: Inputs) -> None:
        if self._graph is None:
            raise ModelError(f"{self._what} was closed")
        try:
            request.start(inputs)
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"OpenVINO failed on {self._what}: {_reason(error)}") from error

    def _collect(self, running: deque[Request], free: deque[Request]) -> Outputs:
        """What the first of those that run gave; it is free then."""
        try:
            running[0].wait()
        except RuntimeError as error:
            raise ModelError(f"OpenVINO failed on {self._what}: {_reason(error)}") from error
        free.append(running.popleft())
        return free[-1].outputs()

    @property
    def cost(self) -> GraphCost:
        """What the network costs for the input that it was opened for."""
        if self._graph is None:
            raise ModelError(f"{self._what} was closed")
        return cost_of_graph(self._graph)

    def close(self) -> None:
        with self._lock:
            self._graph = None
            self._networks.clear()
            self._idle = {hint: [] for hint in self._idle}


def _reason(error: BaseException) -> str:
    """OpenVINO's messages are a stack of lines; the last says what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
