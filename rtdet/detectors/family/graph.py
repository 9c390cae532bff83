"""A network as a graph that runs without torch, whose import takes seconds and gigabytes.

The embedded model comes with one, as ONNX beside its weights. For other weights OpenVINO's graph is made once with
torch and kept in the user's cache. Changing the size of a graph's input takes a few hundredths of a second, so a
network that takes any input has one graph for all of them.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from pathlib import Path

from rtdet.backends.network import Shape, Shapes
from rtdet.backends.openvino import load_openvino, save_graph
from rtdet.cache import discard, is_whole, seal, writable_cache
from rtdet.extras import is_installed, require_for_model

# Under this name an ONNX file says which weights it was made of: their SHA-256 in hexadecimal.
WEIGHTS_KEY = "rtdet_weights_sha256"

# Part of the cache's key: raise it when the network's code changes what the same weights compute.
_REVISION = 3

log = logging.getLogger("rtdet.detectors")


def beside(weights: Path) -> Path:
    """Where the ONNX graph of a file of weights is, if it has one."""
    return weights.with_suffix(".onnx")


def graph_of(weights: Path, shape: Shape | Shapes, backend: str) -> Path | None:
    """A graph of a network's weights that `backend` reads: the ONNX beside them, else, for OpenVINO, a cached one.
    None where there is neither. Raises as `cached_graph` does."""
    if backend not in ("openvino", "onnxruntime"):
        return None
    path = beside(weights)
    if path.is_file():
        # Searched for rather than parsed: reading the graph is the back end's work, and it has to do it anyway.
        if hashlib.sha256(weights.read_bytes()).hexdigest().encode() in path.read_bytes():
            return path
        log.debug("%s was made from other weights than %s", path, weights)
    return cached_graph(weights, shape) if backend == "openvino" else None


def cached_graph(weights: Path, shape: Shape | Shapes) -> Path | None:
    """The OpenVINO graph (.xml) of a network's weights, made now if need be, with an input of `shape`; a kept one
    may have another, and is changed to this one when it is opened. None where the cache cannot be written.
    Raises ModelError for weights that cannot be read."""
    folder = writable_cache("graphs")
    if folder is None:
        return None
    kept = folder / f"{_key(weights)}.xml"
    if not _is_kept(kept):
        require_for_model("torch", f"opening {weights}", "torch")
        log.info("preparing %s for this machine; only the first use takes this long", weights.name)
        from rtdet.detectors.family.weights import load_weights  # after the line: it imports torch

        model = load_weights(weights).as_graph()
        try:
            with tempfile.TemporaryDirectory(dir=folder) as name:
                made = Path(name) / "graph.xml"
                save_graph(model, shape, made)
                for suffix in (".bin", ".xml"):
                    discard(kept.with_suffix(suffix))
                    made.with_suffix(suffix).replace(kept.with_suffix(suffix))
                    seal(kept.with_suffix(suffix))
        except OSError as error:
            log.debug("the prepared model cannot be kept in %s: %s", folder, error)
            return None
    return kept


def _is_kept(graph: Path) -> bool:
    """Whether both files of a kept graph are there, and as they were made."""
    whole = [is_whole(graph.with_suffix(suffix)) for suffix in (".bin", ".xml")]
    # One of an older rtdet has no seal: without torch it can't be made again.
    is_old = whole == [None, None] and graph.is_file() and graph.with_suffix(".bin").is_file()
    return all(whole) or (is_old and not is_installed("torch"))


def _key(weights: Path) -> str:
    version = load_openvino().__version__
    text = f"{_REVISION} {version} ".encode()
    return hashlib.sha256(text + weights.read_bytes()).hexdigest()[:24]
