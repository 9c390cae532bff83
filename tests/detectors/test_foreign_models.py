"""What cannot be opened says what it is and what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rtdet.detectors.registry import load_detector
from rtdet.errors import ModelError, UsageError
from rtdet.types import Thresholds
from tests.detectors.heads.makers import MAKERS, Made


def made(family: str, name: str) -> Made:
    return next(one for one in MAKERS[family]() if one.name == name)


def save_graph(path: Path, nodes: list, outputs: dict[str, tuple[int, ...]], constants: tuple = ()) -> Path:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [value("images", TensorProto.FLOAT, (1, 3, 64, 64))],
        [value(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        list(constants),
    )
    opsets = [helper.make_opsetid("", 16), helper.make_opsetid("TRT", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def save_shape(path: Path, shape: tuple[int, ...]) -> Path:
    zeros = numpy_helper.from_array(np.zeros(shape, np.float32), "zeros")
    nodes = [
        helper.make_node("ReduceMax", ["images"], ["most"], keepdims=0),
        helper.make_node("Add", ["most", "zeros"], ["output"]),
    ]
    return save_graph(path, nodes, {"output": shape}, (zeros,))


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((1, 1000), r"is a classifier of 1000 classes.*it gives no boxes; outputs output \(1, 1000\)"),
        ((1, 1000, 1, 1), "is a classifier of 1000 classes"),
        ((1, 21, 64, 64), "says something about each pixel"),
        ((1, 77, 9), r"has outputs of no detector that rtdet knows: output \(1, 77, 9\); nearest: .*--head"),
    ],
)
def test_a_network_that_is_no_known_detector_is_called_what_it_is(tmp_path, shape, said):
    with pytest.raises(ModelError, match=said) as error:
        load_detector(save_shape(tmp_path / "m.onnx", shape))
    assert "\n" not in str(error.value)


def test_operators_of_another_runtime_are_named(tmp_path):
    nodes = [helper.make_node("EfficientNMS_TRT", ["images"], ["o"], domain="TRT")]
    path = save_graph(tmp_path / "m.onnx", nodes, {"o": (1, 100, 6)})
    with pytest.raises(
        ModelError, match=r"uses operators that OpenVINO does not have: TRT\.EfficientNMS_TRT"
    ):
        load_detector(path)


def test_a_network_that_takes_no_pictures_is_refused(tmp_path):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [value("x", TensorProto.FLOAT, (1, 80))],
        [value("y", TensorProto.FLOAT, (1, 80))],
    )
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8), path)
    with pytest.raises(ModelError, match=r"takes no pictures: inputs \(1, 80\), expected \(1, 3, H, W\)"):
        load_detector(path)


def test_the_suffix_does_not_matter(tmp_path):
    path = made("yolov8", "pixels").save(tmp_path / "weights.model")
    detector = load_detector(path, device="cpu")
    assert detector.head_name == "yolov8"
    detector.close()


def test_an_unfit_head_says_what_it_expects_and_an_unfit_input_what_there_is(tmp_path):
    path = made("yolov8", "pixels").save(tmp_path / "m.onnx")
    with pytest.raises(
        ModelError, match=r"cannot be decoded as yolov5: outputs output0 \(1, 12, 2100\), expected"
    ):
        load_detector(path, head="yolov5")
    with pytest.raises(UsageError, match="--input rbg: 'rbg' is none of rgb, bgr, gray"):
        load_detector(path, input="rbg")
    detector = load_detector(path, input="bgr,0..255,stretch", device="cpu")
    assert str(detector.input) == "bgr,0..255,stretch"
    detector.close()


def test_head_and_input_are_for_foreign_networks():
    for option in ({"head": "yolov8"}, {"input": "rgb"}):
        with pytest.raises(UsageError, match="is for networks in"):
            load_detector("rtdet-n", **option)


class TestNames:
    def test_come_from_yaml_beside_the_model(self, tmp_path):
        path = made("yolov8", "pixels").save(tmp_path / "m.onnx")
        (tmp_path / "m.yaml").write_text("names: {" + ", ".join(f"{i}: n{i}" for i in range(8)) + "}\n")
        assert list(load_detector(path).class_names) == [f"n{i}" for i in range(8)]

    def test_come_from_the_notes_that_an_exporter_wrote_beside_it(self, tmp_path):
        path = made("yolov8", "pixels").save(tmp_path / "m.onnx")
        (tmp_path / "metadata.yaml").write_text(
            "task: detect\nnames:\n" + "".join(f"  {i}: n{i}\n" for i in range(8))
        )
        assert list(load_detector(path).class_names) == [f"n{i}" for i in range(8)]

    def test_yaml_about_other_things_is_left_alone(self, tmp_path):
        path = made("yolov8", "pixels").save(tmp_path / "m.onnx")
        (tmp_path / "m.yaml").write_text("lr: 0.1\n")
        assert load_detector(path).class_names[0] == "class_0"

    def test_of_too_few_classes_are_an_error(self, tmp_path):
        path = made("yolov8", "pixels").save(tmp_path / "m.onnx")
        (tmp_path / "m.txt").write_text("a\nb\n")
        with pytest.raises(ModelError, match=r"m\.txt names 2 classes, but m\.onnx has 8"):
            load_detector(path)

    def test_of_too_few_classes_are_an_error_as_soon_as_another_is_seen_where_outputs_do_not_tell(
        self, tmp_path
    ):
        network = made("end-to-end", "pixels")
        path = network.save(tmp_path / "m.onnx")
        (tmp_path / "m.txt").write_text("a\nb\n")
        detector = load_detector(path, thresholds=Thresholds(0.3), device="cpu")
        with pytest.raises(ModelError, match=r"gives a class number 5, but only 2 classes have names"):
            detector.detect([network.picture()])
        detector.close()
