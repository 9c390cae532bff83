"""Model cards: what each model that is known by name is, and where its weights are. One TOML file each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from rtdet.config import parse_toml
from rtdet.detectors.coco import COCO_CLASSES
from rtdet.errors import ModelError, UnknownModelError


@dataclass(frozen=True)
class ModelCard:
    """One model. `kind` is a key of DETECTORS; `input` describes its pixels for people; `size` is bytes.

    The weights are the embedded `file` beside the card, or are fetched from `url` and held to `sha256`, all of it or
    its first digits. `cfg` is the network of Darknet's weights, a file beside the cards. `more` is whatever else the
    card states: its data, its AP.
    """

    name: str
    kind: str
    classes: tuple[str, ...]
    description: str = ""
    input: str = ""
    licence: str = ""
    file: str = ""
    url: str = ""
    sha256: str = ""
    size: int = 0
    cfg: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


def models_folder() -> Path:
    """The folder of cards and embedded weights: in an installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_models"
    return installed if installed.is_dir() else package.parent / "models"


def model_names() -> list[str]:
    """The models that can be asked for by name; the embedded ones first."""
    cards = [model_card(path.stem) for path in sorted(models_folder().glob("*.toml"))]
    return [card.name for card in sorted(cards, key=lambda card: (bool(card.url), card.name))]


def model_card(name: str) -> ModelCard:
    """The card of a model. Raises UnknownModelError with the nearest names."""
    path = models_folder() / f"{name}.toml"
    known = sorted(other.stem for other in models_folder().glob("*.toml"))
    if name not in known:
        raise UnknownModelError("model", name, known)
    return read_card(path)


@lru_cache(maxsize=64)
def read_card(path: Path) -> ModelCard:
    """A card from its file. Raises ModelError for one that is not a card."""
    try:
        table = parse_toml(path.read_text(encoding="utf-8"))
        classes = table.pop("classes")
        known = {f.name for f in fields(ModelCard)} - {"more", "classes"}
        if classes != "coco" and not (isinstance(classes, list) and all(isinstance(c, str) for c in classes)):
            raise ValueError("classes should be a list of names")
        for name in known - {"size"} & table.keys():
            if not isinstance(table[name], str):
                raise ValueError(f"{name} should be a text, not {type(table[name]).__name__}")
        if not isinstance(table.get("size", 0), int):
            raise ValueError("size should be a number of bytes")
        return ModelCard(
            classes=COCO_CLASSES if classes == "coco" else tuple(classes),
            more={key: value for key, value in table.items() if key not in known},
            **{key: value for key, value in table.items() if key in known},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is not a model card: {error}") from error
