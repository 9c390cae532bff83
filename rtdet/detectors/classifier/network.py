"""The network: a backbone, the mean over its last map, and a fully connected layer, as in ResNet."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.classifier.config import ClassifierConfig
from rtdet.detectors.classifier.trunks import trunk_kind
from rtdet.detectors.family.config import Size
from rtdet.detectors.family.network import TrainableNetwork
from rtdet.detectors.family.truth import Losses, Truth
from rtdet.errors import UsageError


class Classifier(TrainableNetwork):
    """`forward` gives a logit of each class (B, C). Raises UnknownNameError and UsageError for a backbone that there
    is not, and UsageError for settings that make no sense."""

    loss_names = ("class",)
    score_names = ("top1", "top5")

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        for name in ("label_smoothing", "dropout"):
            if not 0 <= getattr(config, name) < 1:
                raise UsageError(f"{name} must be from 0 to below 1, not {getattr(config, name):g}")
        self.config: ClassifierConfig = config
        kind = trunk_kind(config.backbone)
        self.input = kind.input
        self.backbone = kind.build()
        self.head = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(self._channels(), len(config.class_names))
        )

    def _channels(self) -> int:
        """Of the last map, found out by running the backbone once on nothing."""
        size = self.config.input_size or (96, 96)
        self.backbone.eval()
        try:
            with torch.no_grad():
                found = self._last_map(torch.zeros(1, 3, size[1], size[0])).shape[1]
        except (RuntimeError, AssertionError) as error:
            raise UsageError(
                f"the backbone {self.config.backbone} does not take pictures of {size[0]}x{size[1]}"
            ) from error
        self.backbone.train()
        return int(found)

    def _last_map(self, images: Tensor) -> Tensor:
        maps = self.backbone(self.input(images))
        last: Tensor = maps if isinstance(maps, Tensor) else maps[-1]
        return last

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) BGR 0..255."""
        logits: Tensor = self.head(self._last_map(images).mean((2, 3)))
        return logits

    def criterion(self, outputs: Tensor, truths: Sequence[Truth], size: Size) -> Losses:
        """Cross entropy with smoothed labels. A Truth has one label: that of its picture."""
        labels = torch.cat([truth.labels for truth in truths])
        loss = F.cross_entropy(outputs.float(), labels, label_smoothing=self.config.label_smoothing)
        return Losses({"class": loss}, len(labels))

    @property
    def mosaic(self) -> bool:
        return False
