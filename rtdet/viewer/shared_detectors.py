"""The detectors that the sources of a window share: one for each model with its settings."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from rtdet.config import RunConfig
from rtdet.detectors.selection import check_classes, thresholds_of
from rtdet.pipeline import SharedDetector
from rtdet.protocols import Detector
from rtdet.types import Thresholds
from rtdet.viewer.names import short_name


class SharedDetectors:
    """make: loads a detector. Safe from any thread; a detector is closed with the last of its clients."""

    def __init__(self, make: Callable[[RunConfig], Detector]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._loading: dict[tuple[object, ...], threading.Lock] = {}
        self._shared: dict[tuple[object, ...], SharedDetector] = {}

    def share(self, config: RunConfig) -> Detector:
        """A share of the detector that the config names, which is loaded if nobody has it. Raises RtdetError."""
        key, name = config.of_the_detector, short_name(config.source)
        with self._lock:
            loading = self._loading.setdefault(key, threading.Lock())
        with loading:  # of several that want the same one at once, the others wait for the first
            with self._lock:
                hub = self._shared.get(key)
            if hub is not None:
                thresholds = _thresholds(config, hub.detector)
                # Where the last client has just left, or it has failed, with whatever error, another one is loaded.
                with suppress(Exception):
                    return hub.client(name, thresholds)
            detector = self._make(config)
            hub = SharedDetector(detector, ends_with_clients=True)
            with self._lock:
                self._shared[key] = hub
            return hub.client(name)


def _thresholds(config: RunConfig, detector: Detector) -> Thresholds:
    wanted = thresholds_of(config)
    check_classes(wanted, detector.class_names)
    return wanted
