"""The contract of a network that can be trained, run by every back end, exported and fine-tuned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rtdet.detectors.family.config import FamilyConfig, NetworkConfig, Size
from rtdet.detectors.family.postprocess import postprocess
from rtdet.detectors.family.truth import Losses, Truth
from rtdet.geometry.letterbox import Letterbox
from rtdet.types import Detections, Thresholds


class TrainableNetwork(nn.Module):
    """What a training asks of a network. `forward` takes (B, 3, H, W) BGR 0..255, which it normalises itself, and
    gives what `criterion` wants: a tensor, or a tuple of tensors and tuples. The modules under `backbone` learn at
    the backbone's rate.

    loss_names: the names of `criterion`'s parts, and score_names: of the two figures that say how good it is, the one
    that decides first; both become columns of a training's log.
    """

    config: NetworkConfig
    loss_names: tuple[str, ...] = ("score", "box")
    score_names: tuple[str, str] = ("ap50", "ap")

    def criterion(self, outputs: Any, truths: Sequence[Truth], size: Size) -> Losses:
        """The losses of a batch: a Truth for each picture, all of `size` (width, height). In float32, whatever the
        outputs are in."""
        raise NotImplementedError

    @property
    def mosaic(self) -> bool:
        """Whether a training may show it four pictures in one."""
        return True

    @property
    def cosine(self) -> bool:
        """Whether its learning rate falls as a cosine; else it is divided by ten after four fifths of the training,
        and after nine tenths (Darknet's steps)."""
        return True


class DetectionNetwork(TrainableNetwork):
    """A network that finds objects: `decode` makes boxes and scores of what `forward` gives."""

    def decode(self, outputs: Any) -> tuple[Tensor, Tensor]:
        """boxes (B, N, 4) xyxy in input pixels and scores (B, N, C) in 0..1, float32, before any NMS. It becomes part
        of the exported graph: tensor operations only, and grids made of the maps' own shapes (`grids.cell_centers`),
        so that the graph can be given another input size."""
        raise NotImplementedError

    @torch.no_grad()
    def detections(
        self, outputs: Any, size: Size, backs: Sequence[Letterbox], thresholds: Thresholds
    ) -> list[Detections]:
        """What is in each picture of a batch, in its own pixels."""
        config = self.config
        assert isinstance(config, FamilyConfig)
        boxes, scores = (part.float().cpu().numpy() for part in self.decode(outputs))
        return [
            postprocess(
                boxes[i],
                scores[i],
                back,
                thresholds,
                config.class_names,
                config.suppression,
                config.most_overlap,
            )
            for i, back in enumerate(backs)
        ]

    def as_graph(self) -> nn.Module:
        """What back ends run and files hold: pictures (B, 3, H, W) to `decode`'s boxes and scores."""
        return Decoding(self)

    def as_file(self, size: Size) -> nn.Module:
        """What an exported file holds, for an input of `size` (width, height): always boxes and scores."""
        return Decoding(self)

    @property
    def is_any_size_in_a_file(self) -> bool:
        """Whether a file made for one size is right for others."""
        return self.config.input_size is None

    @property
    def leading_outputs(self) -> int:
        """Outputs in front of the classes', in each group of a layer that grows with the number of classes: 5 for
        (x, y, w, h, object, classes ...). By it, fine-tuning for other classes keeps what belongs to known ones."""
        return 0

    @property
    def can_be_calibrated(self) -> bool:
        """Whether `rescale_scores` is possible: for scores that are a sigmoid of one number."""
        return False

    @property
    def scores_compete(self) -> bool:
        """Whether a class's score depends on the others', as with a softmax."""
        return False

    def rescale_scores(self, scale: float | Tensor, shift: float | Tensor) -> None:
        """Changes the network so that every class logit becomes scale * logit + shift, each a number or, (C,), one
        for each class."""
        raise NotImplementedError


@torch.no_grad()
def rescale_layer(layer: nn.Conv2d, classes: int, scale: float | Tensor, shift: float | Tensor) -> None:
    """`rescale_scores` of the convolution whose outputs are the class logits, for one or more anchors of a cell one
    after the other."""
    assert layer.bias is not None
    each_scale, each_shift = torch.as_tensor(scale), torch.as_tensor(shift)
    layer.weight.view(-1, classes, *layer.weight.shape[1:]).mul_(each_scale.view(-1, 1, 1, 1))
    layer.bias.view(-1, classes).mul_(each_scale).add_(each_shift)


class Decoding(nn.Module):
    """A network with its decoding behind it."""

    def __init__(self, network: DetectionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, *regions: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) BGR 0..255 to boxes (B, N, 4) and scores (B, N, C). regions: of each picture (B, R, 4), for
        networks whose configuration finds them."""
        return self.network.decode(self.network(images, *regions))
