"""Networks of rtdet as Detectors: the picture fitted in, the network on any back end, detections out."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from rtdet.backends import Network, open_network, quicker_precision
from rtdet.backends.devices import precision_for_positions
from rtdet.backends.network import Inputs, Outputs, PixelInput, Shapes, in_one_tuple
from rtdet.backends.pixels import converted
from rtdet.backends.quickest import Choice, key_of, open_quickest
from rtdet.backends.registry import candidates, check_names
from rtdet.detectors.batching import input_size
from rtdet.detectors.family.config import DEFAULT_INPUT, NetworkConfig, Size
from rtdet.detectors.family.graph import graph_of
from rtdet.detectors.family.postprocess import postprocess
from rtdet.detectors.family.weights import load_weights, read_config
from rtdet.detectors.look import Look
from rtdet.detectors.part_times import PartTimes
from rtdet.detectors.sides import Form, Forms, Sided
from rtdet.errors import ModelError, UsageError
from rtdet.extras import require_for_model
from rtdet.geometry.letterbox import Letterbox, letterbox, stretch_unrounded
from rtdet.types import Detections, Image, InputSize, Picture, Thresholds, size_of

if TYPE_CHECKING:
    import torch

    from rtdet.detectors.family.device_path import DevicePath
    from rtdet.detectors.family.network import DetectionNetwork

# Those that are letterboxed take pixels as they are, blue first; what they make of them is inside.
_PIXELS = PixelInput()
_Fitted = np.ndarray[Any, Any]
# Devices that fit pictures in and choose detections themselves.
_WHOLE_WAY = ("cuda", "mps")
# So many pictures go that way together.
_AT_ONCE = 8


class NetworkDetector(Sided, ABC):
    """Runs one network. One that takes any input gets each picture's own aspect, `imgsz` pixels wide or high, and
    is compiled once for each of the few shapes that occur; to the one input of another a picture is stretched.

    `weights` is a .safetensors file of rtdet, or a network. Where no `imgsz` is asked for, its configuration says it.
    Raises ModelError for one that cannot be read, UsageError and UnknownNameError for settings that are wrong or that
    this machine lacks.
    """

    takes_pictures = True

    def __init__(
        self,
        weights: Path | DetectionNetwork,
        *,
        thresholds: Thresholds | None = None,
        device: str = "auto",
        backend: str = "auto",
        precision: str = "auto",
        imgsz: int | None = None,
    ) -> None:
        self._config: Any = read_config(weights) if isinstance(weights, Path) else weights.config
        self._weights: Path | DetectionNetwork | None = weights
        self.class_names: Sequence[str] = self._visible_names()
        self.suppression: str = getattr(self._config, "suppression", "nms")  # an SSD's is NMS
        self._times = PartTimes()
        self.thresholds = thresholds or Thresholds()
        self._forms = Forms(Form(long_side_of(self._config, imgsz)), self._prepare)
        self._picture = (16, 9)
        self.input_size = InputSize(long_side_of(self._config), is_fixed=self._config.input_size is not None)
        check_names(backend, device, precision)
        choices = candidates(backend, device, is_file=False)
        self._backend, self._device = choices[0]
        self._go_round_openvino(backend)
        self._take_precision(precision)
        self._networks: dict[tuple[Size, str], Network] = {}
        self._paths: dict[Size, DevicePath | None] = {}
        # Opened at once, so that a wrong device or back end fails here and not on the first frame.
        size = self._config.input_size or input_size(*self._picture, self.side, self._config.multiple)
        if choices[1:] and isinstance(weights, Path) and not getattr(self._config, "openvino_lacks", ""):
            self._take_quickest(choices, weights, precision, size)
        network = self._network(size)
        if precision == "auto":
            self._may_be_quick(self._forms.now.precision, quicker_precision(network))

    def _go_round_openvino(self, wanted: str) -> None:
        """A network of which OpenVINO knows only a part runs in torch, unless OpenVINO was asked for."""
        lacks = getattr(self._config, "openvino_lacks", "")
        if self._backend != "openvino" or not lacks:
            return
        if wanted == "openvino":
            raise UsageError(f"OpenVINO cannot run {self._config.architecture}, which needs {lacks}")
        require_for_model("torch", f"{self._config.architecture}, which OpenVINO cannot run,", "torch")
        self._backend = "torch"

    @property
    def config(self) -> NetworkConfig:
        """What the network is."""
        config: NetworkConfig = self._config
        return config

    @property
    def network(self) -> Network:
        """The network in use: its backend, device and precision."""
        return next(iter(self._networks.values()))

    @property
    def last_ms(self) -> Mapping[str, float]:
        """Of the last `detect`, or the last pictures of `detect_each`, milliseconds per picture of its parts
        (`part_times`)."""
        return self._times.last_ms

    def _take_precision(self, wanted: str) -> None:
        self._forms = Forms(Form(self.side, self._choose_precision(wanted)), self._prepare)

    def _prepare(self, form: Form) -> None:
        """Compiles the network for pictures as the last one, and runs it once; in a thread of its own. One that is
        there already may be running, and is left alone."""
        size = self._config.input_size or input_size(*self._picture, form.side, self._config.multiple)
        if (size, form.precision) in self._networks:
            return
        fitted, _ = self._fit(np.zeros((size[1], size[0], 3), np.uint8), size)
        next(iter(self._network(size, form.precision).run_many([self._inputs(fitted)])))

    @property
    def weights(self) -> Path | DetectionNetwork:
        """The file of weights, or the network, that it was made of. Raises ModelError once closed."""
        if self._weights is None:
            raise ModelError("this detector was closed")
        return self._weights

    def look(self, image: Image | Picture) -> Look:
        """What the network gets for a picture and what it gives, as `detect` runs it."""
        size = self._size_for(image, self.side)
        fitted, back = self._fit(image, size)
        inputs = self._inputs(fitted)
        outputs = next(iter(self._network(size).run_many([inputs])))
        rounded = np.asarray(fitted.round(), dtype=np.uint8)
        return Look(rounded, converted(inputs, self._pixels), outputs, size, back)

    def _visible_names(self) -> Sequence[str]:
        names: Sequence[str] = self._config.class_names
        return names

    def _choose_precision(self, wanted: str) -> str:
        return wanted

    @abstractmethod
    def _found(self, outputs: Outputs, size: Size, back: Letterbox) -> Detections:
        """The detections of one picture, from what the network gave for it at an input of `size`."""

    def detect(self, images: Sequence[Image | Picture]) -> list[Detections]:
        with self._times.call(len(images)):
            return list(self._detect(images, len(images)))

    def detect_each(self, images: Iterable[Image | Picture]) -> Generator[Detections]:
        """See protocols.StreamingDetector."""
        return self._times.each(self._detect(images, _AT_ONCE))

    def _detect(self, images: Iterable[Image | Picture], at_once: int) -> Iterator[Detections]:
        for (size, precision), alike in groupby(images, self._place_of):
            while self._path(size) is not None and (few := list(islice(alike, at_once))):
                found = self._detect_on_device(few, size, precision)
                self._times.share(len(found))
                yield from found
            yield from self._detect_by_host(alike, size, precision)

    def _place_of(self, image: Image | Picture) -> tuple[Size, str]:
        """The input's size and the precision in which the network looks at the picture."""
        form, self._picture = self._forms.now, size_of(image)
        return self._size_for(image, form.side), form.precision

    def _size_for(self, image: Image | Picture, side: int) -> Size:
        size: Size | None = self._config.input_size
        return size or input_size(*size_of(image), side, self._config.multiple)

    def _detect_on_device(
        self, images: Sequence[Image | Picture], size: Size, precision: str
    ) -> list[Detections]:
        """The whole way on the device, or from now on by the host where the device cannot go it."""
        path = self._path(size)
        assert path is not None

        def by_host(few: Sequence[Image | Picture]) -> list[Detections]:
            return list(self._detect_by_host(few, size, precision))

        found = path.attempt(images, self.thresholds, self._times, by_host)
        if found is None:
            path.close()
            self._paths[size] = None
            found = by_host(images)
        return found

    def _path(self, size: Size) -> DevicePath | None:
        """The whole way on a GPU, where there is one."""
        if self._backend != "torch" or self._device.partition(":")[0] not in _WHOLE_WAY:
            return None
        network = self._network(size)
        if size not in self._paths:
            from rtdet.detectors.family.device_path import opened_path

            self._paths[size] = opened_path(network, self._config, size)
        return self._paths[size]

    def _detect_by_host(
        self, images: Iterable[Image | Picture], size: Size, precision: str = ""
    ) -> Iterator[Detections]:
        network = self._network(size, precision)
        maps = deque[Letterbox]()  # of the pictures in the network

        def inputs() -> Iterator[Inputs]:
            for image in images:
                with self._times.preprocess:
                    fitted, back = self._fit(image, size)
                    maps.append(back)
                    prepared = self._inputs(fitted)
                yield prepared

        for outputs in network.run_many(inputs()):
            with self._times.suppress:
                found = self._found(outputs, size, maps.popleft())
            yield found

    def _shapes(self, size: Size) -> Shapes:
        """Of the graph's inputs, for pictures fitted into `size`."""
        return ((1, 3, size[1], size[0]),)

    @property
    def _pixels(self) -> PixelInput | None:
        """How the graph takes pixels; None where it is given the numbers of a stretched picture."""
        return _PIXELS if self._config.input_size is None else None

    def _inputs(self, fitted: _Fitted) -> Inputs:
        """What the graph is given of a picture that was fitted in: a stretched one is not rounded."""
        if self._pixels is None:
            return np.asarray(cv2.dnn.blobFromImage(fitted), dtype=np.float32)
        return np.asarray(fitted[None], dtype=np.uint8)

    def _fit(self, image: Image | Picture, size: Size) -> tuple[_Fitted, Letterbox]:
        return letterbox(image, size) if self._pixels is not None else stretch_unrounded(image, size)

    def _network(self, size: Size, precision: str = "") -> Network:
        """The network for pictures that were fitted into `size`, in the precision in use or another."""
        if self._weights is None:
            raise ModelError("this detector was closed")
        key = size, precision or self._forms.now.precision
        if key not in self._networks:
            shapes = self._shapes(size)
            network = open_network(
                self._model(shapes),
                shapes,
                backend=self._backend,
                device=self._device,
                precision=key[1],
                pixels=self._pixels,
            )
            self._networks[key] = network
            if self._weights is None:  # closed meanwhile, by another thread
                network.close()
                raise ModelError("this detector was closed")
        return self._networks[key]

    def _take_quickest(self, choices: Sequence[Choice], weights: Path, precision: str, size: Size) -> None:
        """Settles which of several back ends and devices runs the network; timed once, then remembered."""

        def take(choice: Choice) -> Network:
            self._backend, self._device = choice
            self._take_precision(precision)
            self._networks.clear()  # whoever times them closes the others
            return self._network(size)

        noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        example, key = self._inputs(self._fit(noise, size)[0]), key_of(weights, size, precision)
        choice, network = open_quickest(choices, take, example, key, weights.stem)
        self._backend, self._device = choice
        self._take_precision(precision)
        self._networks = {(size, self._forms.now.precision): network}

    def _model(self, shapes: Shapes) -> torch.nn.Module | Path:
        """The network in the quickest form: a graph, which needs no torch, where there is one."""
        assert self._weights is not None
        if not isinstance(self._weights, Path):
            return self._weights.as_graph()
        return graph_of(self._weights, shapes, self._backend) or load_weights(self._weights).as_graph()

    def close(self) -> None:
        self._weights = None
        self._forms.close()
        for path in self._paths.values():
            if path is not None:
                path.close()
        self._paths.clear()
        for network in list(self._networks.values()):
            network.close()


class FamilyDetector(NetworkDetector):
    """A network whose graph gives boxes and scores: every family but SSD."""

    def _choose_precision(self, wanted: str) -> str:
        return precision_for_positions(wanted, self._device) if self._backend == "openvino" else wanted

    def _shapes(self, size: Size) -> Shapes:
        count = self._config.region_count
        return (*super()._shapes(size), *([(1, count, 4)] if count else []))

    def _inputs(self, fitted: _Fitted) -> Inputs:
        (picture,) = in_one_tuple(super()._inputs(fitted))
        return (picture, self._config.find_regions(fitted)[None]) if self._config.region_count else picture

    def _found(self, outputs: Outputs, size: Size, back: Letterbox) -> Detections:
        boxes, scores = outputs
        config = self._config
        return postprocess(
            boxes[0],
            scores[0],
            back,
            self.thresholds,
            config.class_names,
            config.suppression,
            config.most_overlap,
        )


def input_of(config: NetworkConfig, imgsz: int | None = None) -> Size:
    """(width, height) of a square input for a network: its own, or one of about `imgsz` pixels. Raises UsageError for
    an `imgsz` that it cannot have."""
    side = long_side_of(config, imgsz)
    return config.input_size or (math.ceil(side / config.multiple) * config.multiple,) * 2


def long_side_of(config: NetworkConfig, imgsz: int | None = None) -> int:
    """Pixels of the input's longer side; raises UsageError for an `imgsz` that the network cannot have."""
    fixed = config.input_size
    if fixed is not None:
        if imgsz not in (None, max(fixed)):
            size = f"{fixed[0]}x{fixed[1]}"
            raise UsageError(f"this model runs at {size} pixels only; omit --imgsz")
        return max(fixed)
    if imgsz is not None and imgsz < 64:
        raise UsageError(f"--imgsz {imgsz} is too small for this model; use 64 or more")
    return config.usual_side or DEFAULT_INPUT if imgsz is None else imgsz
