"""A detector's whole way on a GPU: pictures go there as they are, and only the rows that matter come back. What is
computed in between, from fitting the picture in to NMS, is one step, which CUDA replays as a graph.

The results are those of the way by NumPy but for rounding. It is the same code on the CPU, where it is only tested.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rtdet.backends.network import Outputs, PixelInput
from rtdet.backends.network import Tensor as Array
from rtdet.backends.torch import TorchNetwork, batch_of
from rtdet.backends.torch_step import PictureInput
from rtdet.detectors.family.config import FamilyConfig, Size
from rtdet.detectors.family.device_scaling import Fit, RowsOf, Scaling
from rtdet.detectors.family.device_selection import (
    KEPT,
    NOTHING,
    Candidates,
    Selection,
    asked,
    best_pairs,
    best_rows,
)
from rtdet.detectors.part_times import PartTimes
from rtdet.detectors.selection import MAX_CANDIDATES, select, wanted_names
from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.postprocess import visible_names
from rtdet.detectors.ssd.priors import make_priors
from rtdet.errors import ModelError
from rtdet.geometry.boxes import diou, iou
from rtdet.geometry.letterbox import letterbox, stretch
from rtdet.types import Detections, Image, Picture, Thresholds

log = logging.getLogger("rtdet.detectors")

# Candidates that NMS gets on the device, and, once a picture had more, as many as NumPy's gets.
_CANDIDATES = 256
# Sizes of pictures that are scaled on the device, each with memory and a graph of its own. A folder of pictures of
# all sizes is fitted in on the host.
_MOST_SIZES = 4
# Of the pictures of one batch, in host memory that stays where it is.
_MOST_BYTES = 96 << 20
_PLAIN = PixelInput()
# Calls in which the device's results are compared with the host's, as long as nothing is found.
_DOUBTS = 20
_UNSURE = 0.1  # a score so near to the threshold may be on the other side of it for the other
_Key = tuple[Size | None, int]


class DevicePath:
    """Detections of pictures by one network, at an input of one size.

    network: what runs it; its module, precision and device are used. scales: pictures in arrays are fitted in on the
    device; without it, as others are, on the host.
    """

    def __init__(
        self, network: TorchNetwork, config: SSDConfig | FamilyConfig, size: Size, *, scales: bool = True
    ) -> None:
        self._network, self._config, self._size = network, config, size
        self._is_stretched = config.input_size is not None
        self._scales = scales
        self._count = _CANDIDATES
        self._networks: dict[_Key, TorchNetwork] = {}
        self._sizes: set[Size] = set()  # of pictures that are scaled on the device
        is_ssd = isinstance(config, SSDConfig)
        self._names: tuple[str, ...] = visible_names(config.class_names) if is_ssd else config.class_names
        self._label_of = np.cumsum([name != "" for name in config.class_names]) - 1 if is_ssd else None
        self._times = PartTimes()
        self._has_worked = False
        self._doubts = _DOUBTS

    def detect(
        self, images: Sequence[Image | Picture], thresholds: Thresholds, times: PartTimes | None = None
    ) -> list[Detections]:
        """What is in each picture. times: of a call that is underway."""
        self._times = times or self._times
        found: list[Detections] = []
        for place, run in groupby(images, key=self._scaled_from):
            found += self._detect(list(run), place, thresholds)
        self._has_worked = True
        return found

    def attempt(
        self,
        images: Sequence[Image | Picture],
        thresholds: Thresholds,
        times: PartTimes,
        by_host: Callable[[Sequence[Image | Picture]], list[Detections]],
    ) -> list[Detections] | None:
        """What is in each picture, or None where this device cannot go this way: it fails at the first try, or finds
        something else than `by_host` does. That is looked at until something was found by both."""
        try:
            found = self.detect(images, thresholds, times)
        except ModelError as error:
            if self._has_worked:
                raise
            log.debug("pictures are fitted in, and detections chosen, on the host: %s", error)
            return None
        if self._doubts and found:
            (wanted,) = by_host(images[:1])
            if not agree(found[0], wanted, thresholds.least_score):
                log.debug(
                    "%s finds something else by itself, so the host does its part", self._network.device
                )
                return None
            self._doubts = 0 if len(wanted) else self._doubts - 1
        return found

    def _scaled_from(self, image: Image | Picture) -> Size | None:
        """(width, height) of a picture that is fitted in on the device; None: on the host."""
        if not self._scales or not isinstance(image, np.ndarray):
            return None
        place = image.shape[1], image.shape[0]
        if len(self._sizes) < _MOST_SIZES:
            self._sizes.add(place)
        return place if place in self._sizes else None

    def _detect(
        self, images: list[Image | Picture], place: Size | None, thresholds: Thresholds
    ) -> list[Detections]:
        outputs = list(self._network_for(place).run_many(self._inputs(images, place, thresholds)))
        crowded = [i for i, (_, told) in enumerate(outputs) if told[0, 0] > self._count]
        if crowded and self._count < MAX_CANDIDATES:
            self._widen()
            again = self._inputs([images[i] for i in crowded], place, thresholds)
            for i, one in zip(crowded, self._network_for(place).run_many(again), strict=True):
                outputs[i] = one
        with self._times.suppress:
            return [self._detections(one, thresholds) for one in outputs]

    def _widen(self) -> None:
        """From now on as many candidates as on the host: with so low a threshold the next picture has them too."""
        self._count = MAX_CANDIDATES
        for network in self._networks.values():
            network.close()
        self._networks.clear()

    def _inputs(
        self, images: Sequence[Image | Picture], place: Size | None, thresholds: Thresholds
    ) -> Iterator[tuple[Any, Array]]:
        config = self._config
        names = wanted_names(thresholds.classes, tuple(self._names))
        wanted = np.array([name != "" and name in names for name in config.class_names], dtype=bool)
        most = self._most_overlap(thresholds)
        if place is None:
            for image in images:
                with self._times.preprocess:
                    fitted, back = (stretch if self._is_stretched else letterbox)(image, self._size)
                yield fitted[None], asked(thresholds, most, back, wanted)
            return
        fit = Fit(place, self._size, self._is_stretched)
        numbers, rows = asked(thresholds, most, fit.back, wanted), fit.rows
        for image in images:
            assert isinstance(image, np.ndarray)
            yield RowsOf(image, rows), numbers

    def _most_overlap(self, thresholds: Thresholds) -> float:
        """That two boxes may have which are both kept."""
        return min(thresholds.iou, getattr(self._config, "most_overlap", 1.0))

    def _network_for(self, place: Size | None) -> TorchNetwork:
        key = place, self._count
        if key not in self._networks:
            self._networks[key] = self._opened(place)
        return self._networks[key]

    def _opened(self, place: Size | None) -> TorchNetwork:
        wide, high = self._size
        fit = None if place is None else Fit(place, self._size, self._is_stretched)
        picture = (1, high, wide, 3) if fit is None else (1, len(fit.rows), fit.image[0], 3)
        device = torch.device(self._network.device)
        module = Whole(self._network.module, self._config, self._size, fit, self._count).to(device).eval()
        batch = batch_of(device, wide * high)
        while batch > 1 and batch * int(np.prod(picture)) > _MOST_BYTES:
            batch //= 2
        shapes = (picture, (1, 8 + len(self._config.class_names)))
        return TorchNetwork(
            module,
            device,
            self._network.precision,
            shapes,
            batch=batch,
            is_static=self._network.is_static,
            is_ready=True,
            bytes_at=frozenset([0]),
        )

    def _detections(self, outputs: Outputs, thresholds: Thresholds) -> Detections:
        (rows,), ((_, is_settled),) = outputs
        if not is_settled:
            return self._settled(rows[rows[:, 6] != NOTHING], thresholds)
        rows = rows[rows[:, 6] == KEPT][: thresholds.max_detections]
        return Detections(rows[:, :4], rows[:, 4], self._labels(rows), self._names)

    def _settled(self, rows: Outputs, thresholds: Thresholds) -> Detections:
        """NMS on the host, where boxes suppress each other in longer chains than the device follows."""
        array = np.asarray(rows, dtype=np.float64)
        overlap = diou if getattr(self._config, "suppression", "nms") == "diou" else iou
        thresholds = replace(thresholds, iou=self._most_overlap(thresholds))
        return select(
            array[:, :4], array[:, 4], self._labels(array), thresholds, self._names, overlap=overlap
        )

    def _labels(self, rows: np.ndarray) -> np.ndarray:
        labels = rows[:, 5].astype(np.int64)
        return labels if self._label_of is None else self._label_of[labels]

    def close(self) -> None:
        """Frees what it holds on the device; not the network that it was given."""
        for network in self._networks.values():
            network.close()
        self._networks.clear()


class Whole(nn.Module):
    """From pictures, or what `Scaling` takes of them, and `asked`, to what `Selection` gives."""

    def __init__(
        self, network: nn.Module, config: SSDConfig | FamilyConfig, size: Size, fit: Fit | None, count: int
    ) -> None:
        """network: gives offsets and logits of an SSD, or boxes and scores. fit: how the pictures that come are
        scaled; None: they lie in an input of `size` already. count: of candidates."""
        super().__init__()
        self.fit: nn.Module = PictureInput(_PLAIN) if fit is None else Scaling(fit)
        self.network = network
        self.decode: nn.Module = (
            SSDCandidates(config, size) if isinstance(config, SSDConfig) else RowCandidates()
        )
        self.select = Selection(getattr(config, "suppression", "nms"))
        self._count = count

    def forward(self, pictures: Tensor, wishes: Tensor) -> tuple[Tensor, Tensor]:
        kind = pictures.device.type
        with torch.autocast(kind, enabled=False):
            fitted = self.fit(pictures)
        outputs = self.network(fitted)
        with torch.autocast(kind, enabled=False):
            first, second = (one.float() for one in outputs)
            candidates = self.decode(first, second, wishes, self._count)
            rows, told = self.select(candidates, wishes[:, :8])
        return rows, told


class RowCandidates(nn.Module):
    """Of boxes (B, N, 4) and scores (B, N, C)."""

    def forward(self, boxes: Tensor, scores: Tensor, wishes: Tensor, count: int) -> Candidates:
        return best_rows(boxes, scores, wishes[:, :1], wishes[:, 8:] > 0.5, count)


class SSDCandidates(nn.Module):
    """Of offsets (B, P, 4) and logits (B, P, C); see `ssd.postprocess`."""

    priors: Tensor

    def __init__(self, config: SSDConfig, size: Size) -> None:
        super().__init__()
        self._has_background = config.background
        self.register_buffer("priors", torch.from_numpy(make_priors(config.levels, size)).float())

    def forward(self, offsets: Tensor, logits: Tensor, wishes: Tensor, count: int) -> Candidates:
        least, wanted = wishes[:, :1], wishes[:, 8:] > 0.5
        # The prior goes along with its offsets: only those of the candidates are decoded.
        both = torch.cat([offsets, self.priors.expand(len(offsets), -1, -1)], -1)
        if self._has_background:
            found = best_pairs(both, logits.softmax(-1)[..., 1:], least, wanted, count)
        else:
            found = best_rows(both, logits.sigmoid(), least, wanted, count)
        return found._replace(boxes=BoxCoder().decode_tensor(found.boxes[..., :4], found.boxes[..., 4:]))


def opened_path(network: object, config: object, size: Size) -> DevicePath | None:
    """The whole way on the device of a network that torch runs; None for others, and for one that is told where to
    look."""
    if not isinstance(network, TorchNetwork) or not isinstance(config, (SSDConfig, FamilyConfig)):
        return None
    if isinstance(config, FamilyConfig) and config.region_count:
        return None
    return DevicePath(network, config, size)


def agree(found: Detections, wanted: Detections, least: float) -> bool:
    """Whether two ways lead to the same: what is sure for one is there for the other, in nearly the same place."""
    return _are_in(found, wanted, least) and _are_in(wanted, found, least)


def _are_in(some: Detections, others: Detections, least: float) -> bool:
    sure = some[some.scores >= min(least + _UNSURE, 0.9)]
    near = (iou(sure.boxes, others.boxes) > 0.8) & (sure.labels[:, None] == others.labels)
    missing = np.count_nonzero(~near.any(1)) if len(others) else len(sure)
    return bool(missing <= len(sure) // 10)
