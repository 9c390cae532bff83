"""rtdet export: with NMS inside, in half precision, networks of others, int8."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch

from rtdet.backends.graphs import inspect_graph
from rtdet.backends.onnx_loading import load_onnxruntime
from rtdet.backends.openvino import load_openvino
from rtdet.detectors.cards import model_card, models_folder
from rtdet.detectors.family.export import export
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.family.rows import Selection
from rtdet.detectors.family.weights import save_weights
from rtdet.detectors.heads.head import street_picture
from rtdet.detectors.registry import load_detector
from rtdet.exporting.quantize import behind_the_last
from rtdet.types import Thresholds

SIDE = 96


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def weights(tmp_path):
    """A network with random weights that are large enough to tell boxes apart."""
    return saved(tmp_path, "fcos-n")


def saved(folder, name):
    torch.manual_seed(0)
    network = build(new_config(name, ("cat", "dog")))
    for parameter in network.parameters():
        if parameter.ndim == 4 and parameter.std() < 0.02:
            torch.nn.init.normal_(parameter, std=0.03)
    save_weights(network, folder / "mine.safetensors")
    return folder / "mine.safetensors"


def picture():
    return np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)


def found_by(model, *, conf=0.05, iou=0.5, **options):
    detector = load_detector(
        model, thresholds=Thresholds(conf, iou=iou), device="cpu", precision="fp32", **options
    )
    assert tuple(detector.class_names) == ("cat", "dog")
    found = detector.detect([picture()])[0]
    detector.close()
    return found


def assert_same(one, other, most=15):
    """Each of the strongest detections has its like: equal scores may come in another order."""
    assert len(one) == len(other) > 0
    assert_rows_same(rows_of(one)[:most], rows_of(other))


def rows_of(found):
    return np.column_stack([found.boxes, found.scores, found.labels])


def assert_rows_same(rows, others):
    for row in rows:
        away = np.abs(others - row)
        assert ((away[:, :4].max(1) <= 0.5) & (away[:, 4] <= 0.01) & (away[:, 5] == 0)).any(), row


def street_found_by(model, **options):
    detector = load_detector(model, thresholds=Thresholds(0.3), device="cpu", precision="fp32", **options)
    assert tuple(detector.class_names) == model_card("rtdet-n").classes
    found = detector.detect([STREET])[0]
    detector.close()
    return found


# A square, which an exported file has as its size.
STREET = np.ascontiguousarray(cv2.resize(street_picture(), (320, 320)))


@pytest.mark.parametrize("form", ["onnx", "openvino"])
def test_with_nms_inside_rtdet_onnx_runtime_and_openvino_find_the_same(rtdet, tmp_path, form):
    done = rtdet("export", "--model", "rtdet-n", "--format", form, "--nms", "--imgsz", 320, "--max-det", 50)
    assert done.code == 0, done.err
    file = tmp_path / ("rtdet-n.onnx" if form == "onnx" else "rtdet-n.xml")
    expected = street_found_by("rtdet-n", imgsz=320)
    assert len(expected) > 2
    assert_same(street_found_by(file, backend="openvino"), expected)
    pixels = STREET.transpose(2, 0, 1)[None].astype(np.float32)
    if form == "onnx":
        session = load_onnxruntime().InferenceSession(str(file), providers=["CPUExecutionProvider"])
        (rows,) = session.run(None, {"images": pixels})
        assert_same(street_found_by(file, backend="onnxruntime"), expected)
    else:
        compiled = load_openvino().Core().compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        rows = compiled(pixels)[0]
    assert rows.shape == (1, 50, 6)
    strong = rows[0][rows[0, :, 4] >= 0.3]
    assert len(strong) == len(expected)
    assert_rows_same(strong, rows_of(expected))
    assert (np.diff(rows[0, :, 4]) <= 0).all()


@pytest.mark.parametrize("out", ["half.onnx", "half.xml"])
def test_half_precision_is_half_the_size_and_finds_the_same(rtdet, tmp_path, out):
    done = rtdet("export", "--model", "rtdet-n", "--out", out, "--precision", "fp16", "--imgsz", 320)
    assert done.code == 0, done.err
    size = (tmp_path / out).with_suffix(".onnx" if out.endswith(".onnx") else ".bin").stat().st_size
    assert size < 0.7 * (models_folder() / "rtdet-n.onnx").stat().st_size
    options = {} if out.endswith(".xml") else {"imgsz": 320}
    assert_same(street_found_by(tmp_path / out, **options), street_found_by("rtdet-n", imgsz=320))


class TestNetworksOfOthers:
    @pytest.fixture
    def foreign(self, tmp_path):
        """An .onnx that is named as others are: by a .txt of class names beside it, without notes of them."""
        import onnx

        torch.manual_seed(0)
        network = build(new_config("fcos-n", ("cat", "dog")))
        export(network, tmp_path / "own.onnx", (SIDE, SIDE), Selection())
        model = onnx.load(str(tmp_path / "own.onnx"))
        del model.metadata_props[:]
        onnx.save(model, str(tmp_path / "theirs.onnx"))
        (tmp_path / "theirs.txt").write_text("cat\ndog\n")
        return tmp_path / "theirs.onnx"

    @pytest.mark.parametrize("arguments", [["--format", "openvino"], ["--format", "openvino", "--precision", "fp16"],
                                           ["--precision", "fp16"], ["--format", "onnx"]])  # fmt: skip
    def test_they_are_converted_with_the_names_of_their_classes(self, rtdet, tmp_path, foreign, arguments):
        suffix = ".xml" if "openvino" in arguments else ".onnx"
        done = rtdet("export", "--model", foreign, "--out", f"made{suffix}", *arguments)
        assert done.code == 0, done.err
        assert json.loads(inspect_graph(tmp_path / f"made{suffix}").metadata["names"]) == ["cat", "dog"]
        detector = load_detector(tmp_path / f"made{suffix}", device="cpu")
        assert tuple(detector.class_names) == ("cat", "dog")  # there is no made.txt
        detector.close()

    def test_weights_from_a_file_beside_it_are_inside_of_the_one_that_is_written(
        self, rtdet, tmp_path, foreign
    ):
        import onnx

        model = onnx.load(str(foreign))
        beside = tmp_path / "beside"
        beside.mkdir()
        onnx.save(model, str(beside / "theirs.onnx"), save_as_external_data=True, location="its weights.data")
        (beside / "theirs.txt").write_text("cat\ndog\n")
        done = rtdet("export", "--model", beside / "theirs.onnx", "--out", tmp_path / "whole.onnx")
        assert done.code == 0, done.err
        assert not [
            one.name
            for one in onnx.load(str(tmp_path / "whole.onnx"), load_external_data=False).graph.initializer
            if one.external_data
        ]
        detector = load_detector(tmp_path / "whole.onnx", device="cpu")
        assert tuple(detector.class_names) == ("cat", "dog")
        detector.close()

    def test_one_in_openvinos_format_does_not_become_onnx(self, rtdet, tmp_path, foreign):
        assert rtdet("export", "--model", foreign, "--out", "made.xml").code == 0
        done = rtdet("export", "--model", "made.xml", "--format", "onnx", "--out", "again.onnx")
        assert done.code == 2
        assert "--format openvino" in done.errors[0]
        assert not (tmp_path / "again.onnx").exists()

    def test_it_does_not_overwrite_what_it_reads(self, rtdet, foreign):
        done = rtdet("export", "--model", foreign, "--out", foreign)
        assert done.code == 2
        assert len(done.errors) == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--nms", "--max-det", "5000"], "--max-det"),
        (["--nms", "--conf", "2"], "--conf"),
        (["--data", "somewhere"], "int8"),
        (["--precision", "int8", "--data", "nowhere"], "nowhere"),
    ],
)
def test_settings_that_do_not_go_together_are_one_line(rtdet, weights, arguments, word):
    done = rtdet("export", "--model", weights, "--imgsz", SIDE, *arguments)
    assert done.code in (2, 3, 4)
    assert len(done.errors) == 1
    assert word in done.errors[0]


def test_only_what_is_before_the_last_convolution_is_quantised():
    links = {
        "input": ("Parameter", []), "first": ("Convolution", ["input"]), "relu": ("Relu", ["first"]),
        "last": ("Convolution", ["relu"]), "shift": ("Add", ["last"]), "boxes": ("Result", ["shift"]),
    }  # fmt: skip
    assert behind_the_last(links) == {"shift", "boxes"}
