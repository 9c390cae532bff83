"""What ONNX Runtime runs a network on: its execution providers with their options, and what it does where one of them
does not start."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import cache
from typing import Any

from rtdet.backends.devices import KINDS, kind_of, number_of
from rtdet.backends.onnx_loading import load_onnxruntime
from rtdet.cache import writable_cache

log = logging.getLogger("rtdet.backends")

Provider = tuple[str, dict[str, Any]]
CPU: Provider = ("CPUExecutionProvider", {})
# Which further providers take over the layers that one does not have, before the CPU does.
_BEHIND = {"tensorrt": ("cuda",)}


def providers_of(device: str, precision: str = "fp32") -> list[Provider]:
    """The providers for a device with their options: its own first, the CPU last."""
    kind, number = kind_of(device), number_of(device)
    kinds = [] if kind == "cpu" else [kind, *_BEHIND.get(kind, ())]
    return [*((KINDS[one].provider, _options_of(one, number, precision)) for one in kinds), CPU]


def _options_of(kind: str, number: int, precision: str) -> dict[str, Any]:
    if kind == "tensorrt":
        options: dict[str, Any] = {"device_id": number, "trt_fp16_enable": precision == "fp16"}
        folder = writable_cache("tensorrt")
        if folder is not None:  # an engine takes minutes to build
            options |= {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(folder)}
        return options
    return {"device_id": number} if KINDS[kind].is_numbered else {}


def start_session(
    make: Callable[[list[Provider]], Any], device: str, precision: str = "fp32"
) -> tuple[Any, str]:
    """A session that `make` makes with a list of providers, and the device that it runs on: the one that is wanted,
    or, after a warning, what is there in its place when that one does not start. Raises what `make` raises with the
    CPU alone."""
    if kind_of(device) == "cpu":
        return make([CPU]), device
    chain = providers_of(device, precision)
    _find_libraries(chain)
    reason = ""
    while chain[1:]:
        try:
            session = make(chain)
        except Exception as error:
            reason = _first_line(error)
            chain = chain[1:]
            continue
        return session, _told(session, device, chain, reason)
    session = make(chain)
    return session, _told(session, device, chain, reason)


def _told(session: Any, device: str, chain: Sequence[Provider], reason: str) -> str:
    """The device that a session runs on; warned of where it is not the one that was wanted."""
    wanted = KINDS[kind_of(device)].provider
    runs_on = session.get_providers()
    if wanted in runs_on:
        return device
    names = {
        KINDS[kind].provider: kind for kind in (kind_of(device), *_BEHIND.get(kind_of(device), ()), "cpu")
    }
    instead = next((names[one] for one in runs_on if one in names), "cpu")
    _warn_once(KINDS[kind_of(device)].title, instead, reason or "its libraries or its driver are missing")
    return instead


@cache
def _warn_once(title: str, instead: str, reason: str) -> None:
    log.warning("ONNX Runtime cannot start %s (%s): it runs on %s instead", title, reason, instead)


def _find_libraries(chain: Sequence[Provider]) -> None:
    """Loads CUDA's libraries where they lie in packages (torch brings them), where ONNX Runtime can do that."""
    onnxruntime = load_onnxruntime()
    onnxruntime.set_default_logger_severity(4)  # of a provider that fails there is one line, ours
    if any(name == KINDS["cuda"].provider for name, _ in chain) and hasattr(onnxruntime, "preload_dlls"):
        with redirect_stdout(io.StringIO()):  # it prints what it does not find
            onnxruntime.preload_dlls()


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rpartition(" : ")[2][:200]
