"""What a model's file is, told from the file itself: the entries that a card has."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdet.backends.graph_files import graph_format
from rtdet.detectors.cards import ModelCard, read_card
from rtdet.detectors.registry import kind_of, load_detector
from rtdet.errors import ModelError

if TYPE_CHECKING:
    from rtdet.backends.cost import GraphCost
    from rtdet.detectors.graph_detector import GraphDetector

Entries = dict[str, object]


def describe_file(path: Path) -> Entries:
    """The name, kind, input, classes, size and so on of a model in a file; what is not known is "" or None.

    A model that `rtdet train` wrote has the entries of the card beside it, too. Raises ModelError for a file that
    cannot be used, ModelExtraError where a package is missing for it.
    """
    kind = kind_of(path)
    told = _TOLD.get(kind, _of_detector)(path)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    card = _of_card(path, digest)
    return {
        "name": path,
        "description": card.get("description"),
        "kind": kind,
        **told,
        "size": f"{len(content) / 1e6:.1f} MB",
        "sha256": digest,
        **card,
    }


def _of_card(path: Path, digest: str) -> Entries:
    """What the card that lies beside a trained model says; nothing where it is that of another file."""
    beside = path.with_name("card.toml")
    if not beside.is_file():
        return {}
    try:
        card = read_card(beside)
    except ModelError:
        return {}
    if card.file != path.name or card.sha256 != digest:
        return {}
    return {"description": card.description, "input": card.input, "licence": card.licence, **card.more}


def entries_of(card: ModelCard) -> Entries:
    """A card's own entries, in the order in which they are printed."""
    return {
        "name": card.name,
        "description": card.description,
        "kind": card.kind,
        "input": card.input,
        "classes": ", ".join(card.classes),
        "licence": card.licence,
        "size": f"{card.size / 1e6:.1f} MB" if card.size else "",
        "url": card.url,
        "sha256": card.sha256,
    }


def _own(path: Path) -> Entries:
    """A network of rtdet, by its header: no torch."""
    from rtdet.detectors.classifier.config import ClassifierConfig
    from rtdet.detectors.family.config import NetworkConfig
    from rtdet.detectors.family.weights import (
        CLASSIFIER_FORMAT,
        classifier_config_of,
        config_of,
        count_parameters,
        read_header,
    )

    header = read_header(path)
    config: ClassifierConfig | NetworkConfig = (
        classifier_config_of(header, path)
        if header.get("format") == CLASSIFIER_FORMAT
        else config_of(header, path)
    )
    return {
        "kind": config.family,
        "network": config.architecture,
        "input": _input_of(config),
        "classes": ", ".join(name for name in config.class_names if name),
        "parameters": f"{count_parameters(path):,}",
    }


def _input_of(config: Any) -> str:
    from rtdet.detectors.family.detector import long_side_of

    fixed = config.input_size
    return f"{fixed[0]}x{fixed[1]}" if fixed else any_side(long_side_of(config))


def any_side(side: int) -> str:
    """Of a network that takes inputs of any size."""
    return f"{side} on the longer side, the picture's aspect"


def _darknet(path: Path) -> Entries:
    """What the network of a Darknet .cfg is made of; of weights, of the .cfg that belongs to them."""
    from rtdet.detectors.darknet.network import read_network
    from rtdet.detectors.darknet.pairing import pair

    cfg = path if path.suffix.lower() == ".cfg" else pair(path)[0]
    network = read_network(cfg)
    heads = ", ".join(sorted({head.kind for head in network.heads}))
    width, height = network.size
    return {
        "network": "" if cfg == path else cfg,
        "input": f"{width}x{height}" + (", letterbox" if network.letterbox else ""),
        "classes": f"{network.classes} ({heads or 'a classifier'})",
        "layers": len(network.layers),
        "parameters": f"{network.parameters:,}",
        "operations": f"{network.flops / 1e9:.2f} BFLOPs for a picture of this size",
        "weights": f"{4 * network.weights:,} bytes and the header",
    }


def _of_detector(path: Path) -> Entries:
    """Of networks of others, what is found out when they are opened."""
    detector: Any = load_detector(path)
    try:
        if hasattr(detector, "head_name"):
            return _graph(path, detector)
        config, model = getattr(detector, "config", None), getattr(detector, "model", detector)
        return {
            "network": config.architecture if config else type(model).__name__,
            "input": _input_of(config) if config else any_side(detector.input_size.usual),
            "classes": ", ".join(detector.class_names),
        }
    finally:
        detector.close()


def _graph(path: Path, detector: GraphDetector) -> Entries:
    """A network in a file of ONNX or the like, as far as rtdet makes it out."""
    found = graph_format(path)
    cost: GraphCost | None = getattr(detector.network, "cost", None)
    size = cost.input_size if cost else None
    side = any_side(detector.input_size.usual)
    if detector.input_size.is_fixed:
        side = "{}x{}".format(*size) if size else f"{detector.input_size.usual} pixels"
    at = " at {}x{}".format(*size) if size else ""
    return {
        "format": found.title if found else "",
        "network": f"{detector.head_name}, by its outputs (--head)",
        "input": f"{side}; {detector.input} (--input)",
        "classes": ", ".join(detector.class_names),
        "parameters": f"{cost.parameters:,}" if cost else "",
        "operations": f"{2e-9 * cost.multiply_adds:.2f} GFLOPs{at}" if cost and cost.multiply_adds else "",
    }


# By the kind of the file; all others are opened.
_TOLD: Mapping[str, Callable[[Path], Entries]] = {"ssd": _own, "darknet": _darknet}
