"""Graphs that are made, or damaged, to keep a back end busy: one line; what merely has graphs inside runs."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rtdet.backends import hostile_trial, open_network
from rtdet.backends.hostile import refuse_hostile
from rtdet.errors import ModelError

SHAPE = (1, 3, 8, 8)
value = helper.make_tensor_value_info


def constant(content, name):
    return numpy_helper.from_array(np.asarray(content), name)


def save_onnx(path: Path, nodes, constants=(), functions=()) -> Path:
    graph = helper.make_graph(
        nodes,
        "g",
        [value("images", TensorProto.FLOAT, SHAPE)],
        [value("output", TensorProto.FLOAT, None)],
        constants,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=functions), path)
    return path


def loop(path: Path, turns: int) -> Path:
    """images + 1, so many times."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Add", ["x", "one"], ["x2"])],
        "body",
        [
            value("i", TensorProto.INT64, ()),
            value("c", TensorProto.BOOL, ()),
            value("x", TensorProto.FLOAT, None),
        ],
        [value("c2", TensorProto.BOOL, ()), value("x2", TensorProto.FLOAT, None)],
    )
    constants = [
        constant(np.int64(turns), "turns"), constant(np.array(True), "on"), constant(np.ones(1, np.float32), "one")
    ]  # fmt: skip
    return save_onnx(
        path, [helper.make_node("Loop", ["turns", "on", "images"], ["output"], body=body)], constants
    )


def nested(path: Path, depth: int) -> Path:
    node = helper.make_node("Relu", ["images"], ["y0"])
    for i in range(1, depth + 1):
        branches = [
            helper.make_graph([node], "then", [], [value(f"y{i - 1}", TensorProto.FLOAT, None)]),
            helper.make_graph(
                [helper.make_node("Identity", ["images"], [f"z{i}"])],
                "else",
                [],
                [value(f"z{i}", TensorProto.FLOAT, None)],
            ),
        ]
        node = helper.make_node("If", ["on"], [f"y{i}"], then_branch=branches[0], else_branch=branches[1])
    node.output[0] = "output"
    return save_onnx(path, [node], [constant(np.array(True), "on")])


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_a_graph_with_a_loop_that_ends_runs(tmp_path, backend):
    if backend == "onnxruntime":
        pytest.importorskip("onnxruntime")
    network = open_network(loop(tmp_path / "m.onnx", 5), SHAPE, backend=backend, precision="fp32")
    (outputs,) = network.run_many([np.full(SHAPE, 2, np.float32)])
    assert outputs[0] == pytest.approx(7)
    network.close()


def test_a_model_that_has_passed_is_not_tried_again(tmp_path, monkeypatch):
    first = loop(tmp_path / "m.onnx", 3)
    refuse_hostile(first)
    again = tmp_path / "copy.onnx"
    again.write_bytes(first.read_bytes())
    monkeypatch.setattr(hostile_trial, "_run", lambda *_: pytest.fail("tried again"))
    refuse_hostile(again)


def test_a_graph_that_loops_for_ever_is_one_line_that_says_how_to_open_it_all_the_same(tmp_path, monkeypatch):
    path = loop(tmp_path / "m.onnx", 2**62)
    with pytest.raises(
        ModelError, match=r"graphs inside its graph \(Loop\), and it did not answer.*RTDET_TRIAL=off"
    ):
        refuse_hostile(path)
    monkeypatch.setenv("RTDET_TRIAL", "off")
    refuse_hostile(path)


def test_a_trial_ends_without_the_run_that_began_it():
    """A run that is killed can't end its trial any more: the system does, by a limit that the trial sets itself."""
    pytest.importorskip("resource")
    code = (
        "import resource; from rtdet.backends.hostile_trial import _limit_self; _limit_self(2.5);"
        "print(*resource.getrlimit(resource.RLIMIT_CPU))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["5", "5"]


def test_a_graph_that_grows_until_the_memory_is_full(tmp_path):
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Concat", ["x", "x"], ["x2"], axis=3)],
        "body",
        [
            value("i", TensorProto.INT64, ()),
            value("c", TensorProto.BOOL, ()),
            value("x", TensorProto.FLOAT, None),
        ],
        [value("c2", TensorProto.BOOL, ()), value("x2", TensorProto.FLOAT, None)],
    )
    constants = [constant(np.int64(50), "turns"), constant(np.array(True), "on")]
    nodes = [helper.make_node("Loop", ["turns", "on", "images"], ["output"], body=body)]
    with pytest.raises(ModelError, match=r"took over 0.7 GB|did not answer|not a readable ONNX"):
        open_network(save_onnx(tmp_path / "m.onnx", nodes, constants), SHAPE, backend="openvino")


def test_constants_that_fill_the_memory_when_they_are_made(tmp_path):
    ones = helper.make_node(
        "ConstantOfShape", ["shape"], ["ones"], value=constant(np.ones(1, np.float32), "v")
    )
    nodes = [ones, helper.make_node("NonZero", ["ones"], ["places"])]
    nodes += [
        helper.make_node("Cast", ["places"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["numbers"], ["most"], keepdims=0),
        helper.make_node("Add", ["images", "most"], ["output"]),
    ]
    path = save_onnx(tmp_path / "m.onnx", nodes, [constant(np.array([2**14, 2**13], np.int64), "shape")])
    with pytest.raises(ModelError, match="when it was tried"):
        open_network(path, SHAPE, backend="openvino")


def test_graphs_as_deep_as_in_exports_with_nms_run_and_deeper_ones_are_refused(tmp_path):
    network = open_network(nested(tmp_path / "m.onnx", 3), SHAPE, backend="openvino", precision="fp32")
    (outputs,) = network.run_many([np.full(SHAPE, -2, np.float32)])
    assert outputs[0] == pytest.approx(0)
    network.close()
    with pytest.raises(ModelError, match="more graphs inside its graph"):
        refuse_hostile(nested(tmp_path / "deep.onnx", 20))


def test_an_operator_of_its_own_that_names_itself(tmp_path):
    itself = helper.make_function(
        "own",
        "F",
        ["x"],
        ["y"],
        [helper.make_node("F", ["x"], ["y"], domain="own")],
        [helper.make_opsetid("own", 1)],
    )
    path = save_onnx(
        tmp_path / "m.onnx", [helper.make_node("F", ["images"], ["output"], domain="own")], (), [itself]
    )
    with pytest.raises(ModelError):
        open_network(path, SHAPE, backend="openvino")


@pytest.mark.parametrize(
    ("place", "line"),
    [("../weights", "not beside it"), ("/dev/zero", "not beside it"), ("gone", "has no gone beside")],
)
def test_weights_in_another_place(tmp_path, place, line):
    weight = constant(np.ones(1, np.float32), "w")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", place
    path = save_onnx(tmp_path / "m.onnx", [helper.make_node("Add", ["images", "w"], ["output"])], [weight])
    with pytest.raises(ModelError, match=line):
        refuse_hostile(path)


# OpenVINO's own files


def sides(shape) -> str:
    return "".join(f"<dim>{side}</dim>" for side in shape)


def layer(number, kind, inside="", takes=0, gives=1, shape=SHAPE) -> str:
    ports = [f'<port id="{i}" precision="FP32">{sides(shape)}</port>' for i in range(takes + gives)]
    inputs = f"<input>{''.join(ports[:takes])}</input>" if takes else ""
    outputs = f"<output>{''.join(ports[takes:])}</output>" if gives else ""
    return f'<layer id="{number}" name="l{number}" type="{kind}" version="opset1">{inside}{inputs}{outputs}</layer>'


def edge(start, port, end, to=0) -> str:
    return f'<edge from-layer="{start}" from-port="{port}" to-layer="{end}" to-port="{to}"/>'


def parameter(number=0) -> str:
    data = f'<data shape="{",".join(map(str, SHAPE))}" element_type="f32"/>'
    return layer(number, "Parameter", data)


def constants(number, shape, first, size, kind="f32") -> str:
    data = f'<data element_type="{kind}" shape="{",".join(map(str, shape))}" offset="{first}" size="{size}"/>'
    return layer(number, "Const", data, shape=shape)


def chain(length: int) -> tuple[str, str]:
    layers = [
        parameter(),
        *(layer(i, "ReLU", takes=1) for i in range(1, length)),
        layer(length, "Result", takes=1, gives=0),
    ]
    edges = [edge(i - 1, min(i - 1, 1), i) for i in range(1, length + 1)]
    return "".join(layers), "".join(edges)


def save_xml(path: Path, graph: tuple[str, str], *, before="", after="", weights=bytes(64)) -> Path:
    layers, edges = graph
    path.write_text(
        f'<?xml version="1.0"?>{before}<net name="n" version="11"><layers>{layers}</layers><edges>{edges}</edges>'
        f"{after}</net>"
    )
    path.with_suffix(".bin").write_bytes(weights)
    return path


def test_a_graph_of_openvino_runs(tmp_path):
    network = open_network(save_xml(tmp_path / "m.xml", chain(3)), SHAPE, precision="fp32")
    (outputs,) = network.run_many([np.full(SHAPE, -2, np.float32)])
    assert outputs[0] == pytest.approx(0)
    network.close()


ENTITIES = (
    '<!DOCTYPE n [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{i} "{(f"&a{i - 1 or str()};") * 10}">' for i in range(1, 12))
    + "]>"
)


@pytest.mark.parametrize(
    ("graph", "more", "line"),
    [
        (chain(30_000), {}, "over 20000 layers"),
        (chain(3), {"after": "<rt_info>" + "<a>" * 200_000 + "</a>" * 200_000 + "</rt_info>"}, "deeper ones"),
        (chain(3), {"after": "<a>" * 300_000}, "deeper ones"),
        (chain(3), {"after": "<a/>" * 310_000}, "more elements"),
        (chain(3), {"after": "<a"}, "damaged"),
        (chain(3), {"before": ENTITIES, "after": "<m>&a11;</m>"}, "document type of its own"),
        (chain(3), {"before": '<!DOCTYPE n [<!ENTITY a SYSTEM "/etc/passwd">]>', "after": "&a;"}, "document type"),
        ((chain(3)[0], chain(3)[1] + edge(2, 1, 1)), {}, "goes round in a circle"),
        ((chain(3)[0], edge(1, 1, 1)), {}, "goes round in a circle"),
        ((constants(0, (2**20, 2**20), 0, 2**42), ""), {}, "has 64 bytes and m.xml wants more"),
        ((constants(0, (2**20, 2**20), 0, 16), ""), {}, "constants of 1048576,1048576 values in 16 bytes"),
        ((constants(0, (2**32, 2**32), 0, 0), ""), {}, "constants of 4294967296,4294967296 values in 0 bytes"),
        ((constants(0, (4,), 2**40, 16), ""), {}, "has 64 bytes and m.xml wants more"),
        ((constants(0, (4,), 0, 16), ""), {"weights": b"short"}, "has 5 bytes and m.xml wants more"),
        ((constants(0, (1,) * 100_000, 0, 16), ""), {}, "a layer's shape is 1,1,1"),
        ((constants(0, (2**50,), 0, 16), ""), {}, "a layer's shape is"),
        ((layer(0, "TensorIterator", "<body><layers/>" * 20 + "</body>" * 20), ""), {}, "more graphs inside"),
        ((layer(0, "If", "<then_body/>" * 300), ""), {}, "more graphs inside"),
    ],
)  # fmt: skip
def test_a_hostile_graph_of_openvino_is_one_line(tmp_path, graph, more, line):
    with pytest.raises(ModelError, match=line) as caught:
        refuse_hostile(save_xml(tmp_path / "m.xml", graph, **more))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def loop_of_openvino(turns: int) -> tuple[tuple[str, str], bytes]:
    body = (
        "<body><layers>"
        + parameter() + layer(1, "ReLU", takes=1) + layer(2, "Result", takes=1, gives=0)
        + constants(3, (), 0, 1, "boolean").replace("FP32", "BOOL") + layer(4, "Result", takes=1, gives=0, shape=())
        + f"</layers><edges>{edge(0, 0, 1)}{edge(1, 1, 2)}{edge(3, 0, 4)}</edges></body>"
    )  # fmt: skip
    ports = (
        '<port_map><input external_port_id="2" internal_layer_id="0"/><output external_port_id="3" '
        'internal_layer_id="2"/><output external_port_id="-1" internal_layer_id="4" purpose="execution_condition"/>'
        '</port_map><back_edges><edge from-layer="2" to-layer="0"/></back_edges>'
    )
    outer = (
        '<layer id="3" name="loop" type="Loop" version="opset5"><input><port id="0"/><port id="1"/>'
        f'<port id="2">{sides(SHAPE)}</port></input>'
        f'<output><port id="3" precision="FP32">{sides(SHAPE)}</port></output>'
        f"{ports}{body}</layer>"
    )
    layers = (
        parameter() + constants(1, (), 8, 8, "i64").replace("FP32", "I64")
        + constants(2, (), 0, 1, "boolean").replace("FP32", "BOOL") + outer + layer(4, "Result", takes=1, gives=0)
    )  # fmt: skip
    edges = edge(1, 0, 3, 0) + edge(2, 0, 3, 1) + edge(0, 0, 3, 2) + edge(3, 3, 4)
    return (layers, edges), b"\1" + bytes(7) + struct.pack("<q", turns) + bytes(48)


def test_a_loop_of_openvino_runs_if_it_ends(tmp_path):
    graph, weights = loop_of_openvino(10)
    network = open_network(save_xml(tmp_path / "m.xml", graph, weights=weights), SHAPE, precision="fp32")
    (outputs,) = network.run_many([np.full(SHAPE, 2, np.float32)])
    assert outputs[0] == pytest.approx(2)
    network.close()
    graph, weights = loop_of_openvino(2**62)
    with pytest.raises(ModelError, match=r"graphs inside its graph \(Loop\), and it did not answer"):
        refuse_hostile(save_xml(tmp_path / "forever.xml", graph, weights=weights))
