"""The network: convolutions down to a grid, and the numbers of each cell."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rtdet.detectors.family.config import Size
from rtdet.detectors.family.grids import cell_corners, from_center
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.family.trunks import Trunk
from rtdet.detectors.family.truth import Losses, Truth, spared_objects
from rtdet.detectors.yolov1.config import YoloV1Config
from rtdet.detectors.yolov1.loss import Grid, squared_errors
from rtdet.errors import UsageError

# Figure 3: (kernel, channels), with a stride of 2 where there is a third number; "pool" halves.
_FIGURE_3: tuple[tuple[int, ...] | str, ...] = (
    (7, 64, 2), "pool",
    (3, 192), "pool",
    (1, 128), (3, 256), (1, 256), (3, 512), "pool",
    *((1, 256), (3, 512)) * 4, (1, 512), (3, 1024), "pool",
    *((1, 512), (3, 1024)) * 2, (3, 1024), (3, 1024, 2),
    (3, 1024), (3, 1024),
)  # fmt: skip


class YoloV1(DetectionNetwork):
    """`forward` gives (B, S, S, 5 * boxes + C): for each cell the boxes' (x, y, root of width, root of height,
    confidence), one after the other, then the class probabilities. x and y are shares of the cell, the roots those of
    shares of the picture."""

    loss_names = ("box", "object", "no_object", "class")

    def __init__(self, config: YoloV1Config) -> None:
        super().__init__()
        if config.input_size is None:
            raise UsageError("YOLOv1 has one input size")
        self.config: YoloV1Config = config
        if config.backbone == "darknet":
            self.backbone: nn.Module = figure_3()
            channels, self.stride = 1024, 64
        else:
            self.backbone = Trunk(config.backbone)
            channels, self.stride = self.backbone.channels[-1], 32
        columns, rows = (-(-side // self.stride) for side in config.input_size)
        values = self.leading_outputs + len(config.class_names)
        if config.connected:
            self.head: nn.Module = nn.Sequential(
                nn.Flatten(),
                nn.Linear(channels * rows * columns, config.connected),
                nn.LeakyReLU(0.1),
                nn.Dropout(config.dropout),
                nn.Linear(config.connected, rows * columns * values),
                nn.Unflatten(1, (rows, columns, values)),
            )
        else:
            self.head = nn.Sequential(
                *_conv(channels, channels, 3), nn.Conv2d(channels, values, 1), _ChannelsLast()
            )

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) BGR 0..255 of the configuration's input size."""
        if isinstance(self.backbone, Trunk):
            grid: Tensor = self.head(self.backbone(images)[-1])
        else:
            grid = self.head(self.backbone(images.flip(1) / 127.5 - 1))  # RGB, -1 to 1
        return grid

    @property
    def leading_outputs(self) -> int:
        return 5 * self.config.boxes

    def grid(self, output: Tensor) -> Grid:
        """What the cells say, each field with the pictures of the batch in front; sizes in pixels of the input."""
        output = output.float()
        batch, rows, columns, _ = output.shape
        boxes = self.config.boxes
        said = output[..., : 5 * boxes].reshape(batch, rows * columns, boxes, 5)
        center, root, sure = said[..., :2], said[..., 2:4], said[..., 4]
        corner = cell_corners(output[..., 0]).unsqueeze(1)
        size = root.square() * (corner.new_tensor([self.stride, self.stride]) * _extent(output))
        xyxy = from_center((corner + center) * self.stride, size)
        return Grid(xyxy, center, root, sure, output[..., 5 * boxes :].flatten(1, 2))

    def criterion(self, output: Tensor, truths: Sequence[Truth], size: Size) -> Losses:
        """Equation 3, over the number of pictures."""
        config, grid = self.config, self.grid(output)
        shape = (output.shape[1], output.shape[2])
        # Of the grid, as in `decode`: its last cells reach beyond an input that is no multiple of the stride.
        extent = (shape[1] * self.stride, shape[0] * self.stride)
        points = (cell_corners(output[..., 0]) + 0.5) * self.stride
        free = spared_objects(points, grid.classes.detach(), truths)
        found = [
            squared_errors(Grid(*(part[i] for part in grid)), truth, free[i], shape, extent)
            for i, truth in enumerate(truths)
        ]
        box, thing, nothing, kind = (
            torch.stack(parts).mean() for parts in zip(*(e for e, _ in found), strict=True)
        )
        parts = {
            "box": config.coord_weight * box,
            "object": thing,
            "no_object": config.no_object_weight * nothing,
            "class": kind,
        }
        return Losses(parts, sum(count for _, count in found))

    def decode(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """A box's score for a class is its confidence times the cell's probability of the class (equation 1)."""
        grid = self.grid(output)
        scores = grid.sure[..., None] * grid.classes[:, :, None]
        return grid.xyxy.flatten(1, 2), scores.clamp(0, 1).flatten(1, 2)


def _extent(output: Tensor) -> Tensor:
    """Columns and rows of the grid."""
    return output.new_tensor([output.shape[2], output.shape[1]])


class _ChannelsLast(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1)


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """The paper trained its convolutions on ImageNet first; the norm lets them learn without."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return [nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1, inplace=True))]


def figure_3() -> nn.Sequential:
    """The 24 convolutions, with the pools among them."""
    layers: list[nn.Module] = []
    channels = 3
    for entry in _FIGURE_3:
        if isinstance(entry, str):
            layers.append(nn.MaxPool2d(2, 2))
            continue
        kernel, outputs, *stride = entry
        layers += _conv(channels, outputs, kernel, *stride)
        channels = outputs
    return nn.Sequential(*layers)
