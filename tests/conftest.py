"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real pictures, clips and weights that is not part of this repository."""
    if not SHARED.is_dir():
        pytest.skip("needs the real pictures, clips and weights in ../shared/data, which are not here")
    return SHARED
