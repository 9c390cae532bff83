"""What is in the user's cache folder: how much, and what of it is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rtdet.cache import cache_folder, is_whole, seal_of
from rtdet.doctor.report import NOTE, OK, Finding

WHAT = {
    "models": "fetched models", "graphs": "models prepared for OpenVINO", "openvino": "compiled networks",
    "quickest": "which back end is the quickest", "runs": "runs of the viewer", "speeds": "speeds of models",
    "tensorrt": "TensorRT's engines",
}  # fmt: skip
_MOST_CHECKED = 2 * 2**30  # bytes: beyond it a disk takes too long


def look() -> Iterator[Finding]:
    root = cache_folder()
    empty = "" if root.is_dir() else " (nothing is in it yet)"
    yield Finding("folder", f"{root}{empty}", values={"path": str(root)})
    if not root.is_dir():
        return
    for folder in sorted(one for one in root.iterdir() if one.is_dir() and not one.name.endswith("-sums")):
        files = [one for one in folder.rglob("*") if one.is_file()]
        size = sum(one.stat().st_size for one in files)
        if files:
            text = f"{_shown(size)}, {len(files)} file{'s' * (len(files) > 1)}"
            yield Finding(WHAT.get(folder.name, folder.name), text, OK, values={"bytes": size})
    damaged = [one for one in _sealed(root) if is_whole(one) is False]
    if damaged:
        text = f"{len(damaged)} file(s) are damaged, and made or fetched again when they are needed"
        values = {"files": [str(one) for one in damaged]}
        yield Finding("damaged", text, NOTE, f"if it happens again, look at the disk of {root}", values)
    else:
        yield Finding("damaged", "nothing")


def _sealed(root: Path) -> Iterator[Path]:
    """Files of which it is known what was in them; not the largest beyond a limit."""
    left = _MOST_CHECKED
    files = [one for one in root.rglob("*") if one.is_file() and not one.parent.name.endswith("-sums")]
    for file in sorted(files, key=lambda one: one.stat().st_size):
        left -= file.stat().st_size
        if left < 0:
            return
        if seal_of(file).exists():
            yield file


def _shown(size: int) -> str:
    return f"{size / 2**20:.1f} MB" if size < 2**30 else f"{size / 2**30:.1f} GB"
