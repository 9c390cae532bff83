"""Two processes do not write one file."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rtdet.errors import OutputError
from rtdet.output_file import OutputFile, replacing, write_whole

HOLDER = """
import sys
from rtdet.output_file import OutputFile
file = OutputFile(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def other(tmp_path):
    """Another process, which is about to write out.csv."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "out.csv")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_second_of_two_runs_is_told_before_it_touches_the_file(other, tmp_path):
    (tmp_path / "out.csv").write_text("of the first")
    (tmp_path / "link.csv").symlink_to(tmp_path / "out.csv")
    for name in ("out.csv", "link.csv"):
        with pytest.raises(OutputError, match="is being written by another run"):
            OutputFile(tmp_path / name)
    assert (tmp_path / "out.csv").read_text() == "of the first"
    OutputFile(tmp_path / "another.csv").close()


def test_a_file_that_is_being_replaced_is_left_to_the_process_that_does(other, tmp_path):
    (tmp_path / "out.csv.part").write_text("half of the first")
    with pytest.raises(OutputError, match=r"out\.csv is being written by another run"):
        write_whole(tmp_path / "out.csv", "of the second")
    assert (tmp_path / "out.csv.part").read_text() == "half of the first"
    assert not (tmp_path / "out.csv").exists()


def test_one_process_may_replace_the_file_that_it_holds(tmp_path):
    file = OutputFile(tmp_path / "out.csv")
    with replacing(tmp_path / "out.csv") as part:
        part.write_text("new")
    file.close()
    assert (tmp_path / "out.csv").read_text() == "new"


def test_a_run_that_was_killed_holds_nothing(other, tmp_path):
    other.kill()
    other.wait()
    file = OutputFile(tmp_path / "out.csv")
    file.append(b"x")
    file.close()


def test_a_closed_output_can_be_written_again_and_leaves_no_lock_behind(tmp_path):
    for _ in range(2):
        first, second = OutputFile(tmp_path / "out.csv"), OutputFile(tmp_path / "out.csv")
        first.close()
        second.close()
        second.close()
    assert not list((tmp_path / "cache" / "locks").iterdir())


def test_without_a_cache_there_is_no_lock_and_no_error(tmp_path, monkeypatch):
    (tmp_path / "blocked").write_text("a file where the folder should be")
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "blocked"))
    file = OutputFile(tmp_path / "out.csv")
    file.append(b"x")
    file.close()
    assert Path(tmp_path / "out.csv").read_bytes() == b"x"


def test_where_files_cannot_be_locked_there_is_no_lock_and_no_error(tmp_path, monkeypatch):
    def no_locks(descriptor, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", no_locks)
    file = OutputFile(tmp_path / "out.csv")
    file.append(b"x")
    file.close()
    assert (tmp_path / "out.csv").read_bytes() == b"x"


def test_a_cache_that_vanishes_or_moves_meanwhile_does_no_harm_to_the_output(tmp_path, monkeypatch):
    first, second = OutputFile(tmp_path / "a.csv"), OutputFile(tmp_path / "b.csv")
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("a file where the folder was")
    for file in (first, second):
        file.append(b"x")
        file.close()
    OutputFile(tmp_path / "a.csv").close()
