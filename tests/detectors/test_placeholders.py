"""Files that are no model at all, and models of others, are called what they are."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rtdet.detectors.registry import load_detector
from rtdet.errors import ModelError

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 3678356\n"


@pytest.mark.parametrize("suffix", [".onnx", ".pth", ".safetensors", ".xml"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (POINTER, "is a Git LFS pointer, not the model itself: run `git lfs pull`"),
        (b"", r"is empty \(0 bytes\)"),
        (b"<!DOCTYPE html><html>", "is a web page, not a model"),
    ],
)
def test_a_file_in_the_place_of_a_model_is_called_what_it_is(tmp_path, suffix, content, said):
    path = tmp_path / f"m{suffix}"
    path.write_bytes(content)
    path.with_suffix(".bin").write_bytes(b"x")
    with pytest.raises(ModelError, match=said):
        load_detector(path)


def save_constant(path, shape, metadata=()):
    """A network of 64 x 64 pixels whose output is always the same, of `shape`."""
    value = numpy_helper.from_array(np.zeros(shape, np.float32), "value")
    nodes = [
        helper.make_node("ReduceMax", ["images"], ["most"], keepdims=0),
        helper.make_node("Add", ["most", "value"], ["output"]),
    ]
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, 64, 64))],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, shape)],
            [value],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    helper.set_model_props(made, dict(metadata))
    onnx.save(made, path)
    return path


@pytest.mark.parametrize(
    ("shape", "metadata", "said"),
    [
        ((1, 252, 85), {}, "is a YOLOv5 export, not YOLOX"),
        ((1, 40, 84), {}, "is a YOLOv8 export or a later one, not YOLOX"),
        (
            (1, 84, 84, 2),
            {"description": "Ultralytics YOLO11n model"},
            "is a YOLO11 export of Ultralytics, not YOLOX",
        ),
        ((1, 84, 84, 2), {"author": "Ultralytics"}, "is an export of Ultralytics, not YOLOX"),
    ],
)
def test_an_export_of_another_yolo_is_called_by_its_name(tmp_path, shape, metadata, said):
    with pytest.raises(ModelError, match=said):
        load_detector(save_constant(tmp_path / "m.onnx", shape, metadata))
