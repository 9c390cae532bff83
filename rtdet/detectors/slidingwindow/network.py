"""The network: the classifier run over every level of a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from rtdet.detectors.family.config import Size
from rtdet.detectors.family.grids import rows_of, size_of
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.family.truth import MAX_OBJECTS, Losses, Truth, at_most, incomplete_classes
from rtdet.detectors.fastrcnn.head import DEVIATIONS
from rtdet.detectors.fastrcnn.loss import class_losses, smooth_l1
from rtdet.detectors.rcnn.boxes import clip, decode, encode
from rtdet.detectors.slidingwindow.classifier import Classifier
from rtdet.detectors.slidingwindow.config import SlidingWindowConfig
from rtdet.detectors.slidingwindow.mining import Chosen, choose
from rtdet.detectors.slidingwindow.pyramid import cut_out, pyramid, windows_of
from rtdet.detectors.ssd.matcher import pairwise_iou

# Boxes are refined where the window overlaps its object by at least that.
_NEAR = 0.5


class SlidingWindow(DetectionNetwork):
    """`forward` makes the levels of the pictures. `decode` runs the classifier over the whole of each; `criterion`
    too of some, to see what it is wrong about, and then learns from the windows that it chose, one by one."""

    def __init__(self, config: SlidingWindowConfig) -> None:
        super().__init__()
        self.config: SlidingWindowConfig = config
        self.shapes = config.shapes
        self.classifier = Classifier(config.widths, len(config.class_names), refine=config.refine)
        self.loss_names = ("score", "box") if config.refine else ("score",)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) BGR 0..255 to a level (B, 3, h, w), around 0, for each shape of windows; behind them the
        picture itself."""
        scaled = (images - 128) / 64
        return (*pyramid(scaled, self.shapes), scaled)

    def scan(self, levels: Sequence[Tensor]) -> tuple[Tensor, Tensor, list[tuple[int, int]]]:
        """Of all N windows: answers (B, N, values) and places (N, 4) xyxy in input pixels, level by level; and how
        many columns and rows of them each level has."""
        answers, places, grids = [], [], []
        for level, shape in zip(levels, self.shapes, strict=True):
            found = self.classifier(level.float())
            answers.append(rows_of(found, found.shape[1]))
            places.append(windows_of(found, shape))
            grids.append((found.shape[3], found.shape[2]))
        return torch.cat(answers, 1), torch.cat(places), grids

    def criterion(self, outputs: Sequence[Tensor], truths: Sequence[Truth], size: Size) -> Losses:
        config, levels = self.config, outputs[:-1]
        truths = [at_most(MAX_OBJECTS, truth) for truth in truths]
        # A look at the whole costs more than all the rest of a step.
        scanned = torch.randperm(len(truths))[: math.ceil(config.scanned * len(truths))].tolist()
        with torch.no_grad(), _as_it_detects(self.classifier):
            answers, windows, grids = self.scan([level[scanned] for level in levels])
            alarm = dict(zip(scanned, 1 - self._scores(answers)[0], strict=True))
        chosen = [
            choose(
                windows, alarm.get(i), truth, count=config.samples, foreground=config.foreground, mined=config.mined,
                overlap=config.overlap, background=config.background,
            )
            for i, truth in enumerate(truths)
        ]  # fmt: skip
        cut = [_cut(levels, i, one.rows, grids) for i, one in enumerate(chosen)]
        said = self.classifier(torch.cat(cut).float()).flatten(1)
        return self._losses(said, windows, chosen, truths)

    def _losses(
        self, said: Tensor, windows: Tensor, chosen: Sequence[Chosen], truths: Sequence[Truth]
    ) -> Losses:
        """Over the number of windows that were chosen."""
        outputs = 1 + len(self.config.class_names)
        rows, labels, wanted, weight = (torch.cat(parts) for parts in zip(*chosen, strict=True))
        counts = torch.tensor([len(one.rows) for one in chosen], device=said.device)
        incomplete = incomplete_classes(truths, outputs - 1, said.device).repeat_interleave(counts, 0)
        scale = max(1, int((weight > 0).sum()))
        parts = {"score": (class_losses(said[:, :outputs], labels, incomplete) * weight).sum() / scale}
        if self.config.refine:
            places = windows[rows]
            overlap = pairwise_iou(places.unsqueeze(1), wanted.unsqueeze(1)).flatten()
            near = weight * (labels > 0) * (overlap >= _NEAR)
            off = smooth_l1(said[:, outputs:], encode(wanted, places, DEVIATIONS))
            parts["box"] = (off * near).sum() / scale
        return Losses(parts, int((labels > 0).sum()))

    def decode(self, outputs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        answers, windows, _ = self.scan(outputs[:-1])
        _, scores = self._scores(answers)
        boxes = windows.unsqueeze(0).expand(answers.shape[0], -1, -1)
        if self.config.refine:
            boxes = decode(answers[..., 1 + len(self.config.class_names) :], boxes, DEVIATIONS)
        return clip(boxes, size_of(outputs[-1])), scores

    def _scores(self, answers: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N) how sure it is that there is nothing, and (B, N, C) that it is a class."""
        chances = answers[..., : 1 + len(self.config.class_names)].softmax(-1)
        return chances[..., 0], chances[..., 1:]

    @property
    def leading_outputs(self) -> int:
        """That of background."""
        return 1

    @property
    def scores_compete(self) -> bool:
        return True


def _cut(levels: Sequence[Tensor], picture: int, rows: Tensor, grids: Sequence[tuple[int, int]]) -> Tensor:
    """(K, 3, SIDE, SIDE): what windows (K,) of one picture of a batch show, in their order."""
    cut: list[Tensor] = [levels[0]] * len(rows)
    start = 0
    for level, (columns, lines) in zip(levels, grids, strict=True):
        here = ((rows >= start) & (rows < start + columns * lines)).nonzero()[:, 0]
        for place, one in zip(
            here.tolist(), cut_out(level[picture], rows[here] - start, columns), strict=True
        ):
            cut[place] = one
        start += columns * lines
    return torch.stack(cut)


@contextmanager
def _as_it_detects(module: nn.Module) -> Iterator[None]:
    """Its norms go by their averages, as they will when it is used."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
