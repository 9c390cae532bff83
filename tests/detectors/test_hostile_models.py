"""Models that are made, or damaged, to keep their reader busy or to take its memory: one line, at once."""

from __future__ import annotations

import itertools
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rtdet.backends.hostile_pth import refuse_hostile_pth
from rtdet.detectors.cards import read_card
from rtdet.detectors.names import class_names
from rtdet.detectors.registry import load_detector
from rtdet.errors import ModelError, RtdetError, UsageError

DEEP = 100_000


def save(path: Path, nodes, *, side: int = 64, constants=()) -> Path:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, side, side))],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, (1, side * side // 64 * 21 // 16, 6))],
        list(constants),
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_a_graph_that_goes_round_in_a_circle(tmp_path):
    nodes = [helper.make_node("Add", ["images", "b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
    nodes.append(helper.make_node("Identity", ["a"], ["output"]))
    with pytest.raises(ModelError, match="goes round in a circle"):
        load_detector(save(tmp_path / "m.onnx", nodes))


def test_a_graph_that_loops(tmp_path):
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Identity", ["x"], ["x2"])],
        "body",
        [
            value("i", TensorProto.INT64, ()),
            value("c", TensorProto.BOOL, ()),
            value("x", TensorProto.FLOAT, None),
        ],
        [value("c2", TensorProto.BOOL, ()), value("x2", TensorProto.FLOAT, None)],
    )
    count = numpy_helper.from_array(np.array(2**62), "count")
    on = numpy_helper.from_array(np.array(True), "on")
    nodes = [helper.make_node("Loop", ["count", "on", "images"], ["output"], body=body)]
    with pytest.raises(ModelError, match=r"graphs inside its graph \(Loop\)"):
        load_detector(save(tmp_path / "m.onnx", nodes, constants=(count, on)))


def test_a_graph_that_is_deeper_than_any_detector(tmp_path):
    names = ["images", *map(str, range(30_000))]
    nodes = [helper.make_node("Relu", [a], [b]) for a, b in itertools.pairwise(names)]
    with pytest.raises(ModelError, match="over 20000 nodes"):
        load_detector(save(tmp_path / "m.onnx", nodes))


def test_an_input_of_more_pixels_than_there_is_memory_for(tmp_path):
    pool = {"kernel_shape": [8, 8], "strides": [8, 8]}
    shape = numpy_helper.from_array(np.array([1, -1, 6], np.int64), "shape")
    nodes = [
        helper.make_node("AveragePool", ["images"], ["small"], **pool),
        helper.make_node("Reshape", ["small", "shape"], ["output"]),
    ]
    with pytest.raises(
        ModelError, match="was exported for 30016x30016 pixels, over 4096; give a smaller --imgsz"
    ):
        load_detector(save(tmp_path / "m.onnx", nodes, side=30016, constants=(shape,)))


def test_a_layer_of_more_than_a_gigabyte(tmp_path):
    repeats = numpy_helper.from_array(np.array([1, 400, 128, 128], np.int64), "repeats")
    nodes = [
        helper.make_node("Tile", ["images", "repeats"], ["wide"]),
        helper.make_node("ReduceMax", ["wide"], ["most"], keepdims=0),
        helper.make_node("Add", ["most", "zeros"], ["output"]),
    ]
    zeros = numpy_helper.from_array(np.zeros((1, 84, 6), np.float32), "zeros")
    with pytest.raises(ModelError, match="over 1 GB for one layer"):
        load_detector(save(tmp_path / "m.onnx", nodes, constants=(repeats, zeros)))


def weights_with(path: Path, config: object) -> Path:
    text = config if isinstance(config, str) else json.dumps(config)
    header = json.dumps({"__metadata__": {"format": "rtdet-ssd-1", "config": text}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


def good_config() -> dict[str, object]:
    from rtdet.detectors.ssd.config import SSDConfig

    return json.loads(json.dumps(SSDConfig(class_names=("a",)).as_dict()))


@pytest.mark.parametrize(
    "change",
    [
        {"widths": "abcde"}, {"widths": [10**9] * 5}, {"widths": 3}, {"widths": {"a": 1}}, {"widths": ["a"] * 5},
        {"depths": [10**6, 1, 1]}, {"depths": [1.5, 1, 1]}, {"neck": 10**8}, {"neck": None}, {"neck": "many"},
        {"input_size": [30016, 30016]}, {"input_size": "ab"}, {"input_size": [1]}, {"input_size": {"w": 1}},
        {"class_names": "person"}, {"class_names": [["a"]]}, {"class_names": ["a"] * 10**5}, {"class_names": 5},
        {"levels": []}, {"levels": "x"}, {"levels": [{"stride": 0, "scale": 1.0, "aspect_ratios": [1]}]},
        {"levels": [{"stride": 8, "scale": 1.0, "aspect_ratios": [1] * 10**5}]}, {"levels": [5]}, {"levels": None},
        {"levels": [{"stride": 8, "scale": 1.0, "aspect_ratios": ["x"]}]}, {"architecture": ["ssd-n"]},
        {"levels": [{"stride": 8, "scale": "x", "aspect_ratios": [1.0]}]}, {"backbone": 7}, {"architecture": "none"},
    ],
)  # fmt: skip
def test_settings_of_the_wrong_type_or_size(tmp_path, change):
    path = weights_with(tmp_path / "w.safetensors", {**good_config(), **change})
    with pytest.raises(RtdetError):
        load_detector(path)


@pytest.mark.parametrize("text", ["[" * DEEP, '{"a":' * DEEP, "[]", "5", "null", '"x"', "{", ""])
def test_settings_that_are_no_table(tmp_path, text):
    with pytest.raises(ModelError, match="configuration cannot be read"):
        load_detector(weights_with(tmp_path / "w.safetensors", text))


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".json", "[" * DEEP),
        (".json", '{"names":' * 900 + "[]" + "}" * 900),
        (".json", '[["a"], ["b"]]'),
        (".json", '{"a": "b"}'),
        (".toml", "names = " + "[" * DEEP),
        (".toml", "a." * DEEP + "b = 1"),
        (".toml", 'names = [["a"]]'),
        (".toml", "names = 5"),
    ],
)
def test_names_that_are_nested_or_no_words(tmp_path, suffix, text):
    (tmp_path / f"m{suffix}").write_text(text)
    with pytest.raises(ModelError):
        class_names(tmp_path / "m.onnx", 2, {})


@pytest.mark.parametrize(
    "text", ["classes = 5", 'classes = [["a"]]', 'classes = "coco"\nname = 5', "classes = " + "[" * DEEP]
)
def test_a_card_of_the_wrong_types(tmp_path, text):
    path = tmp_path / "m.toml"
    path.write_text('name = "m"\nkind = "ssd"\n' * ("name = 5" not in text) + text)
    with pytest.raises(ModelError, match="is not a model card"):
        read_card(path)


def test_a_configuration_that_is_nested_is_one_line(tmp_path):
    from rtdet.config import load_config

    (tmp_path / "c.toml").write_text("classes = " + "[" * DEEP)
    with pytest.raises(UsageError, match="is not valid TOML"):
        load_config(str(tmp_path / "c.toml"), {})
    (tmp_path / "c.toml").write_text("classes = [[1]]")
    with pytest.raises(UsageError, match="classes"):
        load_config(str(tmp_path / "c.toml"), {})


def test_a_header_that_is_longer_than_any_models(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", 50_000_000) + b" " * 1000)
    with pytest.raises(ModelError, match="its header of 50000000 bytes is longer"):
        load_detector(path)


def zip_of(path: Path, contents: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("contents", "line"),
    [
        ({"a/data.pkl": b"\x80\x02}.", "a/data/0": bytes(100_000_000)}, "unpacks from 0.1 MB to 100.0 MB"),
        ({"a/data.pkl": bytes(100_000_000)}, "unpacks from 0.1 MB to 100.0 MB"),
        ({"a/data.pkl": b"\x80\x02" + b"]" * 600_000 + b"."}, "lists over 500000 objects"),
        ({"a/data.pkl": b"nonsense"}, "is not a file of PyTorch weights"),
    ],
)
def test_an_archive_of_weights_that_fills_the_memory(tmp_path, contents, line):
    pytest.importorskip("torch")
    with pytest.raises(ModelError, match=line):
        load_detector(zip_of(tmp_path / "m.pth", contents))


def test_a_pickle_of_the_old_format_of_millions_of_objects(tmp_path):
    (tmp_path / "m.pth").write_bytes(b"\x80\x02" + b"]" * 600_000 + b".")
    with pytest.raises(ModelError, match="lists over 500000 objects"):
        refuse_hostile_pth(tmp_path / "m.pth")


def test_weights_as_torch_writes_them_pass(tmp_path):
    torch = pytest.importorskip("torch")
    for is_new in (True, False):
        weights = {f"layer{i}": torch.zeros(200, 200) for i in range(300)}
        torch.save(weights, tmp_path / "m.pth", _use_new_zipfile_serialization=is_new)
        refuse_hostile_pth(tmp_path / "m.pth")
