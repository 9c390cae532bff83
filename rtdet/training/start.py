"""The network that a training starts from: fresh by its name, or a trained one, whose classes may be others."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rtdet.detectors.cards import model_card, model_names
from rtdet.detectors.classifier.taking import Pretrained, read_trunk, take_trunk, trunk_in
from rtdet.detectors.family.config import NetworkConfig
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.family.registry import ALIASES, build, new_config, trainable
from rtdet.detectors.family.weights import load_weights
from rtdet.detectors.registry import weights_of
from rtdet.errors import UnknownModelError, UsageError
from rtdet.training.settings import is_trunk_file

# Of a room whose messages the command line prints.
_log = logging.getLogger("rtdet.detectors.training")


def open_start(
    model: str,
    class_names: Sequence[str],
    backbone: str | Path | None = None,
    size: int | None = None,
    changes: Mapping[str, Any] | None = None,
) -> tuple[DetectionNetwork, bool]:
    """The network, and whether it has learnt something before.

    model: a name to train (family.registry.trainable), a model of ours by its name (rtdet-n), or a .safetensors file
    that `rtdet train` wrote. backbone: a name, or the file of a trained one (start_on). size: side of the input of a
    fresh network that has one size only. changes: other values for its settings. Raises UnknownModelError, UsageError
    for settings that do not go together, ModelError for a file that is not one.
    """
    name, names = ALIASES.get(model, model), trainable()
    if name in names:
        fixed = names[name].input_size is not None and size is not None
        square = (size, size) if fixed and size else None

        def fresh(on: str | None) -> DetectionNetwork:
            return build(new_config(name, class_names, on, square, changes))

        if backbone is not None and is_trunk_file(backbone):
            return start_on(Path(backbone).expanduser(), name, fresh), False
        return fresh(None if backbone is None else str(backbone)), False
    network = open_trained(model)
    if backbone is not None:
        raise UsageError(f"{model} has a backbone already; omit --backbone")
    if changes:
        raise UsageError(f"{model} is trained already, so its settings stay; omit --set")
    return with_classes(network, class_names), True


def start_on(path: Path, name: str, fresh: Callable[[str | None], DetectionNetwork]) -> DetectionNetwork:
    """A fresh network whose backbone is the trained one in a file of `rtdet train`, a classifier's or a detector's.

    name: to train. fresh: makes the network, on its own backbone (None) or another. Raises ModelError for a file that
    is none, UsageError where the network cannot have that backbone.
    """
    trained = read_trunk(path)
    network = fresh(None)
    own = trunk_in(network).name
    if own != trained.name:
        why = f"its own is {own}"
        if trainable()[name].has_backbones:
            try:
                network = fresh(trained.name)
            except UsageError as error:
                why = str(error)
        if trunk_in(network).name != trained.name:
            raise UsageError(
                f"{name} cannot have the backbone of {trained.said}, {trained.name}: {why}; train a classifier with "
                f"--backbone {name}"
            )
    log_taken(name, take_trunk(network, trained), trained)
    return network


def log_taken(name: str, count: int, trained: Pretrained) -> None:
    """Says what a network got from a file."""
    _log.info(
        "%s: the %d tensors of its backbone, %s, are those of %s", name, count, trained.name, trained.said
    )


def open_trained(model: str) -> DetectionNetwork:
    """A trained network of ours by its name (rtdet-n) or its .safetensors file. Raises UnknownModelError for another
    name, ModelError for a file that is not one."""
    return load_weights(_weights(model))


def _weights(model: str) -> Path:
    if model.endswith(".safetensors"):
        return Path(model).expanduser()
    ours = [name for name in model_names() if model_card(name).kind in ("ssd", "family")]
    if model not in ours:
        raise UnknownModelError(
            "model to train", model, [*trainable(), *ALIASES, *ours, "a .safetensors file of rtdet"]
        )
    return weights_of(model_card(model))


def with_classes(model: DetectionNetwork, class_names: Sequence[str]) -> DetectionNetwork:
    """The same network for other classes: those that it knows keep their weights, new ones start fresh."""
    config = model.config
    names = tuple(class_names)
    if config.class_names == names:
        return model
    wanted = build(replace(config, class_names=names))
    # Whatever grows with the number of classes is a layer of scores.
    shapes = _shapes(replace(config, class_names=("a",)))
    larger = _shapes(replace(config, class_names=("a", "b")))
    of_scores = {name for name in shapes if shapes[name] != larger[name]}
    trained, fresh, lead = model.state_dict(), wanted.state_dict(), model.leading_outputs
    taken = {
        name: _rows(value, fresh[name], lead, config.class_names, names) if name in of_scores else value
        for name, value in trained.items()
    }
    wanted.load_state_dict(taken)
    return wanted.eval()


def _shapes(config: NetworkConfig) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in build(config).state_dict().items()}


def _rows(old: Tensor, new: Tensor, lead: int, before: Sequence[str], names: Sequence[str]) -> Tensor:
    """The rows of the new layer, group by group (prior, anchor) and class by class; those of known classes from the
    old one, and likewise the `lead` outputs in front of the classes."""
    known = {name: i for i, name in enumerate(before)}
    had = old.view(-1, lead + len(before), *old.shape[1:])
    made = new.clone().view(-1, lead + len(names), *new.shape[1:])
    made[:, :lead] = had[:, :lead]
    for i, name in enumerate(names):
        if name in known:
            made[:, lead + i] = had[:, lead + known[name]]
    return made.view(new.shape)


def takes_single_pictures(model: nn.Module, size: tuple[int, int]) -> bool:
    """Whether it can be trained on one picture (width, height) at a time: not where a norm would see a single value
    per channel."""
    try:
        copy.deepcopy(model).train()(torch.zeros(1, 3, size[1], size[0]))
    except ValueError:
        return False
    return True


def has_norms(model: nn.Module) -> bool:
    """Whether the network has normalisation layers; without them it needs a lower learning rate."""
    return any(isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)) for m in model.modules())
