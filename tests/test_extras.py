"""What the app says where an extra is not installed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rtdet import extras
from rtdet.config import parse_toml
from rtdet.errors import MissingExtraError, ModelError

ROOT = Path(__file__).resolve().parents[1]
PROJECT = parse_toml((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _packages(extra: str) -> set[str]:
    """What an extra installs, those that it names included."""
    found = set()
    for entry in PROJECT["optional-dependencies"][extra]:
        name = re.match(r"[\w-]+", entry).group()
        if name == "rtdet":
            inner = entry[entry.index("[") + 1 : entry.index("]")].split(",")
            found |= set().union(*map(_packages, inner))
        else:
            found.add(name)
    return found


@pytest.mark.parametrize("extra", sorted(extras.EXTRAS))
def test_an_extra_brings_the_modules_that_are_asked_for(extra):
    assert set(extras.EXTRAS[extra]) <= _packages(extra)


def test_all_brings_every_other_extra():
    others = set(PROJECT["optional-dependencies"]) - {"all", "dev"}
    assert _packages("all") == set().union(*map(_packages, others))


def test_no_extra_is_part_of_the_base_install():
    base = {re.match(r"[\w-]+", entry).group() for entry in PROJECT["dependencies"]}
    assert not base & _packages("all")


def _without(tmp_path, modules: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    """rtdet in an environment that lacks these modules."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({modules!r}))"
    code = f"{blocked}; sys.argv[0] = 'rtdet'; from rtdet.cli import main; main(sys.argv[1:])"
    # A graph that another test has left in the user's cache would do without torch.
    environment = {**os.environ, "RTDET_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)


TORCH = ("torch", "torchvision", "timm")


@pytest.mark.parametrize(
    ("modules", "arguments", "code", "says"),
    [
        (TORCH, ("train", "--data", "d", "--out", "o"), 2, "'rtdet[train]'"),
        (("timm",), ("train", "--data", "d", "--out", "o"), 2, "needs timm, which is not installed"),
        (("matplotlib",), ("train", "--data", "d", "--out", "o"), 2, "needs matplotlib"),
        (TORCH, ("--model", "ssd300_vgg16", "--headless"), 4, "'rtdet[torch]'"),
        (TORCH, ("--model", "own.pth", "--headless"), 4, "'rtdet[torch]'"),
        (TORCH, ("--model", "own.safetensors", "--headless"), 4, "'rtdet[torch]'"),
        (TORCH, ("--backend", "torch", "--headless"), 2, "'rtdet[torch]'"),
        (TORCH, ("--device", "cuda", "--headless"), 2, "'rtdet[torch]'"),
        (("onnxruntime",), ("--backend", "onnxruntime", "--headless"), 2, "'rtdet[onnxruntime]'"),
        (("jinja2",), ("eval", "detect", "--data", "d", "--out", "o"), 2, "'rtdet[report]'"),
        (("matplotlib",), ("eval", "detect", "--data", "d", "--out", "o"), 2, "'rtdet[report]'"),
    ],
)
def test_a_missing_extra_is_one_line_with_the_command_that_installs_it(
    tmp_path, modules, arguments, code, says
):
    (tmp_path / "own.pth").write_bytes(b"PK")
    weights = (ROOT / "models" / "rtdet-n.safetensors").read_bytes()
    (tmp_path / "own.safetensors").write_bytes(weights)
    done = _without(tmp_path, modules, *arguments)
    lines = [line for line in done.stderr.splitlines() if "no display" not in line]
    assert done.returncode == code, done.stderr
    assert len(lines) == 1, done.stderr
    assert says in lines[0]


def test_the_app_runs_with_none_of_them(tmp_path):
    missing = (*TORCH, "matplotlib", "jinja2", "onnxruntime", "onnx", "scipy", "filterpy", "pyarrow")
    outputs = [f"tracks{suffix}" for suffix in (".txt", ".csv", ".jsonl", ".json", ".parquet")]
    for name in outputs:
        run = (
            "--headless",
            "--max-frames",
            "9",
            "--tracks",
            name,
            "--save",
            "out.mp4",
            "--stats",
            "out.json",
        )
        done = _without(tmp_path, missing, *run)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name).stat().st_size > 0
    for name in outputs:
        done = _without(tmp_path, missing, "tracks", "smooth", name, "--out", name)
        assert done.returncode == 0, done.stderr


def test_the_public_names_are_there_without_torch_and_training_says_what_it_needs(tmp_path):
    code = """
import sys
sys.modules.update(dict.fromkeys(("torch", "torchvision", "timm", "matplotlib")))
from rtdet import *
settings = TrainingSettings(data="d", freeze=8)
try:
    train(settings, "o")
except UsageError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert done.stdout.startswith("rtdet.train needs torch, torchvision, timm and matplotlib"), done.stderr
    assert "'rtdet[train]'" in done.stdout


def test_the_command_is_for_the_python_that_runs(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setattr(extras, "is_installed", lambda module: True)
    assert extras.install_command("torch") == f"{tmp_path}/bin/python -m pip install 'rtdet[torch]'"
    pip = tmp_path / "bin" / "pip"
    pip.parent.mkdir()
    pip.touch(0o755)
    monkeypatch.setenv("PATH", str(pip.parent))
    assert extras.install_command("torch") == "pip install 'rtdet[torch]'"
    monkeypatch.setattr(extras, "is_installed", lambda module: False)
    assert extras.install_command("all").startswith("uv pip install --python ")


def test_a_python_in_a_folder_with_a_space_is_one_word_of_the_command(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "my programs" / "python"))
    for has_pip in (True, False):
        monkeypatch.setattr(extras, "is_installed", lambda module, has_pip=has_pip: has_pip)
        words = shlex.split(extras.install_command("torch"))
        assert sys.executable in words
        assert words[-1] == "rtdet[torch]"


def test_several_missing_packages_are_named_together(monkeypatch):
    monkeypatch.setattr(extras, "is_installed", lambda module: False)
    with pytest.raises(
        MissingExtraError, match="this needs torch and torchvision, which are not installed: "
    ):
        extras.require("torch", "this")
    with pytest.raises(ModelError, match="this needs torch, which is not installed: "):
        extras.require_for_model("torch", "this", "torch")


def test_what_no_extra_brings_is_named_with_the_command_that_installs_it():
    with pytest.raises(
        MissingExtraError, match=r"^--dashboard needs ray\[default\], .* install .*ray\[default\]'?$"
    ):
        extras.require_part("ray[default]", "--dashboard", "no_module_of_this_name")
    extras.require_part("numpy", "everything", "numpy")
