"""Keeps alive what networks knew, while one learns from pictures that show little of it.

Distillation (Hinton et al. 2015, arXiv 1503.02531; for fine-tuning, Li and Hoiem 2016, "Learning without
forgetting", arXiv 1606.09282): the networks before the training, the teachers, look at the same pictures, and the
student's scores and boxes are drawn towards theirs. All have the same priors, so that every prior has a counterpart
and no matching is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from rtdet.detectors.family.truth import Truth, incomplete_classes
from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.detectors.ssd.loss import giou
from rtdet.detectors.ssd.module import SSDModule
from rtdet.detectors.ssd.priors import make_priors
from rtdet.training.folding import fold

# Below that a score is as good as none, and how much below says nothing.
_LEAST_LOGIT = -8.0


Asked = Callable[[Truth, int], Tensor]


def incomplete(truth: Truth, classes: int) -> Tensor:
    """(C,) bool: the classes of which the labels of a picture say nothing."""
    return incomplete_classes([truth], classes, truth.boxes.device)[0]


def everything(truth: Truth, classes: int) -> Tensor:
    """(C,) bool: all classes, labelled or not."""
    return torch.ones(classes, dtype=torch.bool, device=truth.boxes.device)


@dataclass(frozen=True, eq=False)
class Teacher:
    """network: of the student's classes and priors. asked: the classes that it teaches in a picture, by its Truth
    and their number. weight: of what it teaches."""

    network: SSDModule
    asked: Asked = incomplete
    weight: float = 1.0


@dataclass(eq=False)
class Distillation:
    """What `Trainer` adds to its loss (`extra_loss`), for networks whose classes have a sigmoid each. Of teachers who
    are asked for the same class of a picture the last one is listened to.

    weight: of the scores' divergence. logit_weight: of the square distance of the logits, which also holds apart what
    all call improbable here. box_weight: of the boxes, which count from the teacher's score `sure` on.
    """

    teachers: Sequence[Teacher]
    weight: float = 2.0
    logit_weight: float = 0.0
    box_weight: float = 1.0
    sure: float = 0.1
    coder: BoxCoder = field(default_factory=BoxCoder)

    def __post_init__(self) -> None:
        if any(teacher.network.config.background for teacher in self.teachers):
            raise ValueError("only networks whose classes have a sigmoid each can teach others")
        self._networks = [fold(teacher.network).requires_grad_(False) for teacher in self.teachers]
        for network in self._networks:
            network.to(memory_format=torch.channels_last)

    def __call__(self, images: Tensor, truths: Sequence[Truth], offsets: Tensor, logits: Tensor) -> Tensor:
        """images (B, 3, H, W) BGR 0..255, one Truth for each, the student's offsets (B, P, 4) and logits (B, P, C),
        to a loss."""
        logits = logits.float()
        weights, wanted_offsets, wanted = self._lesson(images, truths, logits)
        strength, best = (wanted.sigmoid() * (weights > 0)).max(-1)
        # By object that the teachers see, as the other losses are by labelled object.
        scale = strength.sum().clamp(min=1)
        scores = (divergence(logits, wanted) * weights).sum() / scale
        distance = logits.clamp(min=_LEAST_LOGIT) - wanted.clamp(min=_LEAST_LOGIT)
        apart = (distance.square() * weights).mean()
        chosen = strength > self.sure
        boxes = [self._boxes(images, rows, chosen) for rows in (offsets, wanted_offsets)]
        importance = (strength * weights.expand_as(wanted).gather(2, best[..., None])[..., 0])[chosen]
        box = ((1 - giou(*boxes)) * importance).sum() / scale
        loss: Tensor = self.weight * scores + self.logit_weight * apart + self.box_weight * box
        return loss

    @torch.no_grad()
    def _lesson(
        self, images: Tensor, truths: Sequence[Truth], logits: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What is to be learnt: the weight (B, 1, C) of each class of each picture, 0 where nobody is asked; offsets
        (B, P, 4) and logits (B, P, C). A prior's offsets are those of whoever teaches its strongest class."""
        classes = logits.shape[-1]
        weights = logits.new_zeros(len(logits), 1, classes)
        who = torch.zeros(len(logits), classes, dtype=torch.long, device=logits.device)
        offsets = logits.new_zeros(len(self.teachers), *logits.shape[:2], 4)
        wanted = torch.zeros_like(logits)
        for i, (teacher, network) in enumerate(zip(self.teachers, self._networks, strict=True)):
            asked = torch.stack([teacher.asked(truth, classes) for truth in truths])
            rows = asked.any(1)
            offsets[i, rows], theirs = (x.float() for x in network.to(images.device)(images[rows]))
            wanted[rows] = torch.where(asked[rows][:, None], theirs, wanted[rows])
            weights[asked[:, None]] = teacher.weight
            who[asked] = i
        best = wanted.masked_fill(weights == 0, -torch.inf).argmax(-1)
        chosen = who.gather(1, best)[None, ..., None].expand(1, *best.shape, 4)
        return weights, offsets.gather(0, chosen)[0], wanted

    def _boxes(self, images: Tensor, offsets: Tensor, chosen: Tensor) -> Tensor:
        """(N, 4) xyxy of the chosen priors of all pictures."""
        height, width = images.shape[-2:]
        priors = make_priors(self.teachers[0].network.config.levels, (width, height))
        rows = torch.from_numpy(priors).to(offsets.device, torch.float32)
        picture, prior = chosen.nonzero(as_tuple=True)
        return self.coder.decode_tensor(offsets.float()[picture, prior], rows[prior])


def divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """The Kullback-Leibler divergence of each probability of the student from the teacher's, both given as logits of
    one shape: 0 where they are equal."""
    wanted = teacher.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(teacher, wanted, reduction="none")
    return F.binary_cross_entropy_with_logits(student, wanted, reduction="none") - entropy
