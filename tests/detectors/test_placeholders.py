"""Files that are no model at all, and models of others, are called what they are."""

from __future__ import annotations

import pytest

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
