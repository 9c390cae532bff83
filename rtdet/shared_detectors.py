"""The detectors that several sources share: one for each model with its settings."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from rtdet.config import RunConfig
from rtdet.detectors.selection import check_classes, thresholds_of
from rtdet.pipeline import SharedDetector
from rtdet.protocols import Detector


class SharedDetectors:
    """make: loads a detector. ends_with_clients: each is closed with the last of its clients, and one that has failed
    is loaded again for the next; else all stay, whatever has become of them, until `close`. Safe from any thread.
    """

    def __init__(
        self, make: Callable[[RunConfig], Detector], batch_size: int = 8, *, ends_with_clients: bool
    ) -> None:
        self._make, self._batch_size, self._ends_with_clients = make, batch_size, ends_with_clients
        self._lock = threading.Lock()
        self._loading: dict[tuple[object, ...], threading.Lock] = {}
        self._shared: dict[tuple[object, ...], SharedDetector] = {}

    def load(self, config: RunConfig) -> None:
        """Loads the detector that the config names, unless it is there. Raises RtdetError, also where it does not
        know a class of the config."""
        with self._loading_of(config):
            hub = self._shared.get(config.of_the_detector) or self._loaded(config)
        check_classes(thresholds_of(config), hub.detector.class_names)

    def share(self, config: RunConfig, name: str) -> Detector:
        """A share of the detector that the config names, which is loaded if nobody has it; `name` is what its user is
        called in messages. Raises RtdetError."""
        # Of several that want the same one at once, the others wait for the first.
        with self._loading_of(config):
            hub = self._shared.get(config.of_the_detector)
            if hub is None:
                return self._loaded(config).client(name)
            thresholds = thresholds_of(config)
            check_classes(thresholds, hub.detector.class_names)
            if not self._ends_with_clients:
                return hub.client(name, thresholds)
            # Where the last client has just left, or it has failed, with whatever error, another one is loaded.
            with suppress(Exception):
                return hub.client(name, thresholds)
            return self._loaded(config).client(name)

    def close(self) -> None:
        """Ends all of them, at once for those who wait for one."""
        with self._lock:
            shared = list(self._shared.values())
        for hub in shared:
            hub.close()

    def _loading_of(self, config: RunConfig) -> threading.Lock:
        with self._lock:
            return self._loading.setdefault(config.of_the_detector, threading.Lock())

    def _loaded(self, config: RunConfig) -> SharedDetector:
        detector = self._make(config)
        hub = SharedDetector(detector, self._batch_size, ends_with_clients=self._ends_with_clients)
        with self._lock:
            self._shared[config.of_the_detector] = hub
        return hub
