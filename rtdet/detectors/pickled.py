"""Files of weights that are pickled programs: what they hold is told without running any of it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import IO

from rtdet.errors import ModelError

_MOST_BYTES = 16 << 20
# In a pickle a class stands as "c", its module, a line's end and its name; torch.save uses this form.
_CLASS = re.compile(rb"c([\w.]{1,200})\n[\w.]{1,200}\n")
# What a state dict needs.
_PLAIN = ("torch", "collections", "numpy", "_codecs", "__builtin__", "builtins", "argparse", "_io")
# By the package that a pickled model's classes are from: who made it, and how it is exported.
_EXPORTS = {
    "ultralytics": ("Ultralytics' YOLO", "yolo export model={name} format=onnx"),
    "models": (
        "YOLOv5's or YOLOv7's repository",
        "python export.py --weights {name} --include onnx (YOLOv7: --grid)",
    ),
    "yolov5": ("YOLOv5's repository", "python export.py --weights {name} --include onnx"),
    "yolov6": ("YOLOv6's repository", "python deploy/ONNX/export_onnx.py --weights {name}"),
    "yolox": ("YOLOX", "python tools/export_onnx.py -c {name} -n NAME_OF_THE_MODEL"),
    "nanodet": ("NanoDet", "python tools/export_onnx.py --model_path {name} --cfg_path CONFIG.yml"),
    "mmdet": ("mmdetection", "mmdeploy's tools/deploy.py"),
    "mmengine": ("mmdetection", "mmdeploy's tools/deploy.py"),
    "mmcv": ("mmdetection", "mmdeploy's tools/deploy.py"),
    "super_gradients": ("super-gradients", 'model.export("model.onnx")'),
    "rfdetr": ("RF-DETR", "RFDETR...(pretrain_weights={name!r}).export()"),
    "detectron2": ("detectron2", "python tools/deploy/export_model.py --format onnx"),
    "transformers": ("transformers", "optimum-cli export onnx --model FOLDER OUT"),
}


def refuse_pickled(path: Path) -> None:
    """Raises ModelError for a pickled model or TorchScript, and says how whoever made it exports it. A state dict,
    and what is none of these, is left to its reader. Nothing is unpickled."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
                if any(name.endswith("/constants.pkl") for name in names):
                    raise ModelError(
                        f"{path} is TorchScript, a program; export the model that it was made of to ONNX"
                    )
                pickled = next((name for name in names if name.endswith("data.pkl")), None)
                if pickled is None:
                    return
                with archive.open(pickled) as file:
                    packages = _packages(file)
        else:
            with path.open("rb") as file:
                packages = _packages(file)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        return
    foreign = sorted(packages - set(_PLAIN))
    if not foreign:
        return
    known = next((one for one in _EXPORTS if one in foreign), None)
    if known is None:
        raise ModelError(
            f"{path} is a pickled program (of {foreign[0]}), which could run code when read; export it to ONNX with "
            "the library that made it"
        )
    maker, command = _EXPORTS[known]
    raise ModelError(
        f"{path} is a pickled model of {maker}, which could run code when read; export it there: "
        f"{command.format(name=path.name)}"
    )


def _packages(file: IO[bytes]) -> set[str]:
    """The packages whose classes a pickle names."""
    content = file.read(_MOST_BYTES)
    if not content.startswith(b"\x80"):
        return set()
    return {found.decode("ascii", "replace").partition(".")[0] for found in _CLASS.findall(content)}
