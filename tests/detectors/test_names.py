"""Names out of a file beside a model that names more than its classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtdet.detectors.coco import COCO_CLASSES
from rtdet.detectors.heads.label_set import COCO_IDS
from rtdet.detectors.names import class_names
from rtdet.errors import ModelError


def beside(folder: Path, names: list[str]) -> Path:
    (folder / "m.txt").write_text("\n".join(names))
    return folder / "m.onnx"


@pytest.mark.parametrize("first", [0, 1])
def test_a_list_of_cocos_ids_has_gaps_that_are_no_classes(tmp_path: Path, first: int) -> None:
    names = ["???"] * 91
    for number, name in zip(COCO_IDS, COCO_CLASSES, strict=True):
        names[number] = f"my {name}"
    found = class_names(beside(tmp_path, names[first:]), 80, {})
    assert found == tuple(f"my {name}" for name in COCO_CLASSES)


def test_the_background_in_front_is_no_class(tmp_path: Path) -> None:
    assert class_names(beside(tmp_path, ["__background__", "cat", "dog"]), 2, {}) == ("cat", "dog")
    assert class_names(beside(tmp_path, ["background", "cat"]), 2, {}) == ("background", "cat")
    with pytest.raises(ModelError, match=r"m\.txt names 3 classes, but m\.onnx has 2"):
        class_names(beside(tmp_path, ["bird", "cat", "dog"]), 2, {})
