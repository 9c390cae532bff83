"""Whether a window could open here, found out without Qt, which would abort the process."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path


def has_display() -> bool:
    """Whether a window could open here. Where X11 or Wayland are named but do not answer, and where QT_QPA_PLATFORM
    names what is not there, Qt would abort the process."""
    if sys.platform in ("win32", "darwin"):
        return True
    named = os.environ.get("QT_QPA_PLATFORM")
    if named:  # a list in order of preference, each perhaps with settings of its own
        return any(_has_platform(one.partition(":")[0]) for one in named.split(";"))
    return _wayland_is_there() or (bool(os.environ.get("DISPLAY")) and _x11_answers())


def _has_platform(name: str) -> bool:
    """Whether Qt's platform plugin of this name could work here."""
    needs: dict[str, Callable[[], bool]] = {
        "xcb": lambda: bool(os.environ.get("DISPLAY")) and _x11_answers(),
        "wayland": _wayland_is_there,
        "wayland-egl": _wayland_is_there,
        "linuxfb": lambda: Path("/dev/fb0").exists(),
        "eglfs": lambda: Path("/dev/dri").exists(),
        "vkkhrdisplay": lambda: Path("/dev/dri").exists(),
    }
    if name in needs:
        return needs[name]()
    own = os.environ.get("QT_QPA_PLATFORM_PLUGIN_PATH") or os.environ.get("QT_PLUGIN_PATH")
    if own and "cv2" not in Path(own).parts:
        return True  # plugins of the person's own
    spec = find_spec("PyQt6")
    folders = [
        Path(one, "Qt6", "plugins", "platforms") for one in (spec and spec.submodule_search_locations) or ()
    ]
    plugins = [file.name for folder in folders for file in folder.glob("libq*.so")]
    return not plugins or f"libq{name}.so" in plugins  # a PyQt6 of the system keeps its plugins elsewhere


def _wayland_is_there() -> bool:
    wayland = os.environ.get("WAYLAND_DISPLAY")
    return bool(wayland) and Path(os.environ.get("XDG_RUNTIME_DIR", ""), wayland or "").exists()


def _x11_answers() -> bool:
    """Whether the X server accepts a connection, made as Qt's own platform plugin makes it."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return False  # without this library Qt has no window either
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    answers: bool = xcb.xcb_connection_has_error(connection) == 0
    xcb.xcb_disconnect(connection)
    return answers
