"""How quick each model was on this machine: noted whenever one has run, shown by `rtdet models`."""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rtdet.cache import cache_folder, writable_cache

_FILE = "speeds.json"
_MOST = 200  # models


@dataclass(frozen=True)
class Speed:
    """per_second: frames a second through the detector alone. how: device, backend and precision, for people."""

    per_second: float
    how: str


def note_speed(model: str, per_second: float, how: str = "") -> None:
    """Remembers the speed of a model; does without where nothing can be written."""
    if not (math.isfinite(per_second) and per_second > 0):
        return
    folder = writable_cache("speeds")
    if folder is None:
        return
    known = _read(folder / _FILE)
    known.pop(model, None)
    known[model] = asdict(Speed(round(per_second, 2), how))
    part = folder / f"{_FILE}.{os.getpid()}"
    with suppress(OSError):
        part.write_text(json.dumps(dict(list(known.items())[-_MOST:]), indent=1), encoding="utf-8")
        part.replace(folder / _FILE)


def speed_of(model: str) -> Speed | None:
    """The speed of a model when it last ran here; None where it never did."""
    entry = _read(cache_folder("speeds") / _FILE).get(model)
    if not isinstance(entry, dict) or not isinstance(entry.get("per_second"), (int, float)):
        return None
    return Speed(float(entry["per_second"]), str(entry.get("how", "")))


def _read(path: Path) -> dict[str, Any]:
    """What is in the file; nothing where it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
