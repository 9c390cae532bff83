"""SSD's own augmentation (Liu et al. 2016, section 2.2), by torchvision.transforms.v2.

Photometric distortion; "zoom out" onto a canvas of up to four times the side; a crop that overlaps some object
by a minimum IoU; a flip; and the resize to the input, which does not keep the aspect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torchvision import tv_tensors
from torchvision.ops import box_iou
from torchvision.transforms import v2

from rtdet.training.labeled import FILL, MIN_SIDE, Labeled


class DrawnFrom(TorchFunctionMode):
    """Within it, this thread's random numbers of torch come from one generator.

    The transforms draw from torch's global one, which threads share: what a picture becomes would then follow
    from who drew first, and not from (seed, step, index).
    """

    _DRAWS = frozenset({torch.rand, torch.randint, torch.randperm, torch.randn, torch.Tensor.uniform_})

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in self._DRAWS:
            kwargs = {**kwargs, "generator": self._generator}
        return func(*args, **kwargs)


class IoUCrop(v2.RandomIoUCrop):  # type: ignore[misc]  # torchvision has no types
    """torchvision's crop by minimum overlap, with all trials of an option looked at at once, which is quicker."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Where to crop, and which boxes have their centre there; nothing for the picture as it is."""
        boxes = next(part for part in flat_inputs if isinstance(part, tv_tensors.BoundingBoxes))
        height, width = boxes.canvas_size
        xyxy = boxes.as_subclass(torch.Tensor)
        centers = (xyxy[:, :2] + xyxy[:, 2:]) / 2
        while True:
            least = self.options[int(torch.randint(len(self.options), (1,)))]
            if least >= 1:
                return {}
            share = self.min_scale + (self.max_scale - self.min_scale) * torch.rand(self.trials, 2)
            size = (share * torch.tensor([width, height])).floor().clamp(min=1)
            corner = ((torch.tensor([width, height]) - size) * torch.rand(self.trials, 2)).floor()
            crops = torch.cat([corner, corner + size], 1)
            inside = ((centers > crops[:, None, :2]) & (centers < crops[:, None, 2:])).all(-1)
            overlap = (box_iou(crops, xyxy) * inside).amax(1)
            aspect = size[:, 0] / size[:, 1]
            fits = (aspect >= self.min_aspect_ratio) & (aspect <= self.max_aspect_ratio)
            good = (fits & inside.any(1) & (overlap >= least)).nonzero()
            if len(good):
                chosen = int(good[0])
                left, top, right, bottom = (int(v) for v in crops[chosen])
                where = {"top": top, "left": left, "height": bottom - top, "width": right - left}
                return {**where, "is_within_crop_area": inside[chosen]}


class SsdAugment:
    """The recipe for inputs of size (width, height). It mixes no pictures and has no plain part."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._change = v2.Compose(
            [
                v2.RandomPhotometricDistort(),
                v2.RandomZoomOut(fill=FILL, side_range=(1.0, 4.0)),
                IoUCrop(),
                v2.RandomHorizontalFlip(),
                v2.Resize((size[1], size[0]), antialias=True),
                v2.ClampBoundingBoxes(),  # rounding puts an edge a hair outside, and the next would drop it
                v2.SanitizeBoundingBoxes(min_size=MIN_SIDE, labels_getter=lambda sample: sample["rows"]),
            ]
        )
        # Without objects there is no overlap to crop by.
        self._change_empty = v2.Compose(
            [
                v2.RandomPhotometricDistort(),
                v2.RandomHorizontalFlip(),
                v2.Resize((size[1], size[0]), antialias=True),
            ]
        )

    def make(
        self, first: Labeled, another: Callable[[], Labeled], rng: np.random.Generator, *, plain: bool
    ) -> Labeled:
        # Hue and saturation are of RGB; contiguous, since views with negative strides are no tensors.
        image = tv_tensors.Image(torch.from_numpy(first.image[..., ::-1].copy()).permute(2, 0, 1))
        with DrawnFrom(int(rng.integers(2**62))), torch.no_grad():
            if len(first.boxes) == 0:
                return replace(first, image=_pixels(self._change_empty(image)))
            boxes = tv_tensors.BoundingBoxes(
                torch.from_numpy(first.boxes).float(), format="XYXY", canvas_size=first.image.shape[:2]
            )
            made = self._change({"image": image, "boxes": boxes, "rows": torch.arange(len(boxes))})
            kept = first.take(made["rows"].numpy())
            return replace(kept, image=_pixels(made["image"]), boxes=made["boxes"].double().numpy())


def _pixels(image: torch.Tensor) -> Any:
    """(3, H, W) RGB to (H, W, 3) BGR, contiguous."""
    return np.ascontiguousarray(image.as_subclass(torch.Tensor).permute(1, 2, 0).numpy()[..., ::-1])
