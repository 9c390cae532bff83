"""Decoding by graphics hardware: which devices there are, and a decoder that proves itself before it is believed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.errors import UsageError

log = logging.getLogger("rtdet.video")

AUTO, OFF = "auto", "off"
# These say bit by bit what a decoder has to give, so that hardware gives the same pictures.
_EXACT = frozenset({"h264", "hevc", "vp9", "av1"})
# Smaller pictures are decoded in the time that it takes to fetch them from a device.
_LEAST_PIXELS = 1280 * 720
# Tried in this order, where FFmpeg was built with them; on Linux only where one of the files is there, since asking
# for a device that is absent takes some hundredths of a second.
_DEVICES: dict[str, dict[str, tuple[str, ...]]] = {
    "win32": {"d3d11va": (), "cuda": (), "dxva2": ()},
    "darwin": {"videotoolbox": ()},
    "linux": {
        "cuda": ("/dev/nvidiactl", "/dev/dxg"),
        "vaapi": ("/dev/dri/renderD128", "/dev/dri/renderD129"),
    },
}
# So many packets without a picture after the first key frame, or without a key frame, and a device is given up.
_PATIENCE, _PATIENCE_AT_FIRST = 64, 600
_CLOSE = 2.0  # levels of luma, on average: more is another picture

_absent: set[str] = set()  # devices that could not be opened; they are not tried again
_told: set[tuple[str, str]] = set()  # codecs and devices of which it was said that these cannot decode those

Opener = Callable[[Any, str], Any]


def check_hwaccel(name: str) -> None:
    """Raises UsageError for a --hwaccel that this FFmpeg does not know."""
    if name in (AUTO, OFF):
        return
    known = known_devices()
    if name not in known:
        listed = ", ".join((AUTO, OFF, *known))
        raise UsageError(f"--hwaccel {name}: there is no such device; known here: {listed}")


def known_devices() -> list[str]:
    """The kinds of devices that FFmpeg was built for, whether or not one is there."""
    from av.codec.hwaccel import hwdevices_available

    return list(hwdevices_available())


def likely_devices() -> list[str]:
    """Those of them that this machine seems to have, in the order in which they are tried."""
    known = known_devices()
    system = "linux" if sys.platform.startswith("linux") else sys.platform
    return [
        name
        for name, files in _DEVICES.get(system, {}).items()
        if name in known and name not in _absent and (not files or any(Path(one).exists() for one in files))
    ]


def hardware_for(stream: Any, name: str, options: dict[str, str]) -> HardwareDecoder | None:
    """A decoder by hardware for an av.VideoStream; None where none is wanted or there. name: a device, "auto" for
    whichever is there and worth it, "off". That a device which was named cannot decode a codec is said once. options:
    of the decoder."""
    if name == OFF:
        return None
    context = stream.codec_context
    if name == AUTO:
        is_worth_it = context.width * context.height >= _LEAST_PIXELS and context.name in _EXACT
        devices = likely_devices() if is_worth_it else []
    else:
        devices = [name]
    for device in devices:
        opened = open_on(stream, device, options)
        if opened is not None:
            return HardwareDecoder(stream, opened, device)
    if name != AUTO and (context.name, name) not in _told:  # a camera connects again and again
        _told.add((context.name, name))
        log.warning(
            "%s cannot be decoded by %s on this machine: it is decoded in software", context.name, name
        )
    return None


def open_on(stream: Any, device: str, options: dict[str, str]) -> Any:
    """A codec context for the stream's packets on a device; None where there is no such device, or it cannot decode
    them."""
    import av
    from av.codec.hwaccel import HWAccel

    own = stream.codec_context
    try:
        context = av.CodecContext.create(
            own.codec, "r", hwaccel=HWAccel(device, allow_software_fallback=False)
        )
    except NotImplementedError as error:  # the device may be there, and decode others
        log.debug("no decoding of %s by %s: %s", own.name, device, error)
        return None
    except (av.error.FFmpegError, OSError, RuntimeError, ValueError) as error:
        log.debug("no decoding by %s: %s", device, error)
        _absent.add(device)
        return None
    if not context.is_hwaccel:
        return None
    return prepared(context, stream, options)


def prepared(context: Any, stream: Any, options: dict[str, str]) -> Any:
    """The context with what the container says of the stream."""
    own = stream.codec_context
    if own.extradata:
        context.extradata = own.extradata
    context.width, context.height = own.width, own.height
    context.thread_count = 1
    # H.264 need not say how far its pictures are reordered: then as far as its level allows.
    context.options = {**options, **({"strict": "1"} if own.has_b_frames else {})}
    return context


class GivenUp(Exception):
    """The hardware cannot decode this stream. `packets`: all that it was given, with None where that was its end."""

    def __init__(self, packets: list[Any]) -> None:
        super().__init__()
        self.packets = packets


class HardwareDecoder:
    """Decodes the packets of a stream on a device.

    The first picture is decoded in software too, and is given out in place of the device's, which must look the same.
    Until then `decode` raises GivenUp where the device fails; the packets are then for the stream's own decoder.
    """

    def __init__(self, stream: Any, context: Any, device: str) -> None:
        self.device = device
        self._stream, self._context = stream, context
        self._kept: list[Any] | None = []  # packets before the first picture; None: it was there
        self._first: Any = None
        self._given = 0  # packets, from the first key frame on

    @property
    def is_proven(self) -> bool:
        """Whether it has given a picture."""
        return self._kept is None

    def decode(self, packet: Any) -> list[Any]:
        """The pictures that a packet completes; None empties the decoder. Raises GivenUp, and av.error.FFmpegError
        for a packet that cannot be decoded."""
        if self._kept is None:
            return list(self._context.decode(packet))
        import av

        self._kept.append(packet)
        if self._first is None and packet is not None and not packet.is_keyframe:
            if len(self._kept) > _PATIENCE_AT_FIRST:
                raise GivenUp(self._kept)
            return []  # a stream that was joined in the middle
        try:
            if self._first is None and packet is not None:
                self._first = self._in_software(packet)
                self._given = 0
            pictures = list(self._context.decode(packet))
        except (av.error.FFmpegError, OSError, ValueError, RuntimeError) as error:
            log.debug("%s gives up: %s", self.device, error)
            raise GivenUp(self._kept) from None
        if pictures:
            if not self._is_the_same(pictures[0]):
                log.debug("%s gives other pictures than software", self.device)
                raise GivenUp(self._kept)
            pictures[0], self._kept, self._first = self._first, None, None
        elif packet is None or self._given > _PATIENCE:
            raise GivenUp(self._kept)
        self._given += 1
        return pictures

    def flush(self) -> None:
        """Forgets what it was given, because the reader jumps."""
        self._context.flush_buffers()
        if self._kept is not None:
            self._kept, self._first = [], None

    def _in_software(self, packet: Any) -> Any:
        own = self._stream.codec_context
        pictures = [*own.decode(packet), *own.decode(None)]
        own.flush_buffers()
        return pictures[0] if pictures else None

    def _is_the_same(self, picture: Any) -> bool:
        first = self._first
        if first is None or (picture.pts, picture.width, picture.height) != (
            first.pts,
            first.width,
            first.height,
        ):
            return False
        one, other = (frame.to_ndarray(format="gray").astype(np.int16) for frame in (picture, first))
        colors = (frame.to_ndarray(format="bgr24").mean(axis=(0, 1)) for frame in (picture, first))
        red, blue = colors
        return bool(np.abs(one - other).mean() <= _CLOSE and np.abs(red - blue).max() <= _CLOSE)
