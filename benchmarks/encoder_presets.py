"""What x264's presets cost a recording, at one quality: core-milliseconds a frame, size and SSIM.

Each clip is encoded by the settings of `rtdet --save` and by x264's presets at several CRFs (all without B-frames and
with ten frames of look-ahead, as a recording needs them). For each preset the CRF is then interpolated that gives the
SSIM (Wang et al. 2004, of luma) that rtdet's recordings have, and with it the size and the processor time that this
quality takes. Encoders take turns, and times are processor time of the whole process, so
that another program on the machine does not decide.

    python benchmarks/encoder_presets.py [CLIP ...] [--frames 150] [--rounds 3]

Without clips those in shared/data/videos are encoded.
"""

from __future__ import annotations

import argparse
import statistics
import time
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np

from rtdet.video.recording import encoder
from rtdet.video.recording.frames import FORMAT

ROOT = Path(__file__).resolve().parents[1]
CLIPS = ROOT.parent / "shared/data/videos"
CRFS = {
    "rtdet": (19, 20, 21),
    "veryfast": (18, 20, 22),
    "superfast": (20, 22, 24, 26),
    "ultrafast": (16, 19, 22, 25),
}
# What a recording sets beside the preset and belongs to none.
TUNED = ("preset", "mbtree", "crf")
OFTEN = 10  # SSIM is taken of every so many-th picture


class Encoded(NamedTuple):
    """bytes a frame, mean SSIM, processor milliseconds a frame."""

    size: float
    ssim: float
    core_ms: float


def pictures_of(clip: Path, count: int) -> tuple[list[Any], Fraction]:
    """The first pictures of a clip as a recording gives them to the encoder, and their rate."""
    pictures = []
    with av.open(str(clip)) as container:
        rate = container.streams.video[0].average_rate or Fraction(25)
        for frame in container.decode(video=0):
            bgr = frame.to_ndarray(format="bgr24")
            bgr = bgr[: bgr.shape[0] // 2 * 2, : bgr.shape[1] // 2 * 2]
            picture = av.VideoFrame.from_ndarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420), "yuv420p")
            pictures.append(picture.reformat(format=FORMAT))
            if len(pictures) == count:
                break
    return pictures, Fraction(rate)


def encode(pictures: list[Any], rate: Fraction, options: dict[str, str]) -> tuple[list[Any], float]:
    """The packets, and the processor seconds."""
    context = av.CodecContext.create("libx264", "w")
    encoder._set_up(context, (pictures[0].width, pictures[0].height), rate, 1 / rate, options)
    began = time.process_time()
    packets = []
    for pts, picture in enumerate(pictures):
        picture.pts, picture.time_base = pts, 1 / rate
        packets += context.encode(picture)
    packets += context.encode(None)
    return packets, time.process_time() - began


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Of two luma planes, with windows of 11 pixels."""
    x, y = one.astype(np.float32), other.astype(np.float32)

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float((((2 * mx * my + c1) * (2 * cov + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))).mean())


def luma(picture: Any) -> np.ndarray:
    plane = picture.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]


def quality(packets: list[Any], pictures: list[Any]) -> float:
    decoder = av.CodecContext.create("h264", "r")
    decoded = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    pairs = list(zip(decoded, pictures, strict=True))[::OFTEN]
    return statistics.fmean(ssim(luma(one), luma(other)) for one, other in pairs)


def measure(pictures: list[Any], rate: Fraction, rounds: int) -> dict[tuple[str, float], Encoded]:
    own = encoder._options(float(rate))
    plain = {name: value for name, value in own.items() if name not in TUNED}
    settings = {
        (preset, crf): {**(own if preset == "rtdet" else {**plain, "preset": preset}), "crf": str(crf)}
        for preset in CRFS
        for crf in CRFS[preset]
    }
    found: dict[tuple[str, float], Encoded] = {}
    times: dict[tuple[str, float], list[float]] = {key: [] for key in settings}
    for _ in range(rounds):
        for key, options in settings.items():
            packets, seconds = encode(pictures, rate, options)
            times[key].append(seconds)
            if key not in found:
                size = sum(packet.size for packet in packets) / len(pictures)
                found[key] = Encoded(size, quality(packets, pictures), 0.0)
    return {key: one._replace(core_ms=1e3 * min(times[key]) / len(pictures)) for key, one in found.items()}


def at_quality(found: dict[tuple[str, float], Encoded], preset: str, wanted: float) -> tuple[float, Encoded]:
    """The CRF at which a preset has the SSIM that is wanted, and what it gives there, by interpolation; beyond its
    CRFs, what the last of them gives."""
    rows = sorted((one.ssim, crf, one) for (name, crf), one in found.items() if name == preset)
    ssims = [row[0] for row in rows]
    crf = float(np.interp(wanted, ssims, [row[1] for row in rows]))
    size = float(np.exp(np.interp(wanted, ssims, [np.log(row[2].size) for row in rows])))
    return crf, Encoded(
        size,
        float(np.interp(wanted, ssims, ssims)),
        float(np.interp(wanted, ssims, [row[2].core_ms for row in rows])),
    )


def report(clip: Path, count: int, rounds: int) -> None:
    pictures, rate = pictures_of(clip, count)
    found = measure(pictures, rate, rounds)
    own = encoder._options(float(rate))
    print(f"{clip.name}: {pictures[0].width}x{pictures[0].height}, {len(pictures)} frames")
    for (preset, crf), one in found.items():
        print(
            f"  {preset:10} crf {crf:4.1f}  {one.size:8.0f} bytes  SSIM {one.ssim:.4f}  {one.core_ms:6.2f} core-ms"
        )
    wanted = found["rtdet", float(own["crf"])].ssim
    print(f"  each at the SSIM of rtdet's recordings (crf {own['crf']}), {wanted:.4f}:")
    for preset in CRFS:
        crf, one = at_quality(found, preset, wanted)
        print(
            f"  {preset:10} crf {crf:4.1f}  {one.size:8.0f} bytes  SSIM {one.ssim:.4f}  {one.core_ms:6.2f} core-ms"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    for clip in chosen.clips or sorted(CLIPS.glob("*.mp4")):
        report(clip, chosen.frames, chosen.rounds)


if __name__ == "__main__":
    main()
