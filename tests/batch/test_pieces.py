"""Films in pieces are what one pass makes of them, also where they are damaged."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import numpy as np
import pytest

from rtdet import run
from rtdet.batch.journal import Journal
from rtdet.batch.layout import Layout
from rtdet.batch.piece_file import NotJoinableError, PieceFound, read_piece, read_seen, write_piece
from rtdet.batch.piece_source import Seen
from rtdet.errors import SourceError
from rtdet.types import Detections
from tests.batch.clips import KINDS, write_clips
from tests.batch.conftest import ROOT, files_below, write_film


def _in_pieces(out, count, folder, *, code=0):
    """The tracks by source, and of each source (pieces, warning)."""
    script = [sys.executable, ROOT / "tests" / "batch" / "light_batch.py", out, "never", "0", folder]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PIECES": str(count)}
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == code, done.stderr
    with Journal(Layout(out).journal, reads_only=True) as journal:
        rows = journal._db.execute("SELECT source, pieces, warning FROM sources").fetchall()
    known = {os.path.basename(source): (pieces, warning) for source, pieces, warning in rows}
    return files_below(out / "tracks"), known


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """Films with rubbish in the middle, with rubbish where the second of three pieces would begin and end, and that
    break off."""
    folder, rng = tmp_path_factory.mktemp("damaged"), random.Random(15)
    for suffix in ("mp4", "mkv", "ts"):
        whole = write_film(folder / f"whole.{suffix}").read_bytes()
        count = len(whole)
        for name, begin, end in (
            ("scratch", count // 2, count // 2 + 1500),
            ("hole", count * 2 // 5, count * 4 // 5),
        ):
            (folder / f"{name}.{suffix}").write_bytes(
                whole[:begin] + rng.randbytes(end - begin) + whole[end:]
            )
        if suffix != "mp4":  # whose index is at its end
            (folder / f"short.{suffix}").write_bytes(whole[: count * 2 // 3])
    return folder


def test_damaged_films_in_pieces_have_the_tracks_and_warnings_of_one_pass(damaged, tmp_path):
    tracks, known = _in_pieces(tmp_path / "1", 1, damaged)
    assert len(tracks) == 11
    for count in (2, 7):
        others, of_others = _in_pieces(tmp_path / str(count), count, damaged)
        assert others == tracks
        assert {name: warning for name, (_, warning) in of_others.items()} == {
            name: warning for name, (_, warning) in known.items()
        }
        assert {name for name, (pieces, _) in of_others.items() if pieces > 1} >= {
            "whole.mp4",
            "whole.mkv",
            "whole.ts",
        }
        assert of_others["hole.mkv"][0] == 1  # nothing can be decoded where its second piece would begin
    assert known["short.mkv"][1].startswith("short.mkv breaks off after 0.9 s of 1.6 s")


def test_clips_of_ten_kinds_in_seven_pieces_have_the_tracks_of_one_pass(tmp_path):
    clips = tmp_path / "clips"
    write_clips(clips, len(KINDS))
    tracks, _ = _in_pieces(tmp_path / "1", 1, clips, code=3)
    others, known = _in_pieces(tmp_path / "7", 7, clips, code=3)
    assert len(tracks) == len(KINDS)
    assert others == tracks
    assert sum(pieces > 1 for pieces, _ in known.values() if pieces is not None) >= 5


@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        ("", 7),
        ("car-detection.mp4", 6),  # it has seven key frames, but no two before the end of the first seventh
        pytest.param("one-by-one-person-detection.mp4", 7, marks=pytest.mark.long),
        pytest.param("bottle-detection.mp4", 5, marks=pytest.mark.long),  # it has no more key frames
    ],
)
def test_a_film_in_one_two_and_seven_pieces_has_the_tracks_of_a_run(name, pieces, rtdet, tmp_path, request):
    if name:
        film = request.getfixturevalue("shared_data") / "videos" / name
    else:
        film = write_film(tmp_path / "film.mp4", options={"g": "4", "bf": "2"})
    for _ in run(film, imgsz=160, conf=0.05, tracks=str(tmp_path / "run.csv")):
        pass
    parts = {}
    for count in (1, 2, 7):
        out = tmp_path / str(count)
        settings = ("--imgsz", "160", "--conf", "0.05", "--tracks", "csv", "--pieces", count)
        rtdet("batch", film, "--out", out, *settings)
        (tracks,) = out.glob("outputs/*/tracks.csv")
        assert tracks.read_bytes() == (tmp_path / "run.csv").read_bytes()
        (parts[count],) = files_below(out / "tracks").values()
        with Journal(Layout(out).journal, reads_only=True) as journal:
            (found,) = journal._db.execute("SELECT pieces FROM sources").fetchone()
        assert found == min(count, pieces)
    assert parts[1] == parts[2] == parts[7]


def test_a_piece_is_read_as_it_was_written(tmp_path):
    found = [
        Detections(np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]), [0.5, 0.25], [0, 1], ("a", "b")),
        Detections(class_names=("a", "b")),
        Detections(np.array([[1.0, 2, 3, 4]]), [0.5], [0], ("a", "b")),
    ]
    seen = Seen([0, None, 2], ((0, 17),), ((3, 18), (-1, 19)))
    write_piece(tmp_path / "piece.npz", PieceFound(seen, [(8, 6)] * 3, found))
    again = read_piece(tmp_path / "piece.npz")
    assert again.seen == seen
    assert list(again.sizes) == [(8, 6)] * 3
    for one, other in zip(again.found, found, strict=True):
        assert one.class_names == other.class_names
        for name in ("boxes", "scores", "labels"):
            assert np.array_equal(getattr(one, name), getattr(other, name))


def test_a_damaged_file_of_a_piece_is_no_reason_to_fail(tmp_path):
    path = tmp_path / "piece.npz"
    write_piece(
        path, PieceFound(Seen([0]), [(8, 6)], [Detections(np.ones((1, 4)) * [0, 0, 2, 2], [0.5], [0])])
    )
    content = path.read_bytes()
    place = content.rindex(b"PK\x01\x02") + 10  # how the last array is compressed
    unknown = content[:place] + b"\x63" + content[place + 1 :]
    for spoiled in (b"", content[:200], content[:100] + b"????" * 8 + content[132:], b"text", unknown):
        path.write_bytes(spoiled)
        with pytest.raises(NotJoinableError, match="is damaged"):
            read_piece(path)
    path.unlink()
    with pytest.raises(SourceError, match="cannot be read") as error:
        read_seen(path)
    assert not isinstance(error.value, NotJoinableError)
