"""Which of several back ends and devices is the quickest for a network: timed once for a model and a machine, and
remembered in the user's cache, so that later starts neither wait nor come out differently.

The usual one stays unless another one gains a tenth, both with one picture at a time and with many in a row. A
network that takes next to no time is left where it is. Where nothing can be remembered nothing is timed: the same
file would else be detected in by one back end today and by another one tomorrow.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from itertools import repeat
from pathlib import Path

import numpy as np

from rtdet.backends.machine import cpu_name
from rtdet.backends.network import Inputs, Network, PixelInput, Pixels, Shapes, Tensor
from rtdet.cache import cache_folder, discard, is_whole, seal, writable_cache
from rtdet.errors import RtdetError

log = logging.getLogger("rtdet.backends")

Choice = tuple[str, str]  # a backend, and a device that it runs networks on

LEAST_GAIN = 0.1  # of a picture's time
QUICK_MS = 3.0  # below it nothing is to be gained that anybody would notice
_FOLDER = "quickest"
_ROUNDS, _ROUNDS_S = 5, 0.4  # of timing, and for how long at most once each had two turns
_IN_A_ROW = 4
_PACKAGES = ("openvino", "onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "torch")


@dataclass(frozen=True)
class Timed:
    """What was found out once: which back end and device a model runs on, and the milliseconds that each took for a
    picture, by "BACKEND on DEVICE"; in_a_row_ms: for each of several in a row, of those for which it was measured."""

    model: str
    backend: str
    device: str
    ms: dict[str, float]
    in_a_row_ms: dict[str, float] = field(default_factory=dict)


def open_quickest(
    choices: Sequence[Choice], open_choice: Callable[[Choice], Network], example: Inputs, key: str, model: str
) -> tuple[Choice, Network]:
    """The choice that is the quickest here, and its network, opened by `open_choice`. choices: the usual one first;
    others that cannot be opened are passed over. example: inputs of the network. key: of the model (`key_of`).
    model: its name for people. Raises what `open_choice` raises for the usual one."""
    place = _place(key, choices)
    if place is None:
        return choices[0], open_choice(choices[0])
    known = _read(place)
    if known is not None and (known.backend, known.device) in choices:
        choice = (known.backend, known.device)
        with suppress(*((RtdetError,) if choice != choices[0] else ())):
            return choice, open_choice(choice)
        return choices[0], open_choice(choices[0])
    networks = {choices[0]: open_choice(choices[0])}
    try:
        best = _found_out(place, networks, choices, open_choice, example, model)
    except RtdetError as error:  # of noise; a picture may suit it better
        log.debug("%s cannot be timed: %s", model, error)
        best = choices[0]
    for choice, network in networks.items():
        if choice != best:
            network.close()
    return best, networks[best]


def _found_out(
    place: Path,
    networks: dict[Choice, Network],
    choices: Sequence[Choice],
    open_choice: Callable[[Choice], Network],
    example: Inputs,
    model: str,
) -> Choice:
    """The choice that is the quickest, noted in `place`. networks: has the usual one, and gets the others."""
    usual = choices[0]
    ms = {usual: _warm_ms(networks[usual], example)}
    best, many = usual, dict[Choice, float]()
    if ms[best] >= QUICK_MS:
        networks |= _others(choices[1:], open_choice, example)
        best, ms, many = _timed(networks, usual, example)
    result = _note(place, Timed(model, *best, _by_words(ms), _by_words(many)))
    _tell(result)
    return (result.backend, result.device) if (result.backend, result.device) in networks else usual


def _others(
    choices: Sequence[Choice], open_choice: Callable[[Choice], Network], example: Inputs
) -> dict[Choice, Network]:
    """The networks of those of the choices that run it, warm."""
    networks = {}
    for choice in choices:
        network = None
        try:
            network = open_choice(choice)
            _warm_ms(network, example)
        except (
            Exception
        ) as error:  # ImportError, RuntimeError, ...: an installation that is broken is no obstacle
            log.debug("%s is passed over: %s", _words(choice), error)
            if network is not None:
                network.close()
            continue
        networks[choice] = network
    return networks


def _timed(
    networks: dict[Choice, Network], usual: Choice, example: Inputs
) -> tuple[Choice, dict[Choice, float], dict[Choice, float]]:
    """The quickest choice, each one's milliseconds for a picture, and for each of many of those that may be it."""
    ms = _best_ms(networks, example, 1)
    quicker = {one for one in networks if ms[one] < (1 - LEAST_GAIN) * ms[usual]}
    if not quicker:
        return usual, ms, {}
    # In a row OpenVINO computes several at once: who is quicker with one may be slower with many.
    many = _best_ms({one: networks[one] for one in (usual, *quicker)}, example, _IN_A_ROW)
    quicker = {one for one in quicker if many[one] < (1 - LEAST_GAIN) * many[usual]}
    return min(quicker, key=lambda one: ms[one] + many[one], default=usual), ms, many


def _best_ms(networks: dict[Choice, Network], example: Inputs, count: int) -> dict[Choice, float]:
    """Milliseconds for each of `count` pictures in a row, the best of a few rounds in turns: what else the machine
    does comes and goes."""
    best = dict.fromkeys(networks, float("inf"))
    begin = time.perf_counter()
    for i in range(_ROUNDS):
        if i >= 2 and time.perf_counter() - begin > _ROUNDS_S * len(networks):
            break
        for choice, network in networks.items():
            best[choice] = min(best[choice], _ms(network, example, count))
    return best


def _warm_ms(network: Network, example: Inputs) -> float:
    """Of a second run: the first one may prepare things."""
    _ms(network, example, 1)
    return _ms(network, example, 1)


def _ms(network: Network, example: Inputs, count: int) -> float:
    begin = time.perf_counter()
    for _ in network.run_many(repeat(example, count)):
        pass
    return 1e3 * (time.perf_counter() - begin) / count


def example_of(shapes: Shapes, pixels: PixelInput | None = None) -> Inputs:
    """Inputs of these shapes: noise for pictures, ones for anything else."""
    noise = np.random.default_rng(0)

    def one(index: int) -> Tensor | Pixels:
        if pixels is not None and index == pixels.index:
            return noise.integers(0, 256, pixels.picture_shape(shapes[index]), dtype=np.uint8)
        if len(shapes[index]) < 3:
            return np.ones(shapes[index], dtype=np.float32)
        return noise.random(shapes[index], dtype=np.float32)

    arrays = tuple(map(one, range(len(shapes))))
    return arrays if len(arrays) > 1 else arrays[0]


def key_of(path: Path, *more: object) -> str:
    """The key of a model in a file: its content's hash, and what else makes a difference."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    weights = path.with_suffix(".bin")  # of OpenVINO's .xml
    size = weights.stat().st_size if path.suffix == ".xml" and weights.is_file() else 0
    return f"{digest.hexdigest()} {size} {more}"


def remembered() -> Iterator[Timed]:
    """What was timed on this machine, by model."""
    for place in sorted(cache_folder(_FOLDER).glob("*.json")):
        known = _read(place)
        if known is not None:
            yield known


def _place(key: str, choices: Sequence[Choice]) -> Path | None:
    """Where it is remembered which of the choices is the quickest for a model; None where that cannot be."""
    folder = writable_cache(_FOLDER)
    if folder is None:
        return None
    about = (key, platform.node(), cpu_name(), *(f"{one} {_version(one)}" for one in _PACKAGES), *choices)
    return folder / f"{hashlib.sha256(repr(about).encode()).hexdigest()[:24]}.json"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _read(place: Path) -> Timed | None:
    if not is_whole(place):
        if place.exists():
            discard(place)
        return None
    try:
        known = Timed(**json.loads(place.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return known


def _note(place: Path, found: Timed) -> Timed:
    """Remembers what was found out; gives what another process found out meanwhile, if one did."""
    if (other := _read(place)) is not None:
        return other
    part = place.with_name(f"{place.name}.{os.getpid()}")
    with suppress(OSError):
        part.write_text(json.dumps(vars(found), indent=1), encoding="utf-8")
        part.replace(place)
        seal(place)
    return found


def _tell(found: Timed) -> None:
    if len(found.ms) < 2:
        return
    rows = {name: f" ({ms:.1f} in a row)" for name, ms in found.in_a_row_ms.items()}
    times = ", ".join(
        f"{name} {ms:.1f}{rows.get(name, '')}"
        for name, ms in sorted(found.ms.items(), key=lambda one: one[1])
    )
    chosen = _words((found.backend, found.device))
    log.info(
        "timed %s once on this machine, ms a picture: %s; from now on it runs by %s (--backend, --device overrule)",
        found.model, times, chosen,
    )  # fmt: skip


def _by_words(ms: dict[Choice, float]) -> dict[str, float]:
    return {_words(one): round(value, 2) for one, value in ms.items()}


def _words(choice: Choice) -> str:
    return f"{choice[0]} on {choice[1]}"
