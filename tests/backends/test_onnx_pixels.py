from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from rtdet.backends.network import PixelInput
from rtdet.backends.onnx_pixels import with_pixels
from rtdet.backends.pixels import as_input

SHAPE = (1, 3, 20, 30)


def model(opset: int = 17) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Add", ["picture", "further"], ["out"])],
        "sum",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in ("picture", "further")],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, SHAPE)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.mark.parametrize("opset", [9, 11, 17, 21])
def test_a_network_of_any_opset_takes_pixels_where_it_took_numbers(opset: int, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    onnx.save(model(opset), tmp_path / "m.onnx")
    pixels = PixelInput(0, "rgb", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    content = with_pixels(tmp_path / "m.onnx", pixels, SHAPE)
    assert content is not None
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    first, second = session.get_inputs()
    assert (first.type, tuple(first.shape)) == ("tensor(uint8)", (1, 20, 30, 3))
    picture = np.random.default_rng(0).integers(0, 256, (1, 20, 30, 3), dtype=np.uint8)
    (out,) = session.run(None, {first.name: picture, second.name: np.ones(SHAPE, np.float32)})
    np.testing.assert_allclose(out, as_input(picture[0], pixels) + 1, atol=1e-5)


def test_an_old_network_and_one_in_several_files_stay_as_they_are(tmp_path: Path) -> None:
    assert with_pixels(model(8).SerializeToString(), PixelInput(), SHAPE) is None
    large = model()
    large.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(4096, np.float32), "weights"))
    onnx.save(large, tmp_path / "m.onnx", save_as_external_data=True, size_threshold=0)
    assert with_pixels(tmp_path / "m.onnx", PixelInput(), SHAPE) is None
