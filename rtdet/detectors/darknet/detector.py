"""A Darknet network as a Detector."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rtdet.backends import Network, open_network
from rtdet.backends.devices import precision_for_positions
from rtdet.backends.network import Outputs, PixelInput, Pixels
from rtdet.backends.registry import check_names, choose
from rtdet.detectors.darknet.cfg import read_cfg
from rtdet.detectors.darknet.decode import decode, join
from rtdet.detectors.darknet.layers import Detection, Region
from rtdet.detectors.darknet.network import Size, make_network, require_detector, size_for
from rtdet.detectors.darknet.pairing import names_for, pair
from rtdet.detectors.darknet.weights import read_weights
from rtdet.detectors.part_times import PartTimes
from rtdet.detectors.selection import select, strongest, wanted_class
from rtdet.detectors.sides import Form, Forms, Sided
from rtdet.errors import ModelError
from rtdet.extras import require_for_model
from rtdet.geometry.boxes import diou, iou
from rtdet.geometry.letterbox import Letterbox, letterbox, stretch
from rtdet.geometry.nms import Overlap
from rtdet.types import Detections, Image, InputSize, Picture, Thresholds

if TYPE_CHECKING:
    from rtdet.detectors.darknet.network import Network as Architecture

_GRAY = 127  # Darknet's letterbox is filled with .5


class _Opened(NamedTuple):
    """A network at an input of one size: what it is, and what runs it."""

    architecture: Architecture
    network: Network


class DarknetDetector(Sided):
    """A .cfg with its .weights, of which `path` names either, or the weights alone where `cfg` lies elsewhere.

    Pictures are stretched to the size that the cfg names, or keep their aspect where it says letter_box=1. At another
    `imgsz` both sides change in proportion; a network with fully connected layers has its one size. Boxes that
    overlap go as the cfg's nms_kind says: by IoU, or (diounms) by DIoU.
    """

    takes_pictures = True

    def __init__(
        self,
        path: Path,
        *,
        cfg: Path | None = None,
        thresholds: Thresholds | None = None,
        device: str = "auto",
        backend: str = "auto",
        precision: str = "auto",
        imgsz: int | None = None,
    ) -> None:
        self.thresholds = thresholds or Thresholds()
        check_names(backend, device, precision)
        cfg, weights = pair(path, cfg)
        sections = read_cfg(cfg)
        network = make_network(cfg, sections)
        require_detector(network)
        size = size_for(network, imgsz) or network.size
        self._cfg, self._sections, self._own = cfg, sections, network
        tree = next((head.tree for head in network.heads if isinstance(head, Region) and head.tree), None)
        self.class_names: Sequence[str] = names_for(cfg, weights, network.classes, tree.names if tree else ())
        self._overlap = _overlap(network)
        self.suppression = _suppression(network)
        self._times = PartTimes()
        self._path, self._weights = path, weights
        self._choice = backend, device, precision
        self.input_size = InputSize(max(network.size), is_fixed=not network.takes_any_size)
        self._forms = Forms(Form(max(size)), self._prepare)
        self._opened: dict[Size, _Opened] = {}
        self._is_closed = False
        self._open(size)

    @property
    def network(self) -> Network:
        """The network in use: its backend, device and precision."""
        return self._in_use().network

    @property
    def last_ms(self) -> Mapping[str, float]:
        """Of the last `detect`, or the last pictures of `detect_each`, milliseconds per picture of its parts
        (`part_times`)."""
        return self._times.last_ms

    def _in_use(self) -> _Opened:
        return self._open(size_for(self._own, self.side) or self._own.size)

    def _open(self, size: Size) -> _Opened:
        """The network at an input of this size. Raises ModelError once closed."""
        if self._is_closed:
            raise ModelError(f"{self._path} was closed")
        if size not in self._opened:
            architecture = (
                self._own if size == self._own.size else make_network(self._cfg, self._sections, size)
            )
            network = _run(architecture, self._weights, *self._choice)
            self._opened[size] = _Opened(architecture, network)
            if self._is_closed:  # meanwhile, by another thread
                network.close()
                raise ModelError(f"{self._path} was closed")
        return self._opened[size]

    def _prepare(self, form: Form) -> None:
        """Compiles the network for that side and runs it once; in a thread of its own. One that is there already may
        be running, and is left alone."""
        size = size_for(self._own, form.side) or self._own.size
        if size in self._opened:
            return
        network = self._open(size).network
        blank = np.zeros((1, size[1], size[0], 3), np.uint8)
        next(iter(network.run_many([blank])))

    def detect(self, images: Sequence[Image | Picture]) -> list[Detections]:
        with self._times.call(len(images)):
            return list(self._detect(images))

    def detect_each(self, images: Iterable[Image | Picture]) -> Generator[Detections]:
        """See protocols.StreamingDetector."""
        return self._times.each(self._detect(images))

    def _detect(self, images: Iterable[Image | Picture]) -> Iterator[Detections]:
        for opened, alike in groupby(images, lambda image: self._in_use()):
            yield from self._detect_in(opened, alike)

    def _detect_in(self, opened: _Opened, images: Iterable[Image | Picture]) -> Iterator[Detections]:
        (architecture, network), maps = opened, deque[Letterbox]()

        def inputs() -> Iterator[Pixels]:
            for image in images:
                with self._times.preprocess:
                    fitted, back = fit(image, architecture)
                    maps.append(back)
                yield fitted[None]

        for output in network.run_many(inputs()):
            with self._times.suppress:
                found = self._postprocess(output, maps.popleft(), architecture)
            yield found

    def _postprocess(self, outputs: Outputs, back: Letterbox, architecture: Architecture) -> Detections:
        thresholds, heads, size = self.thresholds, architecture.heads, architecture.size
        pairs = zip(heads, outputs, strict=True)
        found = join([decode(head, output[0], size, thresholds.least_score) for head, output in pairs])
        wanted = np.flatnonzero(wanted_class(found.labels, thresholds, self.class_names))
        keep = wanted[strongest(found.scores[wanted], np.arange(len(wanted)))]
        boxes = back.undo(found.boxes[keep] * np.array(size * 2))
        return select(
            boxes, found.scores[keep], found.labels[keep], thresholds, self.class_names, overlap=self._overlap
        )

    def close(self) -> None:
        self._is_closed = True
        self._forms.close()
        for one in list(self._opened.values()):
            one.network.close()


def fit(image: Image | Picture, network: Architecture) -> tuple[Image, Letterbox]:
    """The picture as it is fitted into the network's input, and the way back to its pixels."""
    if network.letterbox:
        return letterbox(image, network.size, fill=_GRAY, center=True)
    return stretch(image, network.size)


def pixels_of(network: Architecture) -> PixelInput:
    """How the network takes pixels: red, green, blue (or grey), 0 to 1."""
    return PixelInput(color="gray" if network.picture[0] == 1 else "rgb", std=(255.0, 255.0, 255.0))


def _run(network: Architecture, weights_path: Path, backend: str, device: str, precision: str) -> Network:
    backend, device = choose(backend, device, is_file=False)
    weights = read_weights(weights_path, network)
    if any(isinstance(head, Detection) for head in network.heads):  # its outputs are the boxes themselves
        precision = precision_for_positions(precision, device)
    model: Any
    if backend == "openvino":
        from rtdet.detectors.darknet.graph import make_graph

        model = make_graph(network, weights)
    else:
        require_for_model("torch", f"running {network.path} by --backend {backend}", "torch")
        from rtdet.detectors.darknet.module import DarknetModule

        model = DarknetModule(network, weights)
    return open_network(
        model,
        (1, *network.picture),
        backend=backend,
        device=device,
        precision=precision,
        pixels=pixels_of(network),
    )


def _suppression(network: Architecture) -> str:
    head = network.heads[-1]
    if head.nms_kind != "diounms":
        return "nms"
    return "diou" if head.nms_beta == 1 else "none"


def _overlap(network: Architecture) -> Overlap:
    head = network.heads[-1]
    return partial(diou, exponent=head.nms_beta) if head.nms_kind == "diounms" else iou
