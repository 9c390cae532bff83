"""The shape of a network, free of torch: what a file of weights says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, ClassVar, Protocol, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from rtdet.config import MAX_IMGSZ
from rtdet.types import Image

Size = tuple[int, int]
_Names = tuple[str, ...]
# Pixels of the longer side of an input of any size.
DEFAULT_INPUT = 416
_C = TypeVar("_C", bound="FamilyConfig")

# Far beyond any network here: a hostile file must not make the machine build one that fills its memory.
_MOST_NUMBER, _MOST_NUMBERS, _MOST_CLASSES = 8192, 256, 20_000


class NetworkConfig(Protocol):
    """What is asked of every configuration, the SSDs' included.

    family: a name in `registry.FAMILIES`. architecture: its name for people. input_size: the one (width, height)
    that the network takes, to which a picture is stretched; None: any multiple of `multiple`, into which it is
    letterboxed. usual_side: its longer side then, where no other is asked for; None: DEFAULT_INPUT.
    """

    family: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def class_names(self) -> tuple[str, ...]: ...

    @property
    def input_size(self) -> Size | None: ...

    @property
    def usual_side(self) -> int | None: ...

    @property
    def architecture(self) -> str: ...

    @property
    def multiple(self) -> int: ...

    def as_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class FamilyConfig:
    """The settings that every family has; a subclass adds its own, each with a default and of a plain type: int,
    float, bool, str, a tuple of those, or one of them or None. They are checked when they are read from a file.
    """

    family: ClassVar[str] = ""

    class_names: _Names
    input_size: Size | None = None
    name: str = ""
    # Says nothing of the layers: weights that differ in it alone can be blended.
    usual_side: int | None = field(default=None, kw_only=True, compare=False)

    @property
    def architecture(self) -> str:
        return self.name or self.family

    @property
    def multiple(self) -> int:
        """What the sides of the input are multiples of, where it is not fixed: the stride of the coarsest map that
        has to fit."""
        return 32

    @property
    def suppression(self) -> str:
        """How overlapping detections of a class are thinned out: "nms", "diou" (arXiv 1911.08287) or "none"."""
        return "nms"

    @property
    def most_overlap(self) -> float:
        """Detections of a class that overlap by more are thinned out whatever a user's threshold allows; 1 leaves it
        to the user."""
        return 1.0

    @property
    def openvino_lacks(self) -> str:
        """What of this network OpenVINO cannot run, and what to do about it; empty where it can run all."""
        return ""

    @property
    def region_count(self) -> int:
        """How many regions of a picture its graph is given beside the picture, by `find_regions`: 0 for all that find
        objects by themselves."""
        return 0

    def find_regions(self, picture: Image) -> NDArray[np.float32]:
        """(region_count, 4) xyxy in pixels of the picture (H, W, 3) BGR; rows of zeros fill up. Free of torch."""
        raise NotImplementedError

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return without_usual(asdict(self))

    @classmethod
    def from_dict(cls: type[_C], values: dict[str, Any]) -> _C:
        """The inverse of `as_dict`; raises ValueError, in words for people, for settings that are unknown, missing
        or of another kind, and for numbers that no such network has."""
        hints = get_type_hints(cls)
        known = {one.name: one for one in fields(cls)}
        for key in values:
            if key not in known:
                raise ValueError(f"the setting {key!r:.40} is unknown to this version of rtdet")
        made = {}
        for key, one in known.items():
            if key in values:
                made[key] = _frozen(values[key])
                _check(key, made[key], hints[key])
            elif one.default is MISSING and one.default_factory is MISSING:
                raise ValueError(f"the setting {key} is missing")
        return cls(**made)


def without_usual(values: dict[str, Any]) -> dict[str, Any]:
    """Without a `usual_side` that is not set: as files were before there was one."""
    return {key: value for key, value in values.items() if key != "usual_side" or value is not None}


def _frozen(value: Any) -> Any:
    """Lists as tuples, as the configuration had them before JSON."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _check(key: str, value: Any, hint: Any) -> None:
    if not _fits(value, hint):
        raise ValueError(f"the setting {key} has {value!r:.40}")
    if key == "class_names" and not 1 <= len(value) <= _MOST_CLASSES:
        raise ValueError(f"{len(value)} classes")
    if key == "input_size" and value and not 1 <= min(value) <= max(value) <= MAX_IMGSZ:
        raise ValueError(f"an input of {value[0]}x{value[1]}")
    if key == "usual_side" and value is not None and not 64 <= value <= MAX_IMGSZ:
        raise ValueError(f"an input of {value} pixels")
    if key != "class_names" and _count(value) > _MOST_NUMBERS:
        raise ValueError(f"the setting {key} has {_count(value)} values")


def _count(value: Any) -> int:
    return sum(_count(item) for item in value) if isinstance(value, tuple) else 1


def _fits(value: Any, hint: Any) -> bool:
    """Is the value of that type, and if it is a number, one that a network has?"""
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= 1e6
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_NUMBER
    if hint in (bool, str, type(None)):
        return isinstance(value, hint) and not (hint is str and len(value) > 1000)
    parts = get_args(hint)
    if get_origin(hint) is tuple:
        if not isinstance(value, tuple):
            return False
        if len(parts) == 2 and parts[1] is Ellipsis:
            return all(_fits(item, parts[0]) for item in value)
        return len(value) == len(parts) and all(map(_fits, value, parts))
    return any(_fits(value, part) for part in parts)


@dataclass(frozen=True)
class Trainable:
    """A name to train. `make(class names, backbone, input size)` gives its configuration; input_size is the
    one that it is known for, None where any multiple of 32 will do. lr: AdamW's, where the usual one of a training
    from scratch does not suit it."""

    description: str
    make: Callable[[_Names, str | None, Size | None], NetworkConfig]
    input_size: Size | None = None
    has_backbones: bool = False
    lr: float | None = None


def variants(
    kind: Callable[..., FamilyConfig], settings: Mapping[str, tuple[str, Mapping[str, Any]]]
) -> dict[str, Trainable]:
    """The names of a family: for each its description and the settings in which it differs from `kind`'s defaults.
    A setting `backbone` can be chosen by the user; `input_size` is then the one that the network takes."""

    def entry(name: str, text: str, changes: Mapping[str, Any]) -> Trainable:
        def make(class_names: _Names, backbone: str | None, size: Size | None) -> FamilyConfig:
            chosen = {**changes, "name": name}
            if backbone is not None:
                chosen["backbone"] = backbone
            if size is not None and "input_size" in changes:
                chosen["input_size"] = size
            return kind(class_names=class_names, **chosen)

        return Trainable(text, make, changes.get("input_size"), "backbone" in changes)

    return {name: entry(name, text, changes) for name, (text, changes) in settings.items()}
