"""The layers that SSDs share: plain and depthwise separable heads, and the extra layers that shrink a map."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

Norm = Callable[[int], nn.Module]


def quick_norm(channels: int) -> nn.Module:
    """Batch norm as torchvision's SSDLite has it."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.03)


def conv_norm(
    inputs: int, outputs: int, kernel: int = 1, stride: int = 1, *, groups: int = 1, norm: Norm = quick_norm
) -> nn.Sequential:
    """Convolution without bias, norm, ReLU6."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, norm(outputs), nn.ReLU6(inplace=True))


def plain_head(inputs: int, outputs: int) -> nn.Module:
    """SSD's head, one 3x3 convolution."""
    head = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.xavier_uniform_(head.weight)
    assert head.bias is not None
    nn.init.zeros_(head.bias)
    return head


def separable_head(inputs: int, outputs: int) -> nn.Module:
    """SSDLite's head (arXiv 1801.04381, section 6.2): 3x3 of each channel alone, then 1x1 across."""
    head = nn.Sequential(conv_norm(inputs, inputs, 3, groups=inputs), nn.Conv2d(inputs, outputs, 1))
    start_small(head)
    return head


def plain_extra(inputs: int, outputs: int) -> nn.Module:
    """1x1 to half of the channels, then 3x3 of stride 2."""
    return nn.Sequential(conv_norm(inputs, outputs // 2), conv_norm(outputs // 2, outputs, 3, 2))


def separable_extra(inputs: int, outputs: int) -> nn.Module:
    """The same with a 3x3 of each channel alone."""
    half = outputs // 2
    extra = nn.Sequential(
        conv_norm(inputs, half), conv_norm(half, half, 3, 2, groups=half), conv_norm(half, outputs)
    )
    start_small(extra)
    return extra


def start_small(layers: nn.Module) -> None:
    """Normal weights of deviation 0.03, as SSDLite starts."""
    for layer in layers.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.03)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
