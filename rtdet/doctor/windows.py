"""Whether the viewer's window can open: Qt, its libraries, and the display."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator

from rtdet.display import has_display
from rtdet.doctor.report import NOTE, PROBLEM, Finding
from rtdet.doctor.versions import version_of

# What Qt loads and no Python package brings, with Debian's packages for it.
LIBRARIES = {
    "libEGL.so.1": "libegl1", "libGL.so.1": "libgl1", "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0", "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0", "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0", "libxcb-xkb.so.1": "libxcb-xkb1",
    "libdbus-1.so.3": "libdbus-1-3", "libfontconfig.so.1": "libfontconfig1",
}  # fmt: skip


def look() -> Iterator[Finding]:
    qt, binding = version_of("PyQt6-Qt6") or "of the system", version_of("PyQt6")
    yield Finding("Qt", f"{qt}, PyQt6 {binding}" if binding else f"{qt}, PyQt6 of the system")
    if sys.platform.startswith("linux"):
        missing = [package for library, package in LIBRARIES.items() if not _loads(library)]
        if missing:
            text = f"{len(missing)} that Qt needs are missing"
            yield Finding("libraries", text, PROBLEM, f"sudo apt install {' '.join(missing)}")
        yield Finding("session", _session())
    if has_display():
        yield Finding("display", "a window can open")
    else:
        remedy = "start rtdet in a desktop session, or with ssh -X; without a window --save and --tracks do all of it"
        yield Finding("display", "none: rtdet runs without a window", NOTE, remedy)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _session() -> str:
    """What tells Qt where to open a window."""
    wayland, x11, platform = (
        os.environ.get(name) for name in ("WAYLAND_DISPLAY", "DISPLAY", "QT_QPA_PLATFORM")
    )
    parts = [f"Wayland {wayland}" if wayland else "", f"X11 {x11}" if x11 else ""]
    parts += [f"Qt's platform is {platform} (QT_QPA_PLATFORM)" if platform else ""]
    return ", ".join(filter(None, parts)) or "neither Wayland nor X11"
