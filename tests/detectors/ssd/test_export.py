"""The ONNX graph beside the weights says the same as torch, and belongs to these weights."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from rtdet.backends import open_network
from rtdet.detectors.family.graph import WEIGHTS_KEY, graph_of
from rtdet.detectors.ssd.architectures import build_network
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.export import export_beside
from rtdet.detectors.ssd.weights import load_weights, read_config, save_weights

MODELS = Path(__file__).resolve().parents[3] / "models"
EMBEDDED = MODELS / "rtdet-n.safetensors"
# Of outputs up to some 20 in size: offsets in priors' variances, and logits.
TOLERANCE = 5e-4


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("size", [(416, 256), (416, 416), (256, 416), (640, 384)])
def test_the_embedded_graph_computes_what_torch_computes(backend, size):
    shape = (1, 3, size[1], size[0])
    picture = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    with torch.no_grad():
        expected = [output.numpy() for output in load_weights(EMBEDDED)(torch.from_numpy(picture))]
    network = open_network(MODELS / "rtdet-n.onnx", shape, backend=backend, device="cpu", precision="fp32")
    (outputs,) = network.run_many([picture])
    network.close()
    for ours, theirs in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)


def test_the_embedded_graph_was_made_of_the_embedded_weights():
    notes = {entry.key: entry.value for entry in onnx.load(MODELS / "rtdet-n.onnx").metadata_props}
    assert notes[WEIGHTS_KEY] == hashlib.sha256(EMBEDDED.read_bytes()).hexdigest()
    config = read_config(EMBEDDED)
    assert SSDConfig.from_dict(json.loads(notes["config"])) == config
    assert tuple(json.loads(notes["names"])) == config.class_names
    assert graph_of(EMBEDDED, (1, 3, 64, 64), "openvino") == MODELS / "rtdet-n.onnx"


def test_exporting_the_same_weights_twice_gives_the_same_bytes(tmp_path):
    weights = Path(shutil.copy(EMBEDDED, tmp_path))
    first = export_beside(weights).read_bytes()
    assert export_beside(weights).read_bytes() == first
    assert sorted(path.name for path in tmp_path.glob("rtdet-n*")) == ["rtdet-n.onnx", "rtdet-n.safetensors"]


def test_a_graph_of_other_weights_is_not_used(tmp_path):
    weights = Path(shutil.copy(EMBEDDED, tmp_path))
    graph = export_beside(weights)
    assert graph_of(weights, (1, 3, 64, 64), "onnxruntime") == graph
    changed = load_weights(weights)
    changed.rescale_scores(0.5, 0.0)
    save_weights(changed, weights)
    assert graph_of(weights, (1, 3, 64, 64), "onnxruntime") is None
    made = graph_of(weights, (1, 3, 64, 64), "openvino")
    assert made is not None
    assert made.suffix == ".xml"


def test_a_network_of_one_input_size_keeps_it_in_its_graph(tmp_path):
    torch.manual_seed(0)
    config = SSDConfig(("a", "b"), (8, 8, 8, 8, 8), (1, 1, 1), 8, input_size=(96, 64))
    save_weights(build_network(config), tmp_path / "small.safetensors")
    graph = onnx.load(export_beside(tmp_path / "small.safetensors"))
    sides = graph.graph.input[0].type.tensor_type.shape.dim
    assert [side.dim_value or side.dim_param for side in sides] == ["batch", 3, 64, 96]
