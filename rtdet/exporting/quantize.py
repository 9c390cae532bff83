"""Networks in int8, by NNCF: what each layer gives is measured on pictures, and its range divided into 256 steps.

Only what comes before the last convolutions and matrix products is quantised. Behind them boxes are computed, and 256
steps over a picture would be some pixels each.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rtdet.backends.graphs import inspect_graph
from rtdet.backends.network import Tensor
from rtdet.backends.onnx_loading import load_onnxruntime
from rtdet.backends.openvino import load_openvino, read_graph
from rtdet.errors import ModelError
from rtdet.extras import require

_HEAVY = {
    "Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData", "MatMul",
    "Conv", "ConvTranspose", "Gemm",
}  # fmt: skip

Inputs = Sequence[tuple[Tensor, ...]]


def quantize_graph(path: Path, shapes: Sequence[Sequence[int]], inputs: Inputs) -> Any:
    """The network in `path` as an openvino.Model in int8. shapes: of its inputs. inputs: what it gets for each of the
    pictures that it is measured on. Raises ModelError where it cannot be quantised."""
    from rtdet.exporting.converting import fix_shapes

    nncf = load_nncf()
    graph = read_graph(path)
    fix_shapes(graph, shapes)
    links = {
        node.get_friendly_name(): (
            node.get_type_name(),
            [value.get_node().get_friendly_name() for value in node.input_values()],
        )
        for node in graph.get_ordered_ops()
    }
    kept = {
        name for name in behind_the_last(links) if links[name][0] not in ("Constant", "Result", "Parameter")
    }
    notes = inspect_graph(path).metadata
    made = _quantized(nncf, graph, [_one_or_list(one) for one in inputs], kept, path)
    info = made.get_rt_info()
    known = info["framework"] if "framework" in info else {}  # noqa: SIM401 - it is no dict
    for key, value in notes.items():  # NNCF leaves out what the file says of itself
        if key not in known:
            made.set_rt_info(value, ["framework", key])
    return made


def quantize_onnx(path: Path, inputs: Inputs) -> bytes:
    """The ONNX file in int8, as QDQ. Raises as `quantize_graph` does."""
    load_onnxruntime()  # before NNCF does
    nncf = load_nncf()
    import onnx

    model = onnx.load(str(path))
    makers = {name: node.name for node in model.graph.node for name in node.output}
    links = {
        node.name: (node.op_type, [makers[name] for name in node.input if name in makers])
        for node in model.graph.node
    }
    names = [one.name for one in model.graph.input]
    data = [dict(zip(names, one, strict=True)) for one in inputs]
    notes = [(one.key, one.value) for one in model.metadata_props]
    made = _quantized(nncf, model, data, behind_the_last(links), path)
    known = {one.key for one in made.metadata_props}
    for key, value in notes:  # NNCF leaves out what the file says of itself
        if key not in known:
            made.metadata_props.add(key=key, value=value)
    content: bytes = made.SerializeToString()
    return content


def load_nncf() -> Any:
    """The nncf module, imported without its telemetry. Raises MissingExtraError without it."""
    require("quantise", "--precision int8", "nncf", "onnx", "onnxruntime")
    load_openvino()
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # even if another program has imported it
    import nncf

    logging.getLogger("nncf").setLevel(logging.ERROR)
    return nncf


def _quantized(nncf: Any, model: Any, data: list[Any], kept: set[str], path: Path) -> Any:
    from nncf.quantization.advanced_parameters import OverflowFix as overflow

    try:
        return nncf.quantize(
            model,
            nncf.Dataset(data),
            preset=nncf.QuantizationPreset.MIXED,  # for activations that are not even, as SiLU
            subset_size=len(data),
            # Half of the range for weights: without VNNI a processor's sums of 8-bit products overflow.
            advanced_parameters=nncf.AdvancedQuantizationParameters(overflow_fix=overflow.ENABLE),
            ignored_scope=nncf.IgnoredScope(names=sorted(kept), validate=False),
        )
    except Exception as error:  # of a dozen classes
        reason = f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"
        raise ModelError(f"{path} cannot be quantised: {reason:.200}") from error


def behind_the_last(links: dict[str, tuple[str, list[str]]]) -> set[str]:
    """The nodes of which no convolution or matrix product is computed. links: by name in the order of computation,
    each node's kind and the nodes that it is computed from."""
    before: set[str] = set()
    for name, (kind, sources) in reversed(links.items()):
        if kind in _HEAVY or name in before:
            before.add(name)
            before.update(sources)
    return set(links) - before


def _one_or_list(arrays: tuple[Tensor, ...]) -> Any:
    return arrays[0] if len(arrays) == 1 else list(arrays)
