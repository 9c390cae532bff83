"""Files that stand where a model should be: empty ones, Git LFS pointers, a server's page."""

from __future__ import annotations

from pathlib import Path

from rtdet.errors import ModelError

LFS = b"version https://git-lfs.github.com/spec/"


def refuse_placeholder(path: Path) -> None:
    """Raises ModelError for a file that is no model of any kind, and says what it is. What cannot be read is left to
    its reader."""
    try:
        with path.open("rb") as file:
            head = file.read(200)
    except OSError:
        return
    if not head:
        raise ModelError(f"{path} is empty (0 bytes): download or copy it again")
    if head.startswith(LFS):
        raise ModelError(
            f"{path} is a Git LFS pointer, not the model itself: run `git lfs pull` in its repository"
        )
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise ModelError(
            f"{path} is a web page, not a model: download the file itself, not the page that shows it"
        )
