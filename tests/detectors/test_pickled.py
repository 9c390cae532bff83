"""Pickled models are told by the classes that they name, and nothing of them is run."""

from __future__ import annotations

import zipfile

import pytest

from rtdet.detectors.registry import load_detector
from rtdet.errors import ModelError


def save_pickled(path, *classes, more=()):
    """An archive as torch.save writes it, whose pickle names these classes (module, name)."""
    content = b"\x80\x02" + b"".join(f"c{module}\n{name}\nq\x00".encode() for module, name in classes) + b"."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        for name in more:
            archive.writestr(name, b"")
    return path


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("ultralytics.nn.tasks", r"pickled model of Ultralytics' YOLO.*yolo export model=m\.pt format=onnx"),
        ("models.yolo", r"YOLOv5's or YOLOv7's.*python export\.py --weights m\.pt --include onnx"),
        ("yolox.models.yolox", "of YOLOX.*export_onnx"),
        ("super_gradients.training", "model.export"),
        ("nobody.knows", r"pickled program \(of nobody\).*export it to ONNX with the library that made it"),
        ("posix", r"pickled program \(of posix\)"),
    ],
)
def test_a_pickled_model_is_told_by_its_maker_with_the_command_that_exports_it(tmp_path, module, said):
    classes = [("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2"), (module, "Model")]
    for name in ("m.pt", "n.pth"):
        path = save_pickled(tmp_path / name, *classes)
        with pytest.raises(ModelError, match=said.replace(r"m\.pt", name)) as error:
            load_detector(path)
        assert "\n" not in str(error.value)


def test_torchscript_is_called_a_program(tmp_path):
    path = save_pickled(tmp_path / "m.pt", ("__torch__", "M"), more=("archive/constants.pkl",))
    with pytest.raises(ModelError, match="is TorchScript, a program; export the model"):
        load_detector(path)


def test_a_state_dict_goes_on_to_its_reader(tmp_path):
    import torch

    torch.save({"a": torch.zeros(2)}, tmp_path / "m.pt")
    with pytest.raises(ModelError, match="holds the weights of another model"):
        load_detector(tmp_path / "m.pt")


def test_a_real_pickled_model_is_refused_with_its_export_command(shared_data):
    with pytest.raises(ModelError, match=r"export\.py --weights yolov5n\.pt --include onnx"):
        load_detector(shared_data / "weights" / "yolov5n.pt")
