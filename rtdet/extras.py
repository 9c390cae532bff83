"""Packages that most people never need, and what to type when one is missing.

`pip install rtdet` brings what the app needs on a CPU. Everything else is an extra in pyproject.toml, under the names
of EXTRAS; whoever imports such a package calls `require` first.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from rtdet.errors import MissingExtraError, ModelExtraError

# By extra, the modules that what it stands for imports.
EXTRAS: Mapping[str, tuple[str, ...]] = {
    "torch": ("torch", "torchvision"),
    "onnxruntime": ("onnxruntime",),
    "report": ("matplotlib", "jinja2"),
    "batch": ("ray",),
    "quantise": ("nncf", "onnx", "onnxruntime"),
    "train": ("torch", "torchvision", "timm", "matplotlib"),
}


def is_installed(module: str) -> bool:
    """Whether `module` can be imported. Quick: the module is not loaded."""
    return importlib.util.find_spec(module) is not None


def require(extra: str, what: str, *modules: str, kind: type[MissingExtraError] = MissingExtraError) -> None:
    """Raises `kind`, with the command that installs `extra`, unless its modules (or only those named) are there.
    `what` begins the sentence: "rtdet train" needs torch."""
    missing = [module for module in modules or EXTRAS[extra] if not is_installed(module)]
    if missing:
        names = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
        are = "are" if missing[1:] else "is"
        raise kind(f"{what} needs {names}, which {are} not installed: {install_command(extra)}")


def require_part(requirement: str, what: str, module: str) -> None:
    """As `require`, for what an extra does not bring: `requirement`, as "ray[client]", does, and `module` with it."""
    if not is_installed(module):
        raise MissingExtraError(
            f"{what} needs {requirement}, which is not installed: {install_command_of(requirement)}"
        )


def require_for_model(extra: str, what: str, *modules: str) -> None:
    """As `require`; the error is a ModelError too."""
    require(extra, what, *modules, kind=ModelExtraError)


def install_command(extra: str) -> str:
    """The command that installs an extra for the running Python."""
    return install_command_of(f"rtdet[{extra}]")


def install_command_of(requirement: str) -> str:
    """The command that installs a requirement for the running Python."""
    python, wanted = _quoted(sys.executable), _quoted(requirement)
    if is_installed("pip"):
        pip = shutil.which("pip")
        is_ours = pip is not None and Path(pip).parent == Path(sys.executable).parent
        return f"{'pip' if is_ours else f'{python} -m pip'} install {wanted}"
    return f"uv pip install --python {python} {wanted}"


def _quoted(word: str) -> str:
    """The word as a shell takes it for one."""
    if os.name != "nt":
        return shlex.quote(word)
    return f'"{word}"' if set(word) & set(" []") else word
