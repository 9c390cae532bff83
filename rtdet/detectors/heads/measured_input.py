"""The range of values that a network takes, where nobody noted it: by what it sees in a rendered street.

Exports of one family come with pixels from 0 to 1 or from 0 to 255, as whoever made them put the division into the
network or not. With the wrong range most networks see nothing, and some see hundreds of things, also where nothing
is. So the family's own range stays wherever it sees a plausible number of things. How sure a network is tells no more
than that: measured on ten published ones, the wrong colour order or mean made two of them surer.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rtdet.backends.network import Outputs
from rtdet.detectors.heads.head import Head, Probe
from rtdet.detectors.heads.input_spec import InputSpec
from rtdet.geometry.nms import batched_nms
from rtdet.types import Image

_CONFIDENCE, _OVERLAP = 0.3, 0.5
# Things seen in the street: so many are too many, and fewer are too few to give up the family's range for another.
_TOO_MANY, _ENOUGH = 100, 3


def measured_input(head: Head, probe: Probe) -> InputSpec:
    """How pictures are prepared: as the family has it, or in another range of values where only that makes sense."""
    if _seen(head, probe, head.input):
        return head.input
    for other in _others(head.input):
        if _seen(head, probe, other) >= _ENOUGH:
            return other
    return head.input


def _others(spec: InputSpec) -> Iterator[InputSpec]:
    for values in ("0..1", "0..255"):
        other = InputSpec.of(spec.color, values, spec.fit, spec.fill)
        if other != spec:
            yield other


def _seen(head: Head, probe: Probe, spec: InputSpec) -> int:
    """How many things are seen in the street; 0 where that makes no sense: too many, or some in an even grey."""
    found = _count(head, probe.run(probe.street_picture, spec), probe)
    if not 0 < found < _TOO_MANY:
        return 0
    gray: Image = np.full_like(probe.street_picture, 114)
    return 0 if _count(head, probe.run(gray, spec), probe) else found


def _count(head: Head, outputs: Outputs, probe: Probe) -> int:
    found = head.decode(outputs, probe.size, _CONFIDENCE)
    if len(found) > 50 * _TOO_MANY:
        return len(found)
    return len(batched_nms(found.boxes, found.scores, found.labels, _OVERLAP))
