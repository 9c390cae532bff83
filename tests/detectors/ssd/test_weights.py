from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.network import SSD
from rtdet.detectors.ssd.weights import load_weights, save_weights
from rtdet.errors import ModelError

TINY = SSDConfig(class_names=("a", "b"), widths=(8, 8, 8, 8, 8), depths=(1, 1, 1), neck=8)


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    save_weights(SSD(TINY), path)
    return path


def test_a_saved_model_comes_back_with_its_classes_and_half_precision_weights(saved):
    torch.manual_seed(0)
    model, again = SSD(TINY).eval(), load_weights(saved)
    assert again.config == TINY
    for name, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=1e-3, atol=1e-6)


def test_a_file_cut_off_is_refused(saved):
    content = saved.read_bytes()
    saved.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match=r"tiny\.safetensors"):
        load_weights(saved)


def test_other_safetensors_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(ModelError, match="not a network of rtdet"):
        load_weights(path)


@pytest.mark.parametrize("content", [b"", b"hello, this is text", pickle.dumps({"a": 1})])
def test_files_of_another_kind_are_refused_and_never_run(tmp_path, content):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.safetensors"):
        load_weights(path)


def test_a_missing_file_is_named():
    with pytest.raises(ModelError, match=r"nowhere\.safetensors"):
        load_weights(Path("nowhere.safetensors"))
