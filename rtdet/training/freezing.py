"""Freezes the early layers in fine-tuning: edges and textures look alike in all pictures, and the layers that find
them were trained on more pictures than a user has."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn

from rtdet.detectors.family.network import TrainableNetwork
from rtdet.errors import UsageError


def early_layers(model: TrainableNetwork, stride: int) -> frozenset[str]:
    """Names of the modules that are done before any layer strides beyond `stride`: a network's stem and first stages.

    Found on a blank picture, since networks name their stages as they like. stride: one of settings.FREEZE_STRIDES.
    Raises UsageError for a network of which no layer strides beyond it on a whole picture.
    """
    side = max(model.config.input_size or (128,))
    names = {module: name for name, module in model.named_modules()}
    done: list[str] = []
    beyond = False

    def note(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        nonlocal beyond
        # Half way to the next stride, for maps a cell short; squeezes to one cell in between do not stride.
        small = isinstance(output, Tensor) and output.shape[-1] * stride < 0.75 * side
        beyond = beyond or (small and getattr(module, "stride", 1) not in (1, (1, 1)))
        if not beyond:
            done.append(names[module])

    hooks = [module.register_forward_hook(note) for module in names]
    training = model.training
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, side, side, device=next(model.parameters()).device))
    model.train(training)
    for hook in hooks:
        hook.remove()
    if not beyond:
        raise UsageError(
            f"{model.config.architecture} looks at one part of the picture after the other, so none of its layers "
            f"has a stride of {stride}; omit --freeze"
        )
    return frozenset(done)


def freeze(model: nn.Module, layers: Collection[str]) -> None:
    """The parameters of these modules get no gradients any more. `hold` is to be called after each `train()`."""
    for name in layers:
        model.get_submodule(name).requires_grad_(False)


def hold(model: nn.Module, layers: Collection[str]) -> None:
    """Puts these modules into evaluation, so that the statistics of their norms stand still."""
    for name in layers:
        model.get_submodule(name).eval()
