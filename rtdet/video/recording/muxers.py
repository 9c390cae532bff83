"""The muxers of recordings and of copied packets, by suffix."""

from __future__ import annotations

# With options that put half a second of media, or less, at a time on the disk. `delay_moov` lets an edit list say
# where picture and sound begin. The interleaver may not hold the picture back for sound that has ended: it would for
# ten seconds.
MUXERS = {
    ".mp4": ("mp4", {"movflags": "frag_keyframe+delay_moov+skip_trailer", "frag_duration": "500000"}),
    ".mkv": ("matroska", {"cluster_time_limit": "75"}),
}
# `bitexact`: no random IDs, so that a run twice gives the same bytes.
_COMMON = {"flush_packets": "1", "max_interleave_delta": "200000", "fflags": "+bitexact"}


def muxer_options(suffix: str) -> tuple[str, dict[str, str]]:
    """The muxer's name and its options, for av.open."""
    name, options = MUXERS[suffix]
    return name, {**_COMMON, **options}
