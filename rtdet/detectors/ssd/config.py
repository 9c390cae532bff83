"""The shape of an SSD, free of torch: what a weights file says of itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

from rtdet.config import MAX_IMGSZ
from rtdet.detectors.family.config import without_usual
from rtdet.detectors.ssd.priors import PriorLevel


@dataclass(frozen=True)
class SSDConfig:
    """Everything needed to build an SSD again from its weights file.

    class_names: "" for an output that stands for no class, as COCO's gaps do in torchvision's models.
    architecture: a name in `architectures.ARCHITECTURES`. levels: priors of each map. background: the logits
    have it as class 0 and a softmax gives the scores (the paper's SSD); else every class has a sigmoid of its
    own. input_size: the one (width, height) that the network takes, to which a picture is stretched; None:
    any multiple of 32, into which it is letterboxed, `usual_side` being the longer side where no other is asked for
    (None: DEFAULT_INPUT). backbone: a name in `backbones.BACKBONES`, for the
    architectures that have a choice. neck: channels of the layers between backbone and heads.

    Of ssd-n alone: widths, channels of the stem and of the stages at strides 4, 8, 16, 32; depths, residual
    blocks of the stages at strides 8, 16, 32.
    """

    family: ClassVar[str] = "ssd"

    class_names: tuple[str, ...]
    widths: tuple[int, int, int, int, int] = (24, 48, 96, 160, 256)
    depths: tuple[int, ...] = (1, 2, 2)
    neck: int = 64
    levels: tuple[PriorLevel, ...] = field(
        default_factory=lambda: (PriorLevel(8, 32.0), PriorLevel(16, 64.0), PriorLevel(32, 128.0))
    )
    architecture: str = "ssd-n"
    backbone: str | None = None
    input_size: tuple[int, int] | None = None
    background: bool = False
    usual_side: int | None = field(default=None, kw_only=True, compare=False)

    @property
    def multiple(self) -> int:
        """What the sides of the input are multiples of, where it is not fixed."""
        return 32

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return without_usual(asdict(self))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SSDConfig:
        """The inverse of `as_dict`; raises TypeError, KeyError or ValueError on other content."""
        levels = tuple(
            PriorLevel(**{**level, "aspect_ratios": tuple(level["aspect_ratios"])})
            for level in values["levels"]
        )
        size = values.get("input_size")
        _check(values, levels)
        return cls(
            class_names=tuple(str(name) for name in values["class_names"]),
            architecture=str(values.get("architecture", "ssd-n")),
            backbone=values.get("backbone"),
            input_size=None if size is None else (int(size[0]), int(size[1])),
            background=bool(values.get("background", False)),
            usual_side=values.get("usual_side"),
            widths=tuple(values["widths"]),
            depths=tuple(values["depths"]),
            neck=int(values["neck"]),
            levels=levels,
        )


def _check(values: dict[str, Any], levels: tuple[PriorLevel, ...]) -> None:
    """Raises ValueError for settings that no SSD has, and for numbers whose network would take the memory of the
    machine to build."""
    unknown = values.keys() - {field.name for field in fields(SSDConfig)}
    if unknown:
        raise ValueError(f"the setting {min(unknown)!r:.40} is unknown to this version of rtdet")
    size, side, names = values.get("input_size"), values.get("usual_side"), values["class_names"]
    ratios = [ratio for level in levels for ratio in level.aspect_ratios]
    limits = {
        "widths": (values["widths"], 1, 8192),
        "depths": (values["depths"], 0, 64),
        "neck": ([values["neck"]], 1, 8192),
        "input_size": (size or (), 1, MAX_IMGSZ),
        "usual_side": (() if side is None else [side], 64, MAX_IMGSZ),
        "levels": ([len(levels)], 1, 16),
        "strides": ([level.stride for level in levels], 1, 4096),
        "aspect_ratios": ([len(ratios)], 0, 256),
        "class_names": ([len(names)], 1, 20_000),
    }
    for name, (numbers, least, most) in limits.items():
        if not isinstance(numbers, (list, tuple)) or len(numbers) > 64:
            raise ValueError(f"{name} is no list of numbers")
        for number in numbers:
            if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
                raise ValueError(f"{name} has {number!r:.20}, not a number from {least} to {most}")
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError("class_names is no list of names")
    if not all(isinstance(ratio, (int, float)) and 0.01 <= ratio <= 100 for ratio in ratios):
        raise ValueError("aspect_ratios has one that is no ratio from 0.01 to 100")
