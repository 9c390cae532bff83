"""A look at an OpenVINO graph (.xml) before OpenVINO builds it: how deep, how long, in a circle, and whether the
weights that it names are in its .bin."""

from __future__ import annotations

import math
from pathlib import Path
from xml.parsers import expat

from rtdet.errors import ModelError

MOST_LAYERS = 20_000
USUAL_LAYERS = 2_000
MOST_BODIES, MOST_BODY_DEPTH = 256, 8
# Five for a layer, and eight for each body that it is inside of.
_MOST_DEPTH = 100
_MOST_ELEMENTS = 300_000
_MOST_SIDES = 16  # of a tensor
_WITH_BODIES = frozenset({"If", "Loop", "TensorIterator"})
# Bits of an element; a type that is not here (string) is not counted.
_BITS = {
    "f64": 64, "f32": 32, "f16": 16, "bf16": 16, "f8e4m3": 8, "f8e5m2": 8, "i64": 64, "i32": 32, "i16": 16, "i8": 8,
    "i4": 4, "u64": 64, "u32": 32, "u16": 16, "u8": 8, "u4": 4, "u2": 2, "u1": 1, "boolean": 8,
}  # fmt: skip


def look_at_xml(path: Path) -> str:
    """Why the graph needs a trial; nothing where it needs none. Raises ModelError."""
    try:
        weights_bytes = path.with_suffix(".bin").stat().st_size
    except OSError:
        missing = path.with_suffix(".bin").name
        raise ModelError(f"{path} has no {missing} beside it: its weights are missing") from None
    look = _Look(path, weights_bytes)
    try:
        with path.open("rb") as file:
            look.parser.ParseFile(file)
    except expat.ExpatError as error:
        raise ModelError(
            f"{path} is not a readable OpenVINO (.xml with .bin) network, or it is damaged: "
            f"{expat.ErrorString(error.code)}, in line {error.lineno}"
        ) from error
    except (OSError, LookupError):
        return ""
    look.refuse_circle()
    return look.doubt


class _Look:
    def __init__(self, path: Path, weights_bytes: int) -> None:
        self._path, self._weights_bytes = path, weights_bytes
        self._open: list[str] = []
        self._elements = self._layers = self._computed = self._bodies = self._body_depth = 0
        self._edges: dict[str, set[str]] = {}  # of the outermost graph: what follows each layer
        self.doubt = ""
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.buffer_text = True

    def refuse_circle(self) -> None:
        """Raises ModelError where following the edges of the outermost graph comes back to where it was."""
        before = dict.fromkeys(self._edges, 0)
        for followers in self._edges.values():
            for follower in followers:
                before[follower] = before.get(follower, 0) + 1
        ready = [layer for layer, count in before.items() if count == 0]
        seen = 0
        while ready:
            seen += 1
            for follower in self._edges.get(ready.pop(), ()):
                before[follower] -= 1
                if before[follower] == 0:
                    ready.append(follower)
        if seen < len(before):
            raise ModelError(f"{self._path} is damaged: its graph goes round in a circle")

    def _refuse_doctype(self, *_: object) -> None:
        raise ModelError(f"{self._path} is no network of OpenVINO: it declares a document type of its own")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > _MOST_ELEMENTS or len(self._open) > _MOST_DEPTH:
            raise ModelError(
                f"{self._path} has more elements, or deeper ones, than any detector: it is damaged, or no model "
                "for this"
            )
        if name == "layer":
            self._count_layer(attributes)
        elif name == "data" and self._open and self._open[-1] == "layer":
            self._look_at_data(attributes)
        elif name in ("body", "then_body", "else_body"):
            self._enter_body()
        elif name == "edge" and not self._body_depth and "edges" in self._open:
            followers = self._edges.setdefault(attributes.get("from-layer", ""), set())
            followers.add(attributes.get("to-layer", ""))
        self._open.append(name)

    def _end(self, name: str) -> None:
        self._open.pop()
        if name in ("body", "then_body", "else_body"):
            self._body_depth -= 1

    def _count_layer(self, attributes: dict[str, str]) -> None:
        self._layers += 1
        if self._layers > MOST_LAYERS:
            raise ModelError(
                f"{self._path} has over {MOST_LAYERS} layers, more than any detector: it is damaged, or no model "
                "for this"
            )
        self._computed += attributes.get("type") != "Const"  # of which a network in int8 has thousands
        if self._computed > USUAL_LAYERS:
            self.doubt = self.doubt or f"it has over {USUAL_LAYERS} layers"
        if attributes.get("type") in _WITH_BODIES:
            self.doubt = self.doubt or f"it has graphs inside its graph ({attributes['type']})"

    def _enter_body(self) -> None:
        self._bodies += 1
        self._body_depth += 1
        self.doubt = self.doubt or "it has graphs inside its graph"
        if self._bodies > MOST_BODIES or self._body_depth > MOST_BODY_DEPTH:
            raise ModelError(
                f"{self._path} has more graphs inside its graph than any detector; export the detector without "
                "its post-processing"
            )

    def _look_at_data(self, attributes: dict[str, str]) -> None:
        """A layer's settings: shapes that fit into this world, and constants that are in the .bin."""
        text = attributes.get("shape")
        sides = [_whole(side) for side in text.split(",")] if text and text.count(",") < 1000 else []
        if text and (text.count(",") >= _MOST_SIDES or any(side > 2**40 for side in sides)):
            raise ModelError(f"{self._path} is damaged: a layer's shape is {_short(text)}")
        if "offset" not in attributes or "size" not in attributes:
            return
        first, size = _whole(attributes["offset"]), _whole(attributes["size"])
        if first < 0 or size < 0 or first + size > self._weights_bytes:
            weights = self._path.with_suffix(".bin")
            raise ModelError(
                f"{weights} has {self._weights_bytes} bytes and {self._path.name} wants more: it was cut off, or "
                "belongs to another model"
            )
        bits = _BITS.get(attributes.get("element_type", ""))
        if bits and text is not None and -(-math.prod(max(side, 0) for side in sides) * bits // 8) > size:
            raise ModelError(f"{self._path} is damaged: constants of {_short(text)} values in {size} bytes")


def _whole(text: str) -> int:
    """The number, -1 for what is none: an open side of a shape ("?", "1..8")."""
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) < 30 else -1


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."
