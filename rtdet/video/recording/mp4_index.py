"""Turns a fragmented MP4 into a plain one, in place: an index of all samples is appended, and the fragments before it
become media data (ISO/IEC 14496-12).

FFmpeg can do that itself (`hybrid_fragmented`), and keeps 72 bytes for every packet of the recording until its end:
20 MB in an hour with sound. Here the index is read back from the fragments when the recording is over.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from io import FileIO
from operator import mul
from typing import NamedTuple

from rtdet.output_file import write_all

_NOT_SYNC = 0x10000  # of a sample's flags: it needs others to be decoded
_CONTAINERS = (b"trak", b"mdia", b"minf", b"edts")
_TABLES = (b"stts", b"ctts", b"stsc", b"stsz", b"stco", b"co64", b"stss")


class _Box(NamedTuple):
    kind: bytes
    begin: int
    end: int


def append_index(file: FileIO) -> int:
    """Makes the fragmented MP4 in `file` (open for reading and writing) a plain one. Returns where the index begins:
    up to there the file was whole before. Raises OSError, and ValueError for what is no such file."""
    length = file.seek(0, 2)
    boxes = list(_top_level(file, length))
    moov = next((box for box in boxes if box.kind == b"moov"), None)
    if moov is None:
        raise ValueError("it has no header")
    tracks: dict[int, _Samples] = {}
    for box in boxes:
        if box.kind == b"moof":
            _read_fragment(_content(file, box), box.begin, tracks)
    index = _Index(tracks).of(_content(file, moov))
    file.seek(length)
    write_all(file, index)
    # Last of all: from here on players see the new header, not the one of the fragments.
    file.seek(moov.begin)
    size = length - moov.begin
    write_all(
        file, struct.pack(">I4s", size, b"mdat") if size < 2**32 else struct.pack(">I4sQ", 1, b"mdat", size)
    )
    return length


def _top_level(file: FileIO, length: int) -> Iterator[_Box]:
    at = 0
    while at + 8 <= length:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
        if size < 8 or at + size > length:
            raise ValueError("it was cut off")
        yield _Box(kind, at, at + size)
        at += size


def _content(file: FileIO, box: _Box) -> bytes:
    """All of a box but its header of eight bytes."""
    file.seek(box.begin + 8)
    return file.read(box.end - box.begin - 8) or b""


def _inner(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each box in a box: its kind, and what is in it."""
    at = 0
    while at + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        if size < 8 or at + size > len(content):
            raise ValueError("a box is longer than what it is in")
        yield kind, content[at + 8 : at + size]
        at += size


class _Runs:
    """Numbers of which many in a row are equal, as tables hold them: how often, and which."""

    def __init__(self) -> None:
        self.counts, self.ticks = array("I"), array("q")

    def add(self, value: int) -> None:
        if self.ticks and self.ticks[-1] == value:
            self.counts[-1] += 1
        else:
            self.counts.append(1)
            self.ticks.append(value)

    def box(self, kind: bytes) -> bytes:
        version = 1 << 24 if any(ticks < 0 for ticks in self.ticks) else 0
        flat = array(
            "I", (number & 0xFFFFFFFF for run in zip(self.counts, self.ticks, strict=True) for number in run)
        )
        return _box(kind, struct.pack(">II", version, len(self.counts)), _big_endian(flat))


class _Samples:
    """What the fragments say of one track's samples."""

    def __init__(self) -> None:
        self.sizes = array("I")
        self.sync = array("I")  # numbers from 1
        self.chunks = array("Q")  # where each begins
        self.in_chunk = array("I")
        self.durations = _Runs()
        self.shifts = _Runs()  # from decoding to showing
        self._last_dts = self._last_duration = 0

    def add(self, dts: int, duration: int, size: int, flags: int, shift: int) -> None:
        if self.sizes:
            self.durations.add(dts - self._last_dts)
        self._last_dts, self._last_duration = dts, duration
        self.shifts.add(shift)
        self.sizes.append(size)
        if not flags & _NOT_SYNC:
            self.sync.append(len(self.sizes))

    def end(self) -> int:
        """The length in ticks, once all samples are there."""
        if self.sizes:
            self.durations.add(self._last_duration)
        return sum(map(mul, self.durations.counts, self.durations.ticks))


def _read_fragment(moof: bytes, moof_at: int, tracks: dict[int, _Samples]) -> None:
    for kind, traf in _inner(moof):
        if kind != b"traf":
            continue
        parts = list(_inner(traf))
        header = next(content for name, content in parts if name == b"tfhd")
        track, base, defaults = _defaults(header, moof_at)
        dts = next(
            struct.unpack_from(">Q" if content[0] else ">I", content, 4)[0]
            for name, content in parts
            if name == b"tfdt"
        )
        for name, content in parts:
            if name == b"trun":
                dts = _read_run(content, base, dts, defaults, tracks.setdefault(track, _Samples()))


def _defaults(tfhd: bytes, moof_at: int) -> tuple[int, int, tuple[int, int, int]]:
    """Of a fragment: its track, where its offsets count from, and (duration, size, flags) of a sample."""
    flags, track = struct.unpack_from(">II", tfhd)
    at, values = 8, {1: moof_at, 8: 0, 16: 0, 32: 0}
    for bit, form in ((1, ">Q"), (2, ">I"), (8, ">I"), (16, ">I"), (32, ">I")):
        if flags & bit:
            (values[bit],) = struct.unpack_from(form, tfhd, at)
            at += struct.calcsize(form)
    return track, values[1], (values[8], values[16], values[32])


def _read_run(trun: bytes, base: int, dts: int, defaults: tuple[int, int, int], samples: _Samples) -> int:
    """Returns the time after the last sample."""
    flags, count = struct.unpack_from(">II", trun)
    flags &= 0xFFFFFF
    at, offset, first_flags = 8, 0, None
    if flags & 1:
        (offset,) = struct.unpack_from(">i", trun, at)
        at += 4
    if flags & 4:
        (first_flags,) = struct.unpack_from(">I", trun, at)
        at += 4
    samples.chunks.append(base + offset)
    samples.in_chunk.append(count)
    for number in range(count):
        duration, size, mode = defaults
        shift = 0
        if number == 0 and first_flags is not None:
            mode = first_flags
        if flags & 0x100:
            (duration,) = struct.unpack_from(">I", trun, at)
            at += 4
        if flags & 0x200:
            (size,) = struct.unpack_from(">I", trun, at)
            at += 4
        if flags & 0x400:
            (mode,) = struct.unpack_from(">I", trun, at)
            at += 4
        if flags & 0x800:
            (shift,) = struct.unpack_from(">i", trun, at)
            at += 4
        samples.add(dts, duration, size, mode, shift)
        dts += duration
    return dts


class _Index:
    """The header of a plain MP4 out of the one of a fragmented MP4 and its samples."""

    def __init__(self, tracks: dict[int, _Samples]) -> None:
        self._tracks = tracks
        self._lengths = {track: samples.end() for track, samples in tracks.items()}
        self._movie_scale = 1000

    def of(self, moov: bytes) -> bytes:
        parts = list(_inner(moov))
        header = next(content for kind, content in parts if kind == b"mvhd")
        self._movie_scale = _scale(header)
        traks = [self._track(content) for kind, content in parts if kind == b"trak"]
        longest = max((length for _, length in traks), default=0)
        others = [_box(kind, content) for kind, content in parts if kind not in (b"mvhd", b"trak", b"mvex")]
        return _box(b"moov", _with_length(b"mvhd", header, longest), *(trak for trak, _ in traks), *others)

    def _track(self, trak: bytes) -> tuple[bytes, int]:
        """The track's box, and how long the track is in ticks of the movie."""
        parts = dict(_inner(trak))
        (track,) = struct.unpack_from(">I", parts[b"tkhd"], 20 if parts[b"tkhd"][0] else 12)
        media = dict(_inner(parts[b"mdia"]))
        scale, length = _scale(media[b"mdhd"]), self._lengths.get(track, 0)
        edits, shown = self._edits(dict(_inner(parts.get(b"edts", b""))).get(b"elst"), length, scale)
        done = []
        for kind, content in _inner(trak):
            if kind == b"tkhd":
                done.append(_with_length(kind, content, shown))
            elif kind == b"edts":
                done.append(_box(kind, edits))
            elif kind == b"mdia":
                done.append(self._media(content, track, length))
            else:
                done.append(_box(kind, content))
        return _box(b"trak", *done), shown

    def _edits(self, elst: bytes | None, length: int, scale: int) -> tuple[bytes, int]:
        """The edit list with the lengths that were not known when it was written, and the sum of its parts."""
        whole = -(-length * self._movie_scale // scale)
        if elst is None:
            return b"", whole
        form = ">QqI" if elst[0] else ">IiI"
        (count,) = struct.unpack_from(">I", elst, 4)
        entries = [struct.unpack_from(form, elst, 8 + i * struct.calcsize(form)) for i in range(count)]
        new = []
        for duration, begins, rate in entries:
            is_media = begins >= 0
            rest = -(-max(length - begins, 0) * self._movie_scale // scale)
            new.append((rest if is_media else duration, begins, rate))
        is_long = elst[0] or any(entry[0] >= 2**32 for entry in new)
        packed = b"".join(struct.pack(">QqI" if is_long else ">IiI", *entry) for entry in new)
        head = struct.pack(">II", 1 << 24 if is_long else 0, count)
        return _box(b"elst", head, packed), sum(entry[0] for entry in new)

    def _media(self, mdia: bytes, track: int, length: int) -> bytes:
        done = []
        for kind, content in _inner(mdia):
            if kind == b"mdhd":
                done.append(_with_length(kind, content, length))
            elif kind == b"minf":
                inner = [
                    _box(name, self._tables(part, track) if name == b"stbl" else part)
                    for name, part in _inner(content)
                ]
                done.append(_box(kind, *inner))
            else:
                done.append(_box(kind, content))
        return _box(b"mdia", *done)

    def _tables(self, stbl: bytes, track: int) -> bytes:
        kept = [_box(kind, content) for kind, content in _inner(stbl) if kind not in _TABLES]
        samples = self._tracks.get(track) or _Samples()
        tables = [samples.durations.box(b"stts")]
        if len(samples.sync) < len(samples.sizes):
            tables.append(_table(b"stss", samples.sync))
        if any(samples.shifts.ticks):
            tables.append(samples.shifts.box(b"ctts"))
        sizes = struct.pack(">III", 0, 0, len(samples.sizes)) + _big_endian(samples.sizes)
        tables += [_chunk_lengths(samples.in_chunk), _box(b"stsz", sizes), _places(samples.chunks)]
        return b"".join([*kept, *tables])


def _box(kind: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I4s", len(content) + 8, kind) + content


def _big_endian(values: array[int]) -> bytes:
    swapped = values[:]
    if sys.byteorder == "little":
        swapped.byteswap()
    return swapped.tobytes()


def _table(kind: bytes, values: array[int]) -> bytes:
    return _box(kind, struct.pack(">II", 0, len(values)), _big_endian(values))


def _places(chunks: array[int]) -> bytes:
    """Where each chunk begins, in 64 bits where one needs them."""
    return _table(b"co64", chunks) if max(chunks, default=0) >= 2**32 else _table(b"stco", array("I", chunks))


def _chunk_lengths(in_chunk: array[int]) -> bytes:
    """stsc: from which chunk on each has how many samples."""
    runs: list[tuple[int, int]] = []
    for number, count in enumerate(in_chunk, start=1):
        if not runs or runs[-1][1] != count:
            runs.append((number, count))
    flat = (struct.pack(">III", number, count, 1) for number, count in runs)
    return _box(b"stsc", struct.pack(">II", 0, len(runs)), *flat)


def _scale(header: bytes) -> int:
    """Ticks a second, of an mvhd or mdhd."""
    (scale,) = struct.unpack_from(">I", header, 20 if header[0] else 12)
    return int(scale)


def _with_length(kind: bytes, header: bytes, length: int) -> bytes:
    """An mvhd, mdhd or tkhd with its duration; in 64 bits (version 1) where it needs them."""
    if header[0]:
        at = 28 if kind == b"tkhd" else 24
        return _box(kind, header[:at], struct.pack(">Q", length), header[at + 8 :])
    at = 20 if kind == b"tkhd" else 16
    if length < 2**32:
        return _box(kind, header[:at], struct.pack(">I", length), header[at + 4 :])
    made, changed = struct.unpack_from(">II", header, 4)
    start = b"\x01" + header[1:4] + struct.pack(">QQ", made, changed)
    return _box(kind, start, header[12:at], struct.pack(">Q", length), header[at + 4 :])
