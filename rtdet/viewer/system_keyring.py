"""User and password of a camera in the system's keyring, where the package `keyring` is installed. It is
optional: without it they are asked for after each start."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging

SERVICE = "rtdet"

log = logging.getLogger("rtdet.viewer")


def is_there() -> bool:
    return importlib.util.find_spec("keyring") is not None


def recall(shown: str) -> str | None:
    """The whole address that was stored for `shown`; None where there is none, or no keyring. May wait until the
    user unlocks it."""
    if not is_there():
        return None
    with contextlib.suppress(Exception):  # every backend has errors of its own; then the person is asked
        found = importlib.import_module("keyring").get_password(SERVICE, shown)
        return found if isinstance(found, str) else None
    return None


def store(shown: str, whole: str) -> None:
    """Stores the whole address for `shown`. A failure is logged without the reason, which might hold the password."""
    try:
        importlib.import_module("keyring").set_password(SERVICE, shown, whole)
    except Exception as error:
        log.warning("the keyring could not store the password of %s (%s)", shown, type(error).__name__)
