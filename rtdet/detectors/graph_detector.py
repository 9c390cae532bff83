"""Networks of others as Detectors: the family of heads recognised, the picture prepared as it was trained on."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.backends import Network, open_network, quicker_precision
from rtdet.backends.devices import precision_for_positions
from rtdet.backends.network import Inputs, Outputs, PixelInput
from rtdet.backends.pixels import converted
from rtdet.detectors.batching import input_size
from rtdet.detectors.heads.graph import Graph, noted_size, open_graph, show_outputs
from rtdet.detectors.heads.head import Candidates, Head, Probe
from rtdet.detectors.heads.input_spec import InputSpec, Size, fit_picture, parse_input
from rtdet.detectors.heads.measured_input import measured_input
from rtdet.detectors.heads.registry import Recognized, recognize_head
from rtdet.detectors.look import Look
from rtdet.detectors.names import class_names
from rtdet.detectors.part_times import PartTimes
from rtdet.detectors.selection import select, strongest, wanted_class
from rtdet.detectors.sides import Form, Forms, Sided
from rtdet.errors import ModelError, UsageError
from rtdet.geometry.letterbox import Letterbox
from rtdet.types import Detections, Image, InputSize, Picture, Thresholds, size_of

_log = logging.getLogger("rtdet.detectors")


class GraphDetector(Sided):
    """A network in a file, of any family of `heads.registry.HEADS`, as a Detector.

    Where the network can be given another input shape, and was trained with the picture's aspect kept, it runs on a
    rectangle of the picture's aspect and at any `imgsz`; else on the shape that it was exported for.

    head: the family, by its name; None: recognised. input: how pictures are prepared, e.g. "rgb,0..1,letterbox",
    where that is to be overruled. Raises ModelError for a file that cannot be read or is no detector, UsageError and
    UnknownNameError for settings that are wrong or that the network cannot have.
    """

    takes_pictures = True

    def __init__(
        self,
        path: Path,
        *,
        thresholds: Thresholds | None = None,
        device: str = "auto",
        backend: str = "auto",
        precision: str = "auto",
        imgsz: int | None = None,
        head: str | None = None,
        input: str | None = None,
    ) -> None:
        self.thresholds = thresholds or Thresholds()
        self._path = path
        self._options: dict[str, Any] = {"backend": backend, "device": device, "precision": precision}
        self._networks: dict[tuple[Size, PixelInput, str], Network] = {}
        self._times = PartTimes()
        self._closed = False
        self._forms, self._picture = Forms(Form(64), self._prepare), (16, 9)  # until the network is known
        if imgsz is not None and imgsz < 64:
            raise UsageError(f"--imgsz {imgsz} is too small for this model; use 64 or more")
        graph = open_graph(path, None if imgsz is None else math.ceil(imgsz / 32) * 32)
        found = recognize_head(graph, head)
        self._graph = graph
        self._fixed: Size | None = None
        try:
            self._head, self.head_name = self._open(found, imgsz, input)
        except Exception:
            self.close()
            raise
        self.input_size = InputSize(_long_side(self._head, None, graph), is_fixed=self._fixed is not None)
        self.suppression = "none" if self._head.is_selected else "nms"
        self.class_names: Sequence[str] = class_names(
            path, self._head.class_count, graph.metadata, self._head.class_names
        )
        _log.debug("%s is taken for %s with an input of %s", path, self.head_name, self._head.input)
        if self._head.ignored:
            _log.info("%s also gives %s, which rtdet does not use", path.name, self._head.ignored)

    @property
    def network(self) -> Network:
        """The network in use: its backend, device and precision."""
        precision = self._forms.now.precision
        return next(network for key, network in self._networks.items() if key[2] == precision)

    @property
    def last_ms(self) -> Mapping[str, float]:
        """Of the last `detect`, or the last pictures of `detect_each`, milliseconds per picture of its parts
        (`part_times`)."""
        return self._times.last_ms

    def _prepare(self, form: Form) -> None:
        """Compiles the network for pictures as the last one, and runs it once; in a thread of its own. One that is
        there already may be running, and is left alone. Raises ModelError for a size that it cannot have."""
        head = self._head
        size = self._fixed or input_size(*self._picture, form.side, head.stride)
        graph = self._graph.at(size)
        if graph is None or not head.fits(graph.shapes, size):
            raise ModelError(f"{self._path} cannot run at {size[0]}x{size[1]} pixels")
        if (size, self._pixels(head.input), form.precision) in self._networks:
            return
        blank = np.zeros((size[1], size[0], 3), np.uint8)
        network = self._network(size, head.input, form.precision)
        next(iter(network.run_many([self._inputs(blank, size, head)])))

    @property
    def input(self) -> InputSpec:
        """How pictures are prepared for the network."""
        return self._head.input

    @property
    def head(self) -> Head:
        """How its outputs are decoded."""
        return self._head

    @property
    def path(self) -> Path:
        """The network's file."""
        return self._path

    def look(self, image: Image | Picture) -> Look:
        """What the network gets for a picture and what it gives, as `detect` runs it."""
        size, spec = self._size_for(image, self.side), self._head.input
        fitted, back = fit_picture(image, size, spec)
        inputs = self._inputs(fitted, size, self._head)
        outputs = next(iter(self._network(size, spec).run_many([inputs])))
        return Look(fitted, converted(inputs, self._pixels(spec)), outputs, size, back)

    def _open(self, found: Sequence[Recognized], imgsz: int | None, text: str | None) -> tuple[Head, str]:
        """The first of the families that a run of the network bears out. Opens the network at once, so that a wrong
        file or device fails here and not on the first frame."""
        for one in found:
            head = one.head if text is None else replace(one.head, input=parse_input(text, one.head.input))
            size = self._first_size(head, imgsz)
            probe = Probe(size, self._runner(head, size), head.input)
            settled = head.settled(probe)
            if settled is None:
                continue
            if text is not None:  # the user's word counts for more than a measurement
                settled = replace(settled, input=head.input)
            elif not self._graph.takes_pixels and not self._graph.metadata.get("names"):
                settled = self._in_its_range(settled, probe)
            if settled.gives_pixels:
                exact = precision_for_positions(self._options["precision"], self.network.device)
                self._forms = Forms(Form(self.side, exact), self._prepare)
            self._keep_only(size, settled.input)
            if self._options["precision"] == "auto":
                self._may_be_quick(self._forms.now.precision, quicker_precision(self.network))
            return settled, one.name
        shown = show_outputs(self._graph.outputs)
        tried = ", ".join(one.name for one in found)
        raise ModelError(
            f"{self._path} has outputs {shown}, but what it gives is not what {tried} would give"
        )

    def _keep_only(self, size: Size, spec: InputSpec) -> None:
        """Closes the networks that were opened to find out what this one takes, and one in too coarse a precision."""
        key = size, self._pixels(spec), self._forms.now.precision
        for one in list(self._networks):
            network = self._networks.pop(one)
            if one[:2] == key[:2] and not (key[2] == "fp32" and network.precision == "bf16"):
                self._networks[key] = network
            else:
                network.close()
        self._network(size, spec)

    def _in_its_range(self, head: Head, probe: Probe) -> Head:
        """The head with the range of values in which its network sees something, and a line where it is not the
        usual one. Exporters that note the names of classes keep to the usual one."""
        spec = measured_input(head, probe)
        if spec != head.input:
            _log.info(
                "%s sees nothing in pictures as its family takes them (%s), but does with --input %s, which is used",
                self._path.name, head.input, spec,
            )  # fmt: skip
        return replace(head, input=spec)

    def _first_size(self, head: Head, imgsz: int | None) -> Size:
        graph = self._graph
        own = graph.size if graph.has_own_size else None
        side = _long_side(head, imgsz, graph)
        self._forms = Forms(Form(side, self._options["precision"]), self._prepare)
        wide = input_size(*self._picture, side, head.stride)
        if head.follows_size and head.input.fit != "stretch" and self._can_have(head, wide):
            self._network(wide, head.input)
            return wide
        fixed = own or (side, side)
        if imgsz is not None and side != max(fixed):
            raise UsageError(f"{self._path} runs at {fixed[0]}x{fixed[1]} pixels only; omit --imgsz")
        self._network(fixed, head.input)
        self._fixed = fixed
        return fixed

    def _can_have(self, head: Head, size: Size) -> bool:
        graph = self._graph.at(size)
        if graph is None or not head.fits(graph.shapes, size):
            return False
        try:
            self._network(size, head.input)
        except ModelError:  # ONNX Runtime knows only the exported shape
            return False
        return True

    def _network(self, size: Size, spec: InputSpec, precision: str = "") -> Network:
        """The network for pictures that were fitted into `size`, in the precision in use or another; what else the
        spec says is inside of it."""
        if self._closed:
            raise ModelError(f"{self._path} was closed")
        pixels = self._pixels(spec)
        precision = precision or self._forms.now.precision
        key = size, pixels, precision
        if key not in self._networks:
            shapes = self._graph.input_shapes(size)
            options = {**self._options, "precision": precision}
            network = open_network(self._path, shapes, pixels=pixels, **options)
            self._networks[key] = network
            if self._closed:  # meanwhile, by another thread
                network.close()
                raise ModelError(f"{self._path} was closed")
            # What was found to be the quickest for the first size is taken for others too.
            self._options |= {"backend": network.backend, "device": network.device}
        return self._networks[key]

    def _pixels(self, spec: InputSpec) -> PixelInput:
        graph = self._graph
        zero_point = 128 if graph.dtype == "int8" else 0  # quantised from 0..255, with its zero in the middle
        return spec.pixels(graph.picture, graph.layout, zero_point)

    def _runner(self, head: Head, size: Size) -> Callable[[Image, InputSpec], Outputs]:
        def run(image: Image, spec: InputSpec) -> Outputs:
            fitted, _ = fit_picture(image, size, spec)
            return next(iter(self._network(size, spec).run_many([self._inputs(fitted, size, head)])))

        return run

    def _inputs(self, fitted: Image, size: Size, head: Head) -> Inputs:
        """What the network gets for a fitted picture."""
        further, at = head.further_inputs(size), self._graph.picture
        return (*further[:at], fitted[None], *further[at:])

    def detect(self, images: Sequence[Image | Picture]) -> list[Detections]:
        with self._times.call(len(images)):
            return list(self._detect(images))

    def detect_each(self, images: Iterable[Image | Picture]) -> Generator[Detections]:
        """See protocols.StreamingDetector."""
        return self._times.each(self._detect(images))

    def _detect(self, images: Iterable[Image | Picture]) -> Iterator[Detections]:
        for (size, precision), alike in groupby(images, self._place_of):
            yield from self._detect_same_size(alike, size, precision)

    def _place_of(self, image: Image | Picture) -> tuple[Size, str]:
        """The input's size and the precision in which the network looks at the picture."""
        form, self._picture = self._forms.now, size_of(image)
        return self._size_for(image, form.side), form.precision

    def _size_for(self, image: Image | Picture, side: int) -> Size:
        return self._fixed or input_size(*size_of(image), side, self._head.stride)

    def _detect_same_size(
        self, images: Iterable[Image | Picture], size: Size, precision: str
    ) -> Iterator[Detections]:
        head = self._head
        network = self._network(size, head.input, precision)
        maps = deque[Letterbox]()  # of the pictures in the network

        def inputs() -> Iterator[Inputs]:
            for image in images:
                with self._times.preprocess:
                    fitted, back = fit_picture(image, size, head.input)
                    maps.append(back)
                yield self._inputs(fitted, size, head)

        for outputs in network.run_many(inputs()):
            thresholds = self.thresholds
            with self._times.suppress:
                found = self._kept(
                    head.decode(outputs, size, thresholds.least_score), maps.popleft(), thresholds
                )
            yield found

    def _kept(self, found: Candidates, back: Letterbox, thresholds: Thresholds) -> Detections:
        if len(found) and found.labels.max() >= len(self.class_names):
            raise self._unnamed(int(found.labels.max()))
        wanted = np.flatnonzero(wanted_class(found.labels, thresholds, self.class_names))
        keep = strongest(found.scores[wanted], wanted)
        boxes = back.undo(found.boxes[keep])
        points = None if found.points is None else back.undo_points(found.points[keep])
        thresholds = replace(thresholds, iou=min(thresholds.iou, self._head.most_overlap))
        return select(
            boxes, found.scores[keep], found.labels[keep], thresholds, self.class_names,
            suppress=not self._head.is_selected, points=points,
        )  # fmt: skip

    def _unnamed(self, label: int) -> ModelError:
        names = self._path.with_suffix(".txt").name
        return ModelError(
            f"{self._path} gives a class number {label}, but only {len(self.class_names)} classes have names; put "
            f"all names into {names} beside it, a line each"
        )

    def close(self) -> None:
        self._closed = True
        self._forms.close()
        for network in list(self._networks.values()):
            network.close()


def _long_side(head: Head, imgsz: int | None, graph: Graph) -> int:
    if imgsz is not None:
        return math.ceil(imgsz / head.stride) * head.stride
    if graph.has_own_size or noted_size(graph.metadata) is not None:
        return max(graph.size)
    return head.long_side or max(graph.size)
