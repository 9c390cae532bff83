"""The variables of the environment that change what rtdet does. Never their secrets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import fields

from rtdet.address import hide_secrets
from rtdet.config import RunConfig
from rtdet.doctor.report import NOTE, OK, Finding

# Those that are no settings of a run.
OWN = ("RTDET_CACHE", "RTDET_TRIAL", "RTDET_MACHINE")
OTHERS = (
    "QT_QPA_PLATFORM", "QT_SCALE_FACTOR", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "LIBVA_DRIVER_NAME",
    "PYTHONPATH", "OPENCV_LOG_LEVEL", "TMPDIR",
)  # fmt: skip


def look(environment: Mapping[str, str] | None = None) -> Iterator[Finding]:
    values = os.environ if environment is None else environment
    known = {f"RTDET_{field.name.upper()}" for field in fields(RunConfig)} | set(OWN)
    own = sorted(name for name in values if name.startswith("RTDET_"))
    if not own:
        yield Finding("RTDET_…", "no setting comes from the environment", OK)
    for name in own:
        if name in known:
            yield Finding(name, hide_secrets(values[name]), OK)
        else:
            remedy = f"unset {name}; the settings are those of rtdet --help, as RTDET_MODEL"
            yield Finding(name, "no setting of rtdet's: it changes nothing", NOTE, remedy)
    for name in OTHERS:
        if values.get(name):
            yield Finding(name, hide_secrets(values[name]), OK)
