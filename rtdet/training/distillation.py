"""Keeps alive what a network knew, while it learns from pictures that show little of it.

Distillation (Hinton et al. 2015, arXiv 1503.02531; for fine-tuning, Li and Hoiem 2016, "Learning without
forgetting", arXiv 1606.09282): the network before the training, the teacher, looks at the same pictures, and the
student's scores of classes that the labels say nothing about are drawn towards the teacher's. Both have the same
priors, so that every prior has a counterpart and no matching is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(eq=False)
class Distillation:
    """What `Trainer` adds to its loss (`extra_loss`), for networks whose classes have a sigmoid each: in each picture
    the classes for which its labels are incomplete are learnt from the teacher.

    teacher: of the student's classes and priors; a folded copy of it is used. weight, box_weight: of the scores' and
    the boxes' part. sure: the teacher's score from which its box counts.
    """

    teacher: SSDModule
    weight: float = 2.0
    box_weight: float = 1.0
    sure: float = 0.1
    coder: BoxCoder = field(default_factory=BoxCoder)

    def __post_init__(self) -> None:
        if self.teacher.config.background:
            raise ValueError("only networks whose classes have a sigmoid each can teach others")
        self._network = fold(self.teacher).requires_grad_(False)
        self._network.to(memory_format=torch.channels_last)

    def __call__(self, images: Tensor, truths: Sequence[Truth], offsets: Tensor, logits: Tensor) -> Tensor:
        """images (B, 3, H, W) BGR 0..255, one Truth for each, the student's offsets (B, P, 4) and logits (B, P, C),
        to a loss."""
        with torch.no_grad():
            taught_offsets, taught_logits = self._network.to(images.device)(images)
        asked = incomplete_classes(truths, logits.shape[-1], logits.device)[:, None]
        strength = (taught_logits.float().sigmoid() * asked).amax(-1)
        # By object that the teacher sees, as the other losses are by labelled object.
        scale = strength.sum().clamp(min=1)
        scores = (divergence(logits.float(), taught_logits.float()) * asked).sum()
        chosen = strength > self.sure
        boxes, wanted = (self._boxes(images, rows, chosen) for rows in (offsets, taught_offsets))
        box = ((1 - giou(boxes, wanted)) * strength[chosen]).sum()
        loss: Tensor = (self.weight * scores + self.box_weight * box) / scale
        return loss

    def _boxes(self, images: Tensor, offsets: Tensor, chosen: Tensor) -> Tensor:
        """(N, 4) xyxy of the chosen priors of all pictures."""
        height, width = images.shape[-2:]
        priors = make_priors(self.teacher.config.levels, (width, height))
        rows = torch.from_numpy(priors).to(offsets.device, torch.float32)
        picture, prior = chosen.nonzero(as_tuple=True)
        return self.coder.decode_tensor(offsets.float()[picture, prior], rows[prior])


def divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """The Kullback-Leibler divergence of each probability of the student from the teacher's, both given as logits of
    one shape: 0 where they are equal."""
    wanted = teacher.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(teacher, wanted, reduction="none")
    return F.binary_cross_entropy_with_logits(student, wanted, reduction="none") - entropy
