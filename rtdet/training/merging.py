"""Merges two networks of one start into one that does on each one's pictures what that one did.

Every convolution is linear: the merged one is the least-squares answer to "on what the first network's layer sees,
answer as it does, and on what the second's sees, as that one does". Regression mean (RegMean; Jin et al. 2023, arXiv
2212.09849): closed form, from the second moments of the inputs, without labels and without a step of training. A
straight blend (`blending`) weighs all directions of the inputs alike; here each network has the say where its own
pictures have much to show.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.family.network import DetectionNetwork
from rtdet.training.folding import fold, unfold

# Off the diagonal, moments are estimates of a few pictures: shrunk a little, as in the paper (its alpha).
CORRELATED = 0.95


@dataclass(frozen=True, eq=False)
class Expert:
    """A network and some pictures that it knows well: batches (B, 3, H, W) BGR 0..255."""

    network: DetectionNetwork
    pictures: Iterable[Tensor]


def merge(first: Expert, second: Expert, share: float = 0.5) -> DetectionNetwork:
    """The network in evaluation that answers as both; `share`, 0 to 1, is the weight of the second.

    Norms are folded first, as their statistics and weights only mean something together. Raises ValueError for
    networks of two configurations, a share outside 0 to 1, or an expert without pictures.
    """
    if first.network.config != second.network.config:
        raise ValueError("only weights of one configuration can be merged")
    if not 0 <= share <= 1:
        raise ValueError(f"a share of {share:g} is not between 0 and 1")
    experts = [fold(expert.network) for expert in (first, second)]
    moments = [
        input_moments(network, expert.pictures)
        for network, expert in zip(experts, (first, second), strict=True)
    ]
    merged = fold(first.network)
    layers = [dict(network.named_modules()) for network in experts]
    with torch.no_grad():
        for name, conv in merged.named_modules():
            if not isinstance(conv, nn.Conv2d):
                continue
            weights = [_as_matrix(layer[name]) for layer in layers]
            seen = [_shrunk(moment[name]) for moment in moments]
            _put(conv, _regression_mean(weights, seen, (1 - share, share)))
    return unfold(merged)


@torch.no_grad()
def input_moments(network: nn.Module, pictures: Iterable[Tensor]) -> dict[str, Tensor]:
    """Of each convolution the mean of `x x^T` over all places of all pictures, where x (D + 1,) is what one output is
    computed from and a 1 for the bias: by its name (groups, D + 1, D + 1), float64."""
    sums: dict[str, Tensor] = {}
    count = 0

    def note(name: str, conv: nn.Conv2d, images: Tensor) -> None:
        assert not isinstance(conv.padding, str)
        columns = F.unfold(images, conv.kernel_size, conv.dilation, conv.padding, conv.stride)
        columns = columns.reshape(len(images), conv.groups, -1, columns.shape[-1])
        columns = columns.permute(1, 2, 0, 3).flatten(2)
        columns = torch.cat([columns, torch.ones_like(columns[:, :1])], 1)
        moment = (columns @ columns.transpose(1, 2)).double() / columns.shape[-1]
        sums[name] = sums.get(name, 0) + moment * len(images)

    hooks = [
        layer.register_forward_pre_hook(lambda conv, args, name=name: note(name, conv, args[0]))
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d)
    ]
    try:
        for batch in pictures:
            network(batch)
            count += len(batch)
    finally:
        for hook in hooks:
            hook.remove()
    if not count:
        raise ValueError("an expert needs pictures to be merged by")
    return {name: moment / count for name, moment in sums.items()}


def _regression_mean(weights: list[Tensor], seen: list[Tensor], shares: tuple[float, float]) -> Tensor:
    """(groups, O, D + 1): `(sum s W M) (sum s M)^-1`, and the plain mean in directions in which nothing is seen."""
    total = sum((moment * share for moment, share in zip(seen, shares, strict=True)), torch.zeros(()))
    wanted = sum((w @ m * share for w, m, share in zip(weights, seen, shares, strict=True)), torch.zeros(()))
    mean = sum((w * share for w, share in zip(weights, shares, strict=True)), torch.zeros(()))
    size = torch.diagonal(total, dim1=1, dim2=2).mean(1)[:, None, None]
    ridge = 1e-6 * size.clamp(min=1e-12) * torch.eye(total.shape[1], dtype=total.dtype)
    solved: Tensor = torch.linalg.solve(total + ridge, (wanted + mean @ ridge).transpose(1, 2))
    return solved.transpose(1, 2)


def _shrunk(moment: Tensor) -> Tensor:
    own = torch.diag_embed(torch.diagonal(moment, dim1=1, dim2=2))
    return CORRELATED * moment + (1 - CORRELATED) * own


def _as_matrix(conv: nn.Module) -> Tensor:
    """(groups, O, D + 1): weights and, last, the bias."""
    assert isinstance(conv, nn.Conv2d)
    weight = conv.weight.double().reshape(conv.groups, conv.out_channels // conv.groups, -1)
    bias = torch.zeros(conv.out_channels) if conv.bias is None else conv.bias
    return torch.cat([weight, bias.double().view(conv.groups, -1, 1)], 2)


def _put(conv: nn.Conv2d, matrix: Tensor) -> None:
    conv.weight.copy_(matrix[..., :-1].reshape(conv.weight.shape))
    if conv.bias is not None:
        conv.bias.copy_(matrix[..., -1].flatten())
