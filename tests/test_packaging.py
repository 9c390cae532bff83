"""The wheel carries everything: it works outside the checkout, with the embedded model and the demo."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with what `pip install` would put into site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _run(installed, cwd, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(installed), "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=100
    )


def test_the_wheel_holds_every_package_the_model_and_the_licence(installed):
    packages = {path.parent.relative_to(ROOT) for path in (ROOT / "rtdet").rglob("*.py")}
    assert all((installed / package).is_dir() for package in packages)
    assert (installed / "rtdet" / "py.typed").is_file()
    assert (installed / "rtdet" / "_models" / "rtdet-n.safetensors").stat().st_size < 8_000_000
    assert list(installed.glob("rtdet-*.dist-info/**/LICENSE"))


def test_it_detects_and_tracks_outside_the_checkout(installed, tmp_path):
    command = ["-m", "rtdet", "--source", "demo", "--headless", "--max-frames", "12", "--tracks", "o.txt"]
    done = _run(installed, tmp_path, *command)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o.txt").read_text().count("\n") > 12
    where = _run(installed, tmp_path, "-c", "import rtdet; print(rtdet.__file__)")
    assert str(installed) in where.stdout


def test_the_window_icon_is_there_outside_the_checkout(installed, tmp_path):
    code = (
        "from PyQt6.QtWidgets import QApplication; app = QApplication([]); "
        "from rtdet.ui.icons import window_icon; assert not window_icon().isNull()"
    )
    done = _run(installed, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("with_git", [True, False])
def test_the_benchmark_of_an_installation_builds_without_what_was_built_before(
    tmp_path, monkeypatch, with_git
):
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import install
    finally:
        sys.path.pop(0)
    checkout = tmp_path / "checkout"
    for name in ("pyproject.toml", "rtdet/a.py", "build/lib/rtdet/gone.py"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("")
    if with_git:
        for command in (["init", "-q"], ["add", "pyproject.toml", "rtdet"]):
            subprocess.run(["git", *command], cwd=checkout, check=True)
    monkeypatch.setattr(install, "ROOT", checkout)
    copy = install.clean_copy(tmp_path / "copy")
    assert sorted(str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()) == [
        "pyproject.toml", "rtdet/a.py"
    ]  # fmt: skip
