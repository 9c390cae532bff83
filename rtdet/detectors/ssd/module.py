"""What every SSD network has in common, whatever its layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn

from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.family.truth import Losses, Truth
from rtdet.detectors.ssd.catalogue import objective_for
from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.postprocess import postprocess
from rtdet.detectors.ssd.priors import PriorLevel, make_priors
from rtdet.geometry.letterbox import Letterbox
from rtdet.types import Detections, Thresholds


class SSDModule(DetectionNetwork):
    """A network with SSD's contract: `forward` takes (B, 3, H, W) BGR 0..255 and gives offsets (B, P, 4) and
    class logits (B, P, C), rows in the order of `make_priors(config.levels, (W, H))`; C counts background
    where `config.background`. It normalises its input itself."""

    config: SSDConfig

    def __init__(self, config: SSDConfig) -> None:
        super().__init__()
        self.config = config

    def criterion(
        self, outputs: tuple[Tensor, Tensor], truths: Sequence[Truth], size: tuple[int, int]
    ) -> Losses:
        offsets, logits = outputs
        parts = objective_for(self.config)(offsets, logits, self._priors(size, offsets.device), truths)
        return Losses({"score": parts.score, "box": parts.box}, parts.positives)

    def decode(self, outputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        raise NotImplementedError("an SSD's priors need the input's size: see `detections`")

    def _priors(self, size: tuple[int, int], device: torch.device) -> Tensor:
        return _priors_tensor(self.config.levels, size, str(device))

    @torch.no_grad()
    def detections(
        self,
        outputs: tuple[Tensor, Tensor],
        size: tuple[int, int],
        backs: Sequence[Letterbox],
        thresholds: Thresholds,
    ) -> list[Detections]:
        config = self.config
        offsets, logits = (part.float().cpu().numpy() for part in outputs)
        priors = make_priors(config.levels, size)
        return [
            postprocess(
                offsets[i],
                logits[i],
                priors,
                back,
                thresholds,
                config.class_names,
                background=config.background,
            )
            for i, back in enumerate(backs)
        ]

    def as_graph(self) -> nn.Module:
        """The network as it is: its priors are not in the graph, so that there is one for all input sizes."""
        return self

    def as_file(self, size: tuple[int, int]) -> nn.Module:
        return DecodedSSD(self, size)

    @property
    def is_any_size_in_a_file(self) -> bool:
        """The priors of one size are in it."""
        return False

    @property
    def leading_outputs(self) -> int:
        """That of background."""
        return int(self.config.background)

    @property
    def can_be_calibrated(self) -> bool:
        return not self.config.background

    @torch.no_grad()
    def rescale_scores(self, scale: float | Tensor, shift: float | Tensor) -> None:
        """Changes the network so that every class logit becomes scale * logit + shift. Both are numbers, or (C,) for
        each class its own. That of background is only scaled, for the same shift of all would change no softmax.
        Raises ValueError for scales of each class where there is a background."""
        if self.config.background and isinstance(scale, Tensor) and scale.ndim:
            raise ValueError("classes that share a softmax with background have one scale")
        for final in self.final_score_layers():
            rows = final.weight.view(-1, self.outputs, *final.weight.shape[1:])
            rows.mul_(scale.view(-1, 1, 1, 1) if isinstance(scale, Tensor) and scale.ndim else scale)
            if final.bias is not None:
                biases = final.bias.view(-1, self.outputs)
                biases.mul_(scale)
                biases[:, int(self.config.background) :].add_(shift)

    @property
    def outputs(self) -> int:
        """Class logits of a prior."""
        return len(self.config.class_names) + self.config.background

    def final_score_layers(self) -> Iterable[nn.Conv2d]:
        """The convolutions whose outputs are the class logits, level by level."""
        raise NotImplementedError


class PlainSSD(SSDModule):
    """The paper's arrangement: every feature map has one head for the scores and one for the boxes, and
    nothing flows between maps. A subclass gives the maps and calls `add_heads`."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: SSDConfig, mean: Sequence[float], std: Sequence[float]) -> None:
        """mean and std (R, G, B) of pixels in 0..1, by which the input is normalised."""
        super().__init__(config)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.score_heads, self.box_heads = nn.ModuleList(), nn.ModuleList()

    def add_heads(self, channels: Sequence[int], make_head: Callable[[int, int], nn.Module]) -> None:
        """make_head(inputs, outputs) for each map, whose channels are given."""
        for inputs, level in zip(channels, self.config.levels, strict=True):
            self.score_heads.append(make_head(inputs, level.per_cell * self.outputs))
            self.box_heads.append(make_head(inputs, level.per_cell * 4))

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """Normalised RGB (B, 3, H, W) to the map of each level."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) BGR 0..255 to offsets (B, P, 4) and class logits (B, P, C), in `make_priors` order."""
        # In torchvision's order of operations, for the same rounding.
        maps = self.feature_maps((images.flip(1) / 255 - self.mean) / self.std)
        offsets = [rows_of(head(x), 4) for head, x in zip(self.box_heads, maps, strict=True)]
        logits = [rows_of(head(x), self.outputs) for head, x in zip(self.score_heads, maps, strict=True)]
        return torch.cat(offsets, 1), torch.cat(logits, 1)

    def final_score_layers(self) -> Iterable[nn.Conv2d]:
        last = (list(head.modules())[-1] for head in self.score_heads)
        return [conv for conv in last if isinstance(conv, nn.Conv2d)]


def rows_of(x: Tensor, values: int) -> Tensor:
    """(B, priors * values, H, W) to (B, H * W * priors, values)."""
    return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, values)


def start_rare(heads: Iterable[nn.Conv2d], share: float = 0.01) -> None:
    """Every prior starts by believing in an object with 1 % (RetinaNet, arXiv 1708.02002)."""
    bias = float(torch.logit(torch.tensor(share, device="cpu")))
    for conv in heads:
        assert conv.bias is not None
        nn.init.normal_(conv.weight, std=0.01)
        nn.init.constant_(conv.bias, bias)


@lru_cache(maxsize=8)
def _priors_tensor(levels: tuple[PriorLevel, ...], size: tuple[int, int], device: str) -> Tensor:
    return torch.from_numpy(make_priors(levels, size)).float().to(device)


class DecodedSSD(nn.Module):
    """An SSD with its priors, box coder and scores behind it, for inputs of one size."""

    priors: Tensor
    outputs: Tensor

    def __init__(self, network: SSDModule, size: tuple[int, int]) -> None:
        super().__init__()
        self.network = network
        config = network.config
        self.register_buffer("priors", torch.from_numpy(make_priors(config.levels, size)).float())
        # Outputs that stand for no class are left out.
        named = [i + config.background for i, name in enumerate(config.class_names) if name]
        self.register_buffer("outputs", torch.tensor(named))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) BGR 0..255 to boxes (B, P, 4) and scores (B, P, C)."""
        offsets, logits = self.network(images)
        scores = logits.softmax(-1) if self.network.config.background else logits.sigmoid()
        return BoxCoder().decode_tensor(offsets, self.priors), scores.index_select(-1, self.outputs)
