"""What can be read and recorded: decoders, encoders, and decoding by the hardware, tried out on a few frames."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from rtdet.doctor.report import NOTE, OK, PROBLEM, Finding

DECODERS = {
    "h264": "H.264", "hevc": "HEVC", "av1": "AV1", "libdav1d": "AV1 (dav1d)", "vp9": "VP9", "mjpeg": "Motion JPEG",
}  # fmt: skip
ENCODERS = {"libx264": "H.264 recordings", "aac": "their sound"}
_REMEDY = f"{sys.executable} -m pip install --force-reinstall av"


def look() -> Iterator[Finding]:
    import av

    version = getattr(av, "ffmpeg_version_info", "")
    text = f"{av.__version__}, FFmpeg {version}" if version else av.__version__
    yield Finding("PyAV", text, values={"ffmpeg": version})
    has = {name: _codec(name, "r") is not None for name in DECODERS}
    yield Finding("decoders", ", ".join(title for name, title in DECODERS.items() if has[name]))
    missing = [title for name, title in DECODERS.items() if not has[name] and name != "libdav1d"]
    if missing:
        yield Finding("no decoder", f"for {', '.join(missing)}", PROBLEM, _REMEDY)
    for name, what in ENCODERS.items():
        is_there = _codec(name, "w") is not None
        text = f"{what}" if is_there else f"{what} cannot be made: this FFmpeg has no {name}"
        yield Finding(f"encoder {name}", text, OK if is_there else PROBLEM, "" if is_there else _REMEDY)
    yield from _hardware()


def _codec(name: str, mode: str) -> Any:
    from av.codec import Codec

    with suppress(Exception):  # UnknownCodecError and others by version
        return Codec(name, mode)
    return None


def _hardware() -> Iterator[Finding]:
    """Each kind of hardware decoder that FFmpeg was built with, tried on a clip."""
    try:
        from av.codec.hwaccel import hwdevices_available

        kinds = list(hwdevices_available())
    except ImportError:  # before PyAV 14.1
        kinds = []
    if not kinds:
        yield Finding("hardware decoders", "none in this FFmpeg: the processor decodes", NOTE)
        return
    clip = _clip()
    working = [kind for kind in kinds if clip and _decodes(clip, kind)]
    others = [kind for kind in kinds if kind not in working]
    if working:
        text = f"{', '.join(working)}" + (f"; {', '.join(others)} do not start here" if others else "")
        yield Finding("hardware decoders", text, values={"working": working, "built_in": kinds})
    else:
        text = f"none works here ({', '.join(others)} are built in): the processor decodes"
        yield Finding("hardware decoders", text, NOTE, values={"working": [], "built_in": kinds})


def _clip() -> bytes:
    """A few frames of H.264 in MP4; nothing where that cannot be made."""
    import av

    stream = io.BytesIO()
    try:
        with av.open(stream, "w", format="mp4") as container:
            track = container.add_stream("libx264", rate=25)
            track.width, track.height, track.pix_fmt = 320, 240, "yuv420p"
            for i in range(3):
                picture = np.full((240, 320, 3), 60 * i, dtype=np.uint8)
                container.mux(track.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
            container.mux(track.encode())
    except Exception:  # whatever an FFmpeg without the encoder says
        return b""
    return stream.getvalue()


def _decodes(clip: bytes, kind: str) -> bool:
    import av
    from av.codec.hwaccel import HWAccel

    level = av.logging.get_level()
    av.logging.set_level(None)  # a driver that is not there has much to say
    try:
        accelerator = HWAccel(device_type=kind, allow_software_fallback=False)
        with av.open(io.BytesIO(clip), hwaccel=accelerator) as container:
            return bool(next(container.decode(video=0)).width == 320)
    except Exception:  # no such device, no driver, a codec that it has not
        return False
    finally:
        av.logging.set_level(level)
