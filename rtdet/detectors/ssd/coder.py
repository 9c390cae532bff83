"""The box coder: boxes to offsets from their priors, and back (SSD, section 2.2).

    g_cx = (cx - p_cx) / p_w / v_centre      g_w = log(w / p_w) / v_size      (likewise y and h)

with variances v_centre = 0.1 and v_size = 0.2, that bring all four to a similar spread. NumPy for inference,
so that it runs behind any back end; torch for training, where gradients flow through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rtdet.types import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

# Offsets beyond this would multiply a prior's side by more than 1000/16, and exp could overflow.
_MAX_LOG_RATIO = float(np.log(1000 / 16))


@dataclass(frozen=True)
class BoxCoder:
    """Variances of the centre and of the logarithm of the size."""

    v_center: float = 0.1
    v_size: float = 0.2

    def encode(self, boxes: FloatArray, priors: FloatArray) -> FloatArray:
        """(..., 4) boxes cxcywh, of positive size, as offsets from priors (..., 4) cxcywh."""
        center = (boxes[..., :2] - priors[..., :2]) / priors[..., 2:] / self.v_center
        size = np.log(boxes[..., 2:] / priors[..., 2:]) / self.v_size
        return np.concatenate([center, size], axis=-1)

    def decode(self, offsets: FloatArray, priors: FloatArray) -> FloatArray:
        """(..., 4) offsets from priors (..., 4) cxcywh to boxes xyxy."""
        sides = priors[..., 2:]
        center = offsets[..., :2] * self.v_center * sides + priors[..., :2]
        half = np.exp(np.minimum(offsets[..., 2:] * self.v_size, _MAX_LOG_RATIO)) * sides / 2
        return np.concatenate((center - half, center + half), axis=-1)

    def encode_tensor(self, boxes: Tensor, priors: Tensor) -> Tensor:
        """`encode` for torch tensors, differentiable."""
        import torch

        center = (boxes[..., :2] - priors[..., :2]) / priors[..., 2:] / self.v_center
        size = torch.log(boxes[..., 2:] / priors[..., 2:]) / self.v_size
        return torch.cat([center, size], dim=-1)

    def decode_tensor(self, offsets: Tensor, priors: Tensor) -> Tensor:
        """`decode` for torch tensors, differentiable."""
        import torch

        center = offsets[..., :2] * self.v_center * priors[..., 2:] + priors[..., :2]
        half = torch.exp((offsets[..., 2:] * self.v_size).clamp(max=_MAX_LOG_RATIO)) * priors[..., 2:] / 2
        return torch.cat([center - half, center + half], dim=-1)
