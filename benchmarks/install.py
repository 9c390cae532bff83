"""What `pip install .` costs: seconds, and megabytes on disk, in a fresh virtual environment.

    python benchmarks/install.py [--extra torch]...

Needs the network, or pip's cache.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LARGEST = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extra", action="append", default=[], help="install with this extra; repeatable")
    extras = parser.parse_args().extra
    target = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "venv"
        venv.create(folder, with_pip=True)
        python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        empty = megabytes(folder)
        started = time.perf_counter()
        subprocess.run([python, "-m", "pip", "install", "--quiet", target], check=True)
        seconds = time.perf_counter() - started
        print(
            f"{megabytes(folder):.0f} MB, of which {empty:.0f} MB are the empty environment; {seconds:.0f} s"
        )
        for size, package in largest(folder):
            print(f"{size:6.0f} MB  {package}")


def megabytes(folder: Path) -> float:
    """Space on disk, as du counts it: in blocks."""
    files = {(s.st_dev, s.st_ino): s for s in (p.lstat() for p in folder.rglob("*"))}
    return sum(getattr(s, "st_blocks", s.st_size / 512) * 512 for s in files.values()) / 2**20


def largest(folder: Path) -> list[tuple[float, str]]:
    """The largest packages, with the libraries that stand beside them under the same name."""
    (packages,) = folder.rglob("site-packages")
    sizes: dict[str, float] = {}
    for path in packages.iterdir():
        if path.is_dir():
            name = path.name.removesuffix(".libs")
            sizes[name] = sizes.get(name, 0.0) + megabytes(path)
    aliases = {"opencv_python": "cv2"}
    for name, owner in aliases.items():
        sizes[owner] = sizes.get(owner, 0.0) + sizes.pop(name, 0.0)
    return sorted(((size, name) for name, size in sizes.items()), reverse=True)[:_LARGEST]


if __name__ == "__main__":
    main()
