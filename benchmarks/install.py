"""What `pip install .` costs: seconds, and megabytes on disk, in a fresh virtual environment.

    python benchmarks/install.py [--extra torch]...

Built from a copy of the checkout without what earlier builds left in it: an old build/ would become part of the
wheel. Needs the network, or pip's cache; without them it says so in a line and measures nothing.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LARGEST = 8
_BUILT = shutil.ignore_patterns(".*", "build", "dist", "out", "*.egg-info", "__pycache__")
# What pip says of names that are not resolved, refused connections, proxies that are none, and an empty index.
_NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|Connection(Reset|Refused)?Error|ProxyError|[Tt]imed? ?out|MaxRetryError"
    r"|unreachable|Could not find a version that satisfies the requirement setuptools"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extra", action="append", default=[], help="install with this extra; repeatable")
    extras = parser.parse_args().extra
    with tempfile.TemporaryDirectory() as name:
        source = clean_copy(Path(name) / "source")
        target = f"{source}[{','.join(extras)}]" if extras else str(source)
        folder = Path(name) / "venv"
        venv.create(folder, with_pip=True)
        python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        empty = megabytes(folder)
        started = time.perf_counter()
        command = [python, "-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "10", target]
        pip = subprocess.run(command, capture_output=True, text=True)
        seconds = time.perf_counter() - started
        if pip.returncode and _NO_NETWORK.search(pip.stdout + pip.stderr):
            print("not measured: pip reaches no package index (no network?)")
            return
        if pip.returncode:
            sys.exit(pip.stdout + pip.stderr)
        print(
            f"{megabytes(folder):.0f} MB, of which {empty:.0f} MB are the empty environment; {seconds:.0f} s"
        )
        for size, package in largest(folder):
            print(f"{size:6.0f} MB  {package}")


def clean_copy(folder: Path) -> Path:
    """What of the checkout git tracks; without git, all that is not hidden or built."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True)
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    if listed.returncode or not names:
        return Path(shutil.copytree(ROOT, folder, ignore=_BUILT))
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


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
