"""Replacing a file: the old one or the new one is there, never half of one."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from rtdet.errors import OutputError
from rtdet.output_file import OutputFile, replacing, write_whole


def test_the_old_file_stays_until_the_new_one_is_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no"), OutputError("said already")])
def test_an_error_of_any_kind_in_the_block_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as part:
            part.write_text("half")
            raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_rights_stay_and_a_link_stays_a_link(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    (tmp_path / "link").symlink_to(path)
    write_whole(tmp_path / "link", "späť")
    assert (tmp_path / "link").is_symlink()
    assert path.read_bytes() == "späť".encode()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_rights_that_the_umask_leaves(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.txt", b"new")
    (tmp_path / "b.txt").write_bytes(b"new")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def test_a_pipe_is_written_to_as_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, "all of it")
    with open(end) as reader:
        assert reader.read() == "all of it"
    assert os.listdir(tmp_path) == ["pipe"]


@pytest.mark.parametrize("old", ["old", None])
def test_a_disk_without_room_is_one_line_that_names_the_file(tmp_path: Path, old: str | None) -> None:
    path = tmp_path / "a.txt"
    if old is not None:
        path.write_text(old)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OutputError) as caught:
            write_whole(path, b"x" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    kept = "; it is as it was before" if old else ""
    assert str(caught.value) == f"cannot write {path}: file too large{kept}"
    assert os.listdir(tmp_path) == (["a.txt"] if old else [])


def test_a_folder_and_a_missing_folder_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*folder: is a directory"):
        write_whole(tmp_path / "folder", b"new")
    with pytest.raises(OutputError, match=r"cannot write .*absent.a\.txt: no such file or directory$"):
        write_whole(tmp_path / "absent" / "a.txt", b"new")
    assert os.listdir(tmp_path) == ["folder"]


def test_what_an_output_file_could_not_write_is_said_of_the_file_that_it_is_for(tmp_path: Path) -> None:
    def write() -> None:
        with replacing(tmp_path / "a.txt") as part, closing(OutputFile(part)) as file:
            file.append(b"x" * 1000)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*a\.txt: file too large$"):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(tmp_path) == []


def test_a_kill_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    program = (
        "import os, sys; from rtdet.output_file import replacing\n"
        "with replacing(sys.argv[1]) as part:\n    part.write_text('half'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], cwd=Path(__file__).parents[1])
    assert path.read_text() == "old"
    write_whole(path, b"new")
    assert os.listdir(tmp_path) == ["a.txt"]
