"""The latency of a simulated detector: constant, or drawn from measurements."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from rtdet.errors import SourceError

# Seconds from taking a frame to its result, one call a frame.
Latency = Callable[[], float]
_FORMS = "a list of milliseconds, or what --stats writes"
# Longer than this is a mistake in the file, or its unit.
_LONGEST_MS = 1e7


def read_latency(path: str | Path, seed: int = 0) -> Latency:
    """Latencies drawn at random, the same ones for the same `seed`, from a JSON file.

    A list of milliseconds: each is as likely as any other. What `--stats` writes: a log-normal distribution with
    the median and the 95th percentile of the stage `detect`.
    Raises SourceError that names the file.
    """
    rng = np.random.default_rng(seed)
    content = _read(path)
    if isinstance(content, list):
        measured_s = np.array([_milliseconds(value, path) for value in content]) / 1e3
        if len(measured_s) == 0:
            raise SourceError(f"{path} lists no latency; give {_FORMS}")
        return lambda: float(rng.choice(measured_s))
    try:
        times = content["stages_ms"]["detect"]
        p50, p95 = times["p50"], times["p95"]
    except (KeyError, TypeError):
        raise SourceError(f"{path} has no detector times; give {_FORMS}") from None
    median_s, high_s = _milliseconds(p50, path) / 1e3, _milliseconds(p95, path) / 1e3
    if median_s <= 0:
        return lambda: 0.0
    width = math.log(max(high_s / median_s, 1.0)) / NormalDist().inv_cdf(0.95)
    return lambda: float(median_s * math.exp(width * rng.standard_normal()))


def _read(path: str | Path) -> list[Any] | Mapping[str, Any]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is not JSON; give {_FORMS}") from error
    if not isinstance(content, list | dict):
        raise SourceError(f"{path} holds no latencies; give {_FORMS}")
    return content


def _milliseconds(value: object, path: str | Path) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= float(value) <= _LONGEST_MS:  # type: ignore[arg-type]
        raise SourceError(f"{path}: a latency must be milliseconds, 0 or more, not {str(value)[:40]!r}")
    return float(value)  # type: ignore[arg-type]
