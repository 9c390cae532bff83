"""Runs a network on a device, nothing more.

`open_network` is the only entry. Each backend is one module, imported when it is asked for, so that users do not wait
for a library that they do not use. To add one, write `backends/foo.py` with an `open_foo` and give it a line in
`BACKENDS` (`backends/registry.py`).
"""

from __future__ import annotations

from rtdet.backends.network import Network
from rtdet.backends.registry import BACKENDS, DEVICES, PRECISIONS, open_network, quicker_precision

__all__ = ["BACKENDS", "DEVICES", "PRECISIONS", "Network", "open_network", "quicker_precision"]
