"""The index of a recording: read back from its fragments when it is over, and nothing of it kept before."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import textwrap
from fractions import Fraction
from pathlib import Path

import av
import pytest

from rtdet.output_file import OutputFile
from rtdet.video.recording.media_file import MediaFile
from rtdet.video.recording.mp4_index import append_index


def box(kind: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I4s", len(content) + 8, kind) + content


def boxes(content: bytes) -> dict[bytes, bytes]:
    found, at = {}, 0
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", content, at + 8), 16
        found[kind] = content[at + head : at + size]
        at += size
    return found


def fragmented(*fragments: bytes, trex: int = 0) -> bytes:
    """A film of one track whose ticks are a tenth of a second; its sample tables are empty."""
    header = struct.pack(">IIIII", 0, 0, 0, 1000, 0)
    tables = [box(kind, bytes(8)) for kind in (b"stts", b"stsc", b"stco")] + [box(b"stsz", bytes(12))]
    media = box(
        b"mdia",
        box(b"mdhd", struct.pack(">IIIIII", 0, 0, 0, 10, 0, 0)),
        box(b"minf", box(b"stbl", box(b"stsd", bytes(8)), *tables)),
    )
    edits = box(b"edts", box(b"elst", struct.pack(">IIIiI", 0, 1, 0, 2, 1 << 16)))
    track = box(b"trak", box(b"tkhd", struct.pack(">IIIIII", 7, 0, 0, 1, 0, 0), bytes(60)), edits, media)
    moov = box(b"moov", box(b"mvhd", header, bytes(80)), track, box(b"mvex", bytes(trex)))
    return box(b"ftyp", b"isom") + moov + b"".join(fragments)


def fragment(dts: int, samples: list[tuple[int, int, int, int]], *, version: int = 1) -> bytes:
    """samples: (duration, size, flags, shift) of each."""
    run = struct.pack(">III", 0x01000F01, len(samples), 0) + b"".join(
        struct.pack(">IIIi", *one) for one in samples
    )
    time = struct.pack(">IQ", 1 << 24, dts) if version else struct.pack(">II", 0, dts)
    track = box(b"traf", box(b"tfhd", struct.pack(">II", 0x20000, 1)), box(b"tfdt", time), box(b"trun", run))
    return box(b"moof", box(b"mfhd", bytes(8)), track) + box(b"mdat", bytes(sum(one[1] for one in samples)))


def indexed(tmp_path: Path, content: bytes) -> dict[bytes, bytes]:
    path = tmp_path / "m.mp4"
    path.write_bytes(content)
    with io.FileIO(str(path), "r+") as file:
        append_index(file)
    return boxes(path.read_bytes())


def table(found: dict[bytes, bytes], *names: bytes) -> bytes:
    for name in names:
        found = boxes(found[name]) if name != names[-1] else found
    return found[names[-1]]


def test_every_sample_is_listed_with_its_time_size_and_place(tmp_path: Path) -> None:
    content = fragmented(
        fragment(0, [(1, 5, 0, 0), (1, 6, 0x10000, -1)]), fragment(4, [(3, 7, 0, 0)], version=0), trex=8
    )
    found = indexed(tmp_path, content)
    assert list(found) == [b"ftyp", b"mdat", b"moov"]
    assert b"mvex" not in boxes(found[b"moov"])
    track = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
    # The pause after the second sample is its own, as in any MP4.
    assert struct.unpack(">II4I", table(found, *track, b"stts")) == (0, 2, 1, 1, 2, 3)
    assert struct.unpack(">III3I", table(found, *track, b"stsz")) == (0, 0, 3, 5, 6, 7)
    assert struct.unpack(">II2I", table(found, *track, b"stss")) == (0, 2, 1, 3)
    assert struct.unpack(">II6i", table(found, *track, b"ctts")) == (1 << 24, 3, 1, 0, 1, -1, 1, 0)
    assert struct.unpack(">II6I", table(found, *track, b"stsc")) == (0, 2, 1, 2, 1, 2, 1, 1)
    assert struct.unpack(">II2I", table(found, *track, b"stco"))[2:] == (
        content.index(b"moof") - 4, content.rindex(b"moof") - 4
    )  # fmt: skip
    assert struct.unpack_from(">I", table(found, b"moov", b"mvhd"), 16) == (
        500,
    )  # without the 2 ticks cut off
    assert struct.unpack_from(">I", table(found, b"moov", b"trak", b"mdia", b"mdhd"), 16) == (7,)
    assert struct.unpack(">IIIiI", table(found, b"moov", b"trak", b"edts", b"elst")) == (
        0,
        1,
        500,
        2,
        1 << 16,
    )


def test_times_and_places_of_more_than_32_bits(tmp_path: Path) -> None:
    sparse = tmp_path / "m.mp4"
    start = fragmented(fragment(0, [(1, 5, 0, 0)]))
    late = fragment(2**33, [(1, 7, 0, 0)])
    with sparse.open("wb") as file:
        file.write(start + struct.pack(">I4sQ", 1, b"free", 2**32))
        file.seek(len(start) + 2**32)
        file.write(late)
    with io.FileIO(str(sparse), "r+") as raw:
        begins = append_index(raw)
        raw.seek(begins)
        index = raw.read()
        raw.seek(12)
        assert struct.unpack(">I4sQ", raw.read(16)) == (1, b"mdat", begins - 12)
    found = {b"moov": boxes(index)[b"moov"]}
    places = struct.unpack(">II2Q", table(found, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"co64"))
    assert places[3] == len(start) + 2**32
    header = table(found, b"moov", b"trak", b"mdia", b"mdhd")
    assert (header[0], struct.unpack_from(">Q", header, 24)[0]) == (1, 2**33 + 1)
    sparse.unlink()


def test_what_is_no_fragmented_film_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "m.mp4"
    for content in (b"", box(b"ftyp", b"isom"), fragmented()[:-5], b"\0" * 100):
        path.write_bytes(content)
        with io.FileIO(str(path), "r+") as file, pytest.raises(ValueError, match=r"header|cut off"):
            append_index(file)
        assert path.read_bytes() == content


GROWTH = """
    import sys
    from fractions import Fraction
    import av
    from rtdet.output_file import OutputFile
    from rtdet.video.recording.media_file import MediaFile
    from rtdet.video.recording.muxers import muxer_options
    name, options = muxer_options(".mp4")
    container = av.open(MediaFile(OutputFile(sys.argv[1])), "w", format=name, options=options)
    stream = container.add_stream("mjpeg", rate=25)
    stream.width, stream.height, stream.pix_fmt = 16, 16, "yuvj420p"
    stream.time_base = stream.codec_context.time_base = Fraction(1, 25)
    picture = stream.encode(av.VideoFrame(16, 16, "yuvj420p"))[0]
    def used():
        return int(open("/proc/self/statm").read().split()[1]) * 4096
    for i in range(80_000):
        packet = av.Packet(bytes(picture))
        packet.stream, packet.pts, packet.dts, packet.duration = stream, i, i, 1
        packet.time_base, packet.is_keyframe = Fraction(1, 25), True
        container.mux_one(packet)
        if i == 5000:
            before = used()
    print(used() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_the_memory_of_a_recording_does_not_grow_with_its_length(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(GROWTH), str(tmp_path / "o.mp4")]
    run = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 1_000_000  # an index would be five times that


def test_an_index_that_does_not_fit_on_the_disk_leaves_the_fragments(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "m.mp4"
    output = OutputFile(path)
    media = MediaFile(output)
    options = {"movflags": "frag_keyframe+delay_moov+skip_trailer"}
    with av.open(media, "w", format="mp4", options=options) as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for i in range(20):
            frame = av.VideoFrame(32, 32, "yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    whole = path.read_bytes()

    def full(file, content):
        file.write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rtdet.video.recording.mp4_index.write_all", full)
    with pytest.raises(OSError, match="No space"):
        media.append_index()
    assert path.read_bytes() == whole
    assert "the disk is full" in str(output.failure)
    output.close()
