"""`rtdet --completion`: a script that the shell itself can read, and what it offers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest


def _rtdet(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rtdet", *arguments],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_for_rtdet_and_one_that_the_shell_can_read(shell):
    done = _rtdet("--completion", shell)
    assert done.returncode == 0, done.stderr
    assert "_RTDET_COMPLETE" in done.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.stdout, text=True, check=True)


def test_bash_offers_commands_and_options(tmp_path):
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    rtdet = tmp_path / "rtdet"
    rtdet.write_text(f'#!/bin/sh\nexec {sys.executable} -m rtdet "$@"\n')
    rtdet.chmod(0o755)
    script = """
        eval "$(rtdet --completion bash)"
        for words in "tra" "tracks sm" "--camera"; do
            COMP_WORDS=(rtdet $words); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
            _rtdet_completion rtdet; echo "${COMPREPLY[@]}"
        done
    """
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["track tracks train", "smooth", "--camera-motion"], done.stderr


def test_values_are_completed_too():
    def offered(line: str) -> list[str]:
        words = line.split(" ")
        environment = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
        return _rtdet(**environment, _RTDET_COMPLETE="bash_complete").stdout.split()

    assert offered("rtdet --tracker b") == ["plain,bytetrack"]
    assert offered("rtdet --model rt") == ["plain,rtdet-n"]
    assert offered("rtdet --model ./mo") == ["file,./mo"]
    assert offered("rtdet --source ") == ["file,"]


def test_another_shell_is_one_line_that_names_those_there_are():
    done = _rtdet("--completion", "cmd")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "'bash', 'zsh', 'fish'" in done.stderr
