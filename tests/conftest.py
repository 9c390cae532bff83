"""What every test may use."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from hypothesis import settings

# No test asserts a time: a loaded machine would fail it.
settings.register_profile("rtdet", deadline=None)
settings.load_profile("rtdet")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "long" not in config.option.markexpr:
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes minutes: pytest -m long"))


@pytest.fixture(autouse=True)
def _logging_as_before():
    """The command line sends warnings to standard error, and more of some rooms; other tests look for them elsewhere,
    and for warnings only."""
    logger = logging.getLogger("rtdet")
    handlers, propagate = logger.handlers[:], logger.propagate
    yield
    logger.handlers[:], logger.propagate = handlers, propagate
    for child in logging.root.manager.loggerDict.values():
        if isinstance(child, logging.Logger) and child.name.startswith("rtdet."):
            child.setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real pictures, clips and weights that is not part of this repository."""
    if not SHARED.is_dir():
        pytest.skip("needs the real pictures, clips and weights in ../shared/data, which are not here")
    return SHARED


@pytest.fixture(autouse=True)
def _no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password of one test is a word in the messages of another."""
    monkeypatch.setattr("rtdet.address._known", {})


@pytest.fixture
def squares(tmp_path):
    """Six grey pictures with one red square each, labelled as COCO JSON."""
    import json

    import cv2
    import numpy as np

    folder = tmp_path / "squares"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for i in range(6):
        picture = np.full((96, 96, 3), 90, np.uint8)
        x, y = (int(v) for v in rng.integers(0, 56, 2))
        picture[y : y + 40, x : x + 40] = (20, 20, 230)
        cv2.imwrite(str(folder / "images" / f"{i}.png"), picture)
        images.append({"id": i, "file_name": f"{i}.png", "width": 96, "height": 96})
        annotations.append({"image_id": i, "category_id": 1, "bbox": [x, y, 40, 40]})
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "square"}]}
    (folder / "squares.json").write_text(json.dumps(content))
    return folder
