from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from rtdet.detectors.darknet.network import read_network


@pytest.fixture(scope="session")
def nets() -> ModuleType:
    """The makers of cfg texts and weights in nets.py."""
    spec = importlib.util.spec_from_file_location("darknet_nets", Path(__file__).with_name("nets.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def save_pair(nets: ModuleType, tmp_path: Path) -> Callable[..., Path]:
    """Writes a cfg of a text and fitting weights beside it; gives the path of the cfg."""

    def save(text: str, name: str = "small", **header: object) -> Path:
        cfg = tmp_path / f"{name}.cfg"
        cfg.write_text(text)
        nets.save_weights(cfg.with_suffix(".weights"), nets.weights_of(read_network(cfg).layers), **header)
        return cfg

    return save
