"""What `make setup` does where something is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


def _script(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def test_a_python_that_cannot_make_an_environment_is_one_line_and_leaves_no_half_of_one(tmp_path):
    shutil.copy(SCRIPTS / "setup.sh", _script(tmp_path / "scripts" / "setup.sh"))
    _script(tmp_path / "scripts" / "system-libraries.sh", "exit 0")
    python = _script(
        tmp_path / "bin" / "python",
        'if [ "$2" = venv ]; then mkdir -p .venv/bin && ln -s "$0" .venv/bin/python && exit 1; fi',
    )
    done = subprocess.run(
        [str(tmp_path / "scripts" / "setup.sh")], env={**os.environ, "PYTHON": str(python)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_without_root_one_line_names_what_to_install(tmp_path):
    if os.uname().sysname != "Linux":
        pytest.skip("the libraries are looked for on Linux only")
    _script(tmp_path / "bin" / "id", "echo 1000")
    _script(tmp_path / "bin" / "sudo", "exit 1")
    python = _script(tmp_path / "bin" / "python", "exit 1")
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHON": str(python)}
    done = subprocess.run(
        ["bash", str(SCRIPTS / "system-libraries.sh"), "run"], cwd=tmp_path, env=environment,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert "please install" in done.stderr
    assert "python3-venv" in done.stderr
