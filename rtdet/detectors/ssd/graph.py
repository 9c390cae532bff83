"""A converted network kept in the user's cache, so that only the first start imports torch.

Importing torch and tracing the network takes seconds, reading the finished OpenVINO graph a few hundredths, and
so does changing its input's size: a network that takes any input is traced once for all of them.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from pathlib import Path

from rtdet.backends.machine import writable_cache
from rtdet.backends.network import Shape
from rtdet.backends.openvino import load_openvino, save_graph

# Part of the cache's key: raise it when the network's code changes what the same weights compute.
_REVISION = 3

log = logging.getLogger("rtdet.detectors")


def cached_graph(weights: Path, shape: Shape) -> Path | None:
    """The OpenVINO graph (.xml) of an SSD's weights, made now if need be, with an input of `shape`; a kept one
    may have another, and is changed to this one when it is opened. None where the cache cannot be written.
    Raises ModelError for weights that cannot be read."""
    folder = writable_cache("graphs")
    if folder is None:
        return None
    kept = folder / f"{_key(weights)}.xml"
    # The .xml is put in place last: where it is, its .bin is whole.
    if not (kept.is_file() and kept.with_suffix(".bin").is_file()):
        log.info("preparing %s for this machine; only its first use takes this time", weights.name)
        from rtdet.detectors.ssd.weights import load_weights  # after the line: it imports torch

        model = load_weights(weights)
        try:
            with tempfile.TemporaryDirectory(dir=folder) as name:
                made = Path(name) / "graph.xml"
                save_graph(model, shape, made)
                made.with_suffix(".bin").replace(kept.with_suffix(".bin"))
                made.replace(kept)
        except OSError as error:
            log.debug("no graph was kept in %s: %s", folder, error)
            return None
    return kept


def _key(weights: Path) -> str:
    version = load_openvino().__version__
    text = f"{_REVISION} {version} ".encode()
    return hashlib.sha256(text + weights.read_bytes()).hexdigest()[:24]
