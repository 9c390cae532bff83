"""Watches a state for as long as a widget lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QObject

from rtdet.viewer.watched import WatchedState


def watch(
    owner: QObject, state: WatchedState, field: str, watcher: Callable[[Any], None], *, now: bool = False
) -> None:
    """As `state.watch`, but it ends with `owner`: the window's state outlives the widgets of a source."""
    unwatch = state.watch(field, watcher, now=now)
    owner.destroyed.connect(lambda _gone=None: unwatch())
