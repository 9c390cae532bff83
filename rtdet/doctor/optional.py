"""Packages that not everybody needs, and the command that installs each."""

from __future__ import annotations

from collections.abc import Iterator

from rtdet.doctor.report import NOTE, OK, Finding
from rtdet.extras import EXTRAS, install_command, is_installed

PURPOSES = {
    "torch": "NVIDIA and Apple GPUs, torchvision's models, training",
    "onnxruntime": "TensorRT, DirectML, CoreML; another CPU back end for .onnx files",
    "report": "the pages of rtdet eval, compare and explain",
    "train": "rtdet train",
    "batch": "rtdet batch on a cluster",
    "quantise": "rtdet export --precision int8, or fp16 as .onnx",
}


def look() -> Iterator[Finding]:
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if not is_installed(module)]
        purpose = PURPOSES[extra]
        if missing:
            yield Finding(
                extra, f"not installed ({purpose})", NOTE, install_command(extra), {"missing": missing}
            )
        else:
            yield Finding(extra, f"installed ({purpose})", OK)
