"""The lines that tell of an unknown name."""

from __future__ import annotations

import pytest

from rtdet.errors import UnknownNameError

KNOWN = ("person", "bicycle", "car", "motorcycle", "bus", "truck", "Traffic light")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("persn", "did you mean person?"),
        ("MOTORCYCLES", "did you mean motorcycle?"),
        ("trafic light", "did you mean Traffic light?"),
        ("cra", "did you mean car?"),
        ("light", "did you mean Traffic light?"),
        ("dog", "known: person, bicycle, car, motorcycle, bus, truck, Traffic light"),
        ("cat", "known: person"),
    ],
)
def test_only_names_that_are_near_are_suggested(name, hint):
    assert hint in str(UnknownNameError("class", name, KNOWN))
