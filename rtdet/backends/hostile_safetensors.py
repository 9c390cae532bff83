"""A look at a safetensors file before its library reads it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from rtdet.errors import ModelError

_MOST_HEADER_BYTES = 8_000_000  # a hundred for each tensor, and the configuration


def refuse_long_header(path: Path) -> None:
    """Raises ModelError: the library reads headers of up to 100 MB, which take a gigabyte and six seconds. What
    cannot be read is left to it."""
    with suppress(OSError), path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _MOST_HEADER_BYTES:
            raise ModelError(
                f"{path} is not a file of weights: its header of {length} bytes is longer than any model's"
            )
