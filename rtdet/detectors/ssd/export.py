"""An SSD as ONNX beside its weights, for machines without torch. `make model` writes the embedded model's."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import onnx

from rtdet.backends.onnxruntime import export_onnx
from rtdet.detectors.family.graph import WEIGHTS_KEY, beside
from rtdet.detectors.ssd.module import SSDModule
from rtdet.detectors.ssd.weights import load_weights
from rtdet.output_file import write_whole


def export_beside(weights: Path) -> Path:
    """Writes NAME.onnx beside NAME.safetensors: float32; input "images" (B, 3, H, W), outputs "offsets" (B, P, 4) and
    "logits" (B, P, C), with H and W open where the network takes any input.

    Its metadata ties it to these weights by their hash, and holds the network's configuration. Raises ModelError for
    weights that cannot be read and OutputError where the file cannot be written.
    """
    path, model = beside(weights), load_weights(weights)
    notes = {
        WEIGHTS_KEY: hashlib.sha256(weights.read_bytes()).hexdigest(),
        "names": json.dumps(model.config.class_names),
        "config": json.dumps(model.config.as_dict(), sort_keys=True),
    }
    graph = _as_onnx(model)
    onnx.helper.set_model_props(graph, notes)
    onnx.checker.check_model(graph)
    write_whole(path, graph.SerializeToString())
    return path


def _as_onnx(model: SSDModule) -> onnx.ModelProto:
    width, height = model.config.input_size or (416, 256)
    free = {0: "batch"} if model.config.input_size else {0: "batch", 2: "height", 3: "width"}
    names = (["images"], ["offsets", "logits"])
    return onnx.load_from_string(
        export_onnx(model, (1, 3, height, width), names=names, free_axes={"images": free})
    )
