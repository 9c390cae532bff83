"""ONNX Runtime, imported without its telemetry.

Its wheels send what they run, and on what, to their maker, and write an identifier into the home folder: from the
import on, before `disable_telemetry_events` could be called. rtdet calls nobody.
"""

from __future__ import annotations

import os
from typing import Any


def load_onnxruntime() -> Any:
    """The onnxruntime module. Everything in rtdet that needs it gets it here."""
    os.environ["ORT_DISABLE_TELEMETRY"] = (
        "1"  # looked at when it is imported, also by this process's children
    )
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # for Windows' own tracing, which does not look at the variable
    return onnxruntime
