"""torchvision's detectors by name, or from a state dict of one of them.

The two SSDs are our own with torchvision's weights, on any backend. The other three choose and crop inside of
the network, so they run in torch as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rtdet.backends.registry import check_names, choose
from rtdet.backends.torch_step import TYPES, choose_precision
from rtdet.detectors.efficientdet import published as efficientdet
from rtdet.detectors.family.detector import FamilyDetector
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.part_times import Part, PartTimes
from rtdet.detectors.retinaface import published as retinaface
from rtdet.detectors.selection import wanted_class
from rtdet.detectors.sides import Form, Forms, Sided
from rtdet.detectors.ssd.detector import SSDDetector
from rtdet.detectors.ssd.module import SSDModule
from rtdet.detectors.torchvision_weights import LoadedModel, load_model, read_state_dict
from rtdet.errors import ModelError, UsageError
from rtdet.geometry.boxes import clip, is_valid
from rtdet.protocols import Detector
from rtdet.types import Detections, Image, InputSize, IntArray, Thresholds

_log = logging.getLogger("rtdet.detectors")
_GPU_BATCH = 4  # RetinaNet at 800 px takes about 1 GB of GPU memory a picture
Found = dict[str, torch.Tensor]


def open_torchvision(
    path: Path,
    *,
    architecture: str | None = None,
    thresholds: Thresholds | None = None,
    device: str = "auto",
    backend: str = "auto",
    precision: str = "auto",
    imgsz: int | None = None,
) -> Detector:
    """The detector whose state dict is in `path`; the architecture is told by its keys if it is not given.

    Raises ModelError for a file of another kind, UsageError for settings that the architecture lacks.
    """
    check_names(backend, device, precision)
    published = _published(path) if architecture is None else None
    if published is not None:
        return FamilyDetector(
            published,
            thresholds=thresholds,
            device=device,
            backend=backend,
            precision=precision,
            imgsz=imgsz,
        )
    loaded = load_model(path, architecture)
    if isinstance(loaded.model, SSDModule):
        return SSDDetector(
            loaded.model,
            thresholds=thresholds,
            device=device,
            backend=backend,
            precision=precision,
            imgsz=imgsz,
        )
    if backend not in ("auto", "torch"):
        raise UsageError(f"{loaded.architecture} runs on the torch backend only; leave --backend out")
    model: Any = loaded.model
    usual = InputSize(model.transform.max_size)
    if imgsz is not None:
        if imgsz < 64:
            raise UsageError(f"--imgsz {imgsz} is too small for this model; use 64 or more")
        model.transform.min_size, model.transform.max_size = (imgsz,), imgsz
    runner = _EagerRunner(loaded.model, choose("torch", device, is_file=False)[1], precision)
    return TorchvisionDetector(loaded, runner, thresholds or Thresholds(), usual)


def _published(path: Path) -> DetectionNetwork | None:
    """A network of one of rtdet's families, where the file holds weights of one that its authors published."""
    weights = read_state_dict(path)
    try:
        if efficientdet.is_published(weights):
            return efficientdet.from_published(weights)
        if retinaface.is_published(weights):
            _log.info("%s also gives five points of each face, which rtdet does not use", path.name)
            return retinaface.from_published(weights)
    except ModelError as error:
        raise ModelError(f"{path} does not fit its architecture: {error}") from error
    return None


class TorchvisionDetector(Sided):
    """One of torchvision's models as a Detector. NMS is torchvision's own, for each class."""

    def __init__(
        self, loaded: LoadedModel, runner: _EagerRunner, thresholds: Thresholds, input_size: InputSize
    ) -> None:
        self.thresholds, self.input_size = thresholds, input_size
        self.suppression = "nms"
        self._times = PartTimes()
        self.class_names: Sequence[str] = tuple(name for name in loaded.names if name)
        # torchvision's labels start at 1 (0 is background) and COCO's have gaps: -1 here, never reported.
        self._label_of = np.full(len(loaded.names) + 1, -1, dtype=np.int64)
        named = [i for i, name in enumerate(loaded.names, start=1) if name]
        self._label_of[named] = np.arange(len(named))
        self._runner: _EagerRunner | None = runner
        self._forms = Forms(Form(runner.sides[1]), lambda form: None)  # nothing is compiled for one

    @property
    def model(self) -> Any:
        """torchvision's model. Raises ModelError once closed."""
        if self._runner is None:
            raise ModelError("the model was closed")
        return self._runner.model

    @property
    def last_ms(self) -> Mapping[str, float]:
        """Of the last `detect`, milliseconds per picture of its parts (`part_times`); torchvision's own NMS and its
        resizing are part of the network."""
        return self._times.last_ms

    @property
    def label_of(self) -> IntArray:
        """Into `class_names`, for each of the model's labels; -1 for background and for gaps."""
        return self._label_of

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        if self._runner is None:
            raise ModelError("the model was closed")
        thresholds, converted = self.thresholds, list[Detections]()
        with self._times.call(len(images)):
            found = self._runner.run(images, thresholds, self.side, self._times.preprocess)
            for one, image in zip(found, images, strict=True):
                with self._times.suppress:
                    converted.append(self._convert(one, image, thresholds))
        return converted

    def _convert(self, found: Found, image: Image, thresholds: Thresholds) -> Detections:
        boxes = found["boxes"].detach().cpu().double().numpy()
        scores = found["scores"].detach().cpu().double().numpy()
        labels = self._label_of[found["labels"].cpu().numpy()]
        boxes = clip(boxes, image.shape[1], image.shape[0])
        keep = (labels >= 0) & is_valid(boxes) & (scores >= thresholds.least_score)
        keep &= wanted_class(np.maximum(labels, 0), thresholds, self.class_names)
        rows = np.flatnonzero(keep)
        rows = rows[np.argsort(-scores[rows], kind="stable")][: thresholds.max_detections]
        return Detections(boxes[rows], scores[rows], labels[rows], self.class_names)

    def close(self) -> None:
        self._forms.close()
        if self._runner is not None:
            self._runner.close()
        self._runner = None


def _apply(model: Any, thresholds: Thresholds) -> None:
    target = model.roi_heads if hasattr(model, "roi_heads") else model
    target.score_thresh, target.nms_thresh = thresholds.least_score, thresholds.iou
    # Classes that are not wanted, or are gaps in COCO's ids, go afterwards, and must not crowd out the others.
    target.detections_per_img = max(1000, thresholds.max_detections)


def _to_tensor(image: Image, device: torch.device) -> torch.Tensor:
    """(3, H, W) RGB in [0, 1], what torchvision's transforms start from, on a device; bytes go there, not floats."""
    pixels = torch.from_numpy(image if image.flags.writeable else image.copy()).to(device)
    return pixels.permute(2, 0, 1).flip(0).float() / 255


class _EagerRunner:
    """The whole model in torch, a few pictures at a time on a GPU: one {boxes, scores, labels} of torchvision
    for each image, in its pixels.

    sides: what a picture's shorter side is scaled to, and the longest that the other may have then. To `run` with
    another longest one the shorter is in proportion.
    """

    def __init__(self, model: Any, device: str, precision: str) -> None:
        self._device = torch.device(device)
        self._precision = choose_precision(device, precision)
        self.model: Any = model.to(self._device)
        self._batch = 1 if self._device.type == "cpu" else _GPU_BATCH
        self.sides: tuple[int, int] = model.transform.min_size[-1], model.transform.max_size

    def run(
        self, images: Sequence[Image], thresholds: Thresholds, longest: int, preparing: Part
    ) -> Iterator[Found]:
        _apply(self.model, thresholds)
        shorter = round(self.sides[0] * longest / self.sides[1])
        self.model.transform.min_size, self.model.transform.max_size = (shorter,), longest
        for start in range(0, len(images), self._batch):
            with preparing:
                batch = images[start : start + self._batch]
                tensors = [_to_tensor(image, self._device) for image in batch]
            with ExitStack() as contexts:
                contexts.enter_context(torch.inference_mode())
                if self._precision != "fp32":
                    contexts.enter_context(torch.autocast(self._device.type, TYPES[self._precision]))
                found: list[Found] = self.model(tensors)
            yield from found  # outside of the contexts, which would else hold in the caller's code too

    def close(self) -> None:
        self.model = None
