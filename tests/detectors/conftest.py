from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def tiny_yolox() -> ModuleType:
    """The maker of a tiny YOLOX-shaped network: `save_tiny_yolox(path, ...)`, and `picture(...)` for it."""
    path = Path(__file__).with_name("tiny_yolox.py")
    spec = importlib.util.spec_from_file_location("tiny_yolox", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder for each test: nothing is read from or left in the user's own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("RTDET_CACHE", str(folder))
    return folder
