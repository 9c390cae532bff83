"""Detectors by name or by file. To add one, write its module and give it a line in DETECTORS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtdet.backends.graph_files import GRAPH_SUFFIXES, graph_format
from rtdet.backends.hostile_pth import refuse_hostile_pth
from rtdet.detectors.cards import ModelCard, model_card, model_names, models_folder
from rtdet.detectors.names import SIDECARS
from rtdet.detectors.pickled import refuse_pickled
from rtdet.detectors.selection import check_classes
from rtdet.errors import ModelError, UsageError
from rtdet.extras import require_for_model
from rtdet.protocols import Detector
from rtdet.types import Thresholds

__all__ = ["DETECTORS", "ModelCard", "Options", "load_detector", "model_card", "model_names", "weights_of"]


@dataclass(frozen=True)
class Options:
    """What every detector is opened with; names as on the command line."""

    thresholds: Thresholds
    device: str = "auto"
    backend: str = "auto"
    precision: str = "auto"
    imgsz: int | None = None
    head: str | None = None
    input: str | None = None

    def without_head(self, path: Path) -> dict[str, Any]:
        """The options of a model that is known for what it is. Raises UsageError for --head and --input."""
        for name in ("head", "input"):
            if getattr(self, name) is not None:
                raise UsageError(
                    f"--{name} is for networks in {', '.join(GRAPH_SUFFIXES)} files; {path} is known for what it is"
                )
        return {key: value for key, value in vars(self).items() if key not in ("head", "input")}


def _own(path: Path, options: Options, _card: ModelCard | None) -> Detector:
    """A file that `rtdet train` wrote: its header says of which family the network is."""
    from rtdet.detectors.family.detector import FamilyDetector
    from rtdet.detectors.family.weights import read_config
    from rtdet.detectors.ssd.detector import SSDDetector

    kind = SSDDetector if read_config(path).family == "ssd" else FamilyDetector
    return kind(path, **options.without_head(path))


def _graph(path: Path, options: Options, _card: ModelCard | None) -> Detector:
    from rtdet.detectors.graph_detector import GraphDetector

    return GraphDetector(path, **vars(options))


def _torchvision(path: Path, options: Options, card: ModelCard | None) -> Detector:
    refuse_hostile_pth(path)  # before torch, whose import takes seconds
    from rtdet.detectors.torchvision_weights import ARCHITECTURES
    from rtdet.detectors.torchvision_zoo import open_torchvision

    architecture = card.name if card and card.name in ARCHITECTURES else None
    return open_torchvision(path, architecture=architecture, **options.without_head(path))


def _darknet(path: Path, options: Options, card: ModelCard | None) -> Detector:
    from rtdet.detectors.darknet.detector import DarknetDetector

    cfg = models_folder() / card.cfg if card and card.cfg else None
    return DarknetDetector(path, cfg=cfg, **options.without_head(path))


# By the `kind` of a card. Each opens a file of weights; the card is None for a file of the user's own.
DETECTORS: Mapping[str, Callable[[Path, Options, ModelCard | None], Detector]] = {
    "ssd": _own,
    "family": _own,
    "graph": _graph,
    "torchvision": _torchvision,
    "darknet": _darknet,
}

# The extra without which a kind cannot be opened at all.
EXTRAS: Mapping[str, str] = {"torchvision": "torch"}

# What a file of the user's own is, by its suffix where its content does not tell.
SUFFIXES: Mapping[str, str] = {
    ".safetensors": "ssd",
    **dict.fromkeys(GRAPH_SUFFIXES, "graph"),
    ".pth": "torchvision",
    ".pt": "torchvision",
    ".cfg": "darknet",
    ".weights": "darknet",
}


# The file to name instead of one that lies beside it with the weights: OpenVINO's .xml; the .onnx of NAME.onnx.data.
_WHOLE: Mapping[str, Callable[[Path], Path]] = {
    ".bin": lambda path: path.with_suffix(".xml"),
    ".data": lambda path: path.with_suffix(""),
}


def load_detector(
    name_or_path: str | Path,
    *,
    thresholds: Thresholds | None = None,
    device: str = "auto",
    backend: str = "auto",
    precision: str = "auto",
    imgsz: int | None = None,
    head: str | None = None,
    input: str | None = None,
    offline: bool = False,
) -> Detector:
    """A detector by its name (`rtdet models` lists them) or from a file of weights.

    A network of others (.onnx, .xml, .tflite, .pb) is recognised by its outputs; `head` names its family instead
    (heads.registry.HEADS), and `input` says how it takes pictures, e.g. "rgb,0..1,letterbox".
    The first use of a model that does not come with rtdet fetches it into the user's cache, unless `offline`.
    Raises UnknownModelError for an unknown model, UnknownNameError for an unknown class, device, backend or
    precision, ModelError for a file that cannot be used, ModelExtraError where a package for it is missing,
    DownloadError for a model that cannot be fetched, UsageError for settings that the model or this machine
    does not have.

    >>> detector = rtdet.load_detector("rtdet-n", thresholds=rtdet.Thresholds(confidence=0.4))
    >>> frame = rtdet.open_source("demo").read()
    >>> (detections,) = detector.detect([frame.bgr])
    >>> detections.boxes.shape == (len(detections), 4)
    True
    >>> {"person", "car"} <= {detections.name_of(row) for row in range(len(detections))}
    True
    >>> detector.close()
    """
    options = Options(thresholds or Thresholds(), device, backend, precision, imgsz, head, input)
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or is_path(text):
        path, card = Path(text).expanduser(), None
        kind = kind_of(path)
    else:
        card = model_card(text)
        kind = card.kind
        check_classes(options.thresholds, card.classes)  # before a long download
    if kind in EXTRAS:
        require_for_model(EXTRAS[kind], f"the model {text}")
    detector = DETECTORS[kind](weights_of(card, offline=offline) if card else path, options, card)
    try:
        check_classes(options.thresholds, detector.class_names)
    except Exception:
        detector.close()
        raise
    return detector


def is_path(text: str) -> bool:
    """Whether a model is named by its file, there or not."""
    suffixes = tuple(SUFFIXES)
    looks_like_one = "/" in text or "\\" in text or Path(text).suffix.lower() in suffixes
    return looks_like_one or Path(text).is_file()


def files_of_model(name_or_path: str) -> Iterator[Path]:
    """The files of the user's own that `load_detector` reads for a model: none for a name."""
    if not is_path(name_or_path):
        return
    path = Path(name_or_path).expanduser()
    yield path
    yield from (path.with_suffix(suffix) for suffix in (".bin", ".onnx", ".cfg", ".weights", *SIDECARS))


def kind_of(path: Path) -> str:
    """The kind of a file of the user's own, a key of DETECTORS. Raises ModelError for one that rtdet cannot read."""
    if not path.is_file():
        raise ModelError(f"there is no model file {path}")
    suffix = path.suffix.lower()
    whole = _WHOLE[suffix](path) if suffix in _WHOLE else None
    if whole is not None and whole.is_file():
        raise ModelError(
            f"{path} holds only the weights of a network; name the file beside it: --model {whole}"
        )
    if suffix in (".pt", ".pth"):
        refuse_pickled(path)
    try:
        # torch's and rtdet's own files say by their suffix what they are; a network may be called anything.
        by_content = None if SUFFIXES.get(suffix, "graph") != "graph" else graph_format(path)
        return SUFFIXES[by_content.suffix if by_content else suffix]
    except KeyError:
        kinds = ", ".join(SUFFIXES)
        hint = ""
        if whole is not None and whole.suffix.lower() in (".xml", ".onnx"):
            hint = f"; if it holds a network's weights, put {whole.name} beside it and name that"
        raise ModelError(f"{path} is not a kind of model file that rtdet reads: {kinds}{hint}") from None


def weights_of(card: ModelCard, *, offline: bool = False) -> Path:
    """The file with a card's weights, fetched if need be. Raises ModelError and DownloadError."""
    if not card.url:
        path = models_folder() / (card.file or f"{card.name}.safetensors")
        if not path.is_file():
            raise ModelError(f"the weights of {card.name} are missing: {path}; reinstall rtdet")
        return path
    from rtdet.detectors.download import fetch_model

    return fetch_model(card, offline=offline)
