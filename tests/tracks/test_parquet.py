"""Parquet files: what we write is read by others, and what others write is read by us."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdet.tracks import read_tracks
from rtdet.tracks.formats.parquet_encoding import MAGIC, Kind, footer, row_group
from rtdet.tracks.formats.parquet_reading import parquet_rows
from rtdet.tracks.read_write import read_table

SCHEMA = {"whole": Kind.WHOLE, "real": Kind.REAL, "text": Kind.TEXT, "flag": Kind.FLAG}
ROW = st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(), st.booleans())


def encoded(groups, schema=SCHEMA):
    """A file with these row groups of rows."""
    content, entries = bytearray(MAGIC), []
    for rows in groups:
        columns = list(zip(*rows, strict=True)) or [()] * len(schema)
        group, entry = row_group(schema, columns, len(content))
        content += group
        entries.append(entry)
    return bytes(content) + footer(schema, entries, sum(map(len, groups)))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(ROW, max_size=20), max_size=20))
def test_pyarrow_reads_what_was_written(groups):
    table = pq.read_table(pa.BufferReader(encoded(groups)))
    rows = [row for rows in groups for row in rows]
    texts = [text.encode(errors="replace").decode() for _, _, text, _ in rows]
    assert table.schema.types == [pa.int64(), pa.float64(), pa.string(), pa.bool_()]
    assert table["whole"].to_pylist() == [whole for whole, *_ in rows]
    assert table["real"].to_pylist() == [real for _, real, *_ in rows]
    assert table["text"].to_pylist() == texts
    assert table["flag"].to_pylist() == [flag for *_, flag in rows]


def test_what_is_not_finite_is_written_as_it_is():
    table = pq.read_table(pa.BufferReader(encoded([[(0, np.nan, "", True), (0, -np.inf, "", False)]])))
    np.testing.assert_array_equal(table["real"].to_numpy(), [np.nan, -np.inf])


def test_a_file_of_many_long_columns_and_groups_is_read_by_both_readers(tmp_path: Path) -> None:
    schema = {f"{'n' * 200}-{i}": Kind.WHOLE for i in range(40)}
    groups = [[tuple(range(i, i + 40))] * 1000 for i in range(20)]
    (tmp_path / "a.parquet").write_bytes(encoded(groups, schema))
    expected = [row for rows in groups for row in rows]
    table = pq.read_table(tmp_path / "a.parquet")
    assert list(zip(*(column.to_pylist() for column in table.columns), strict=True)) == expected
    assert [tuple(row.values()) for row in parquet_rows(tmp_path / "a.parquet", tuple(schema))] == expected


def test_a_whole_number_that_does_not_fit_is_an_error():
    with pytest.raises(OverflowError):
        encoded([[(2**63, 0.0, "", True)]])


TRACKS = {
    "frame": [1, 1, 2],
    "time_s": [0.0, 0.0, 0.04],
    "id": [1, 2, 1],
    "class_id": [1, 3, 1],
    "class": ["person", "car", "person"],
    "score": [0.5, 0.75, 1.0],
    "left": [1.0, 2.0, 3.0],
    "top": [4.0, 5.0, 6.0],
    "width": [7.0, 8.0, 9.0],
    "height": [10.0, 11.0, 12.0],
}
NARROW = {
    **dict.fromkeys(("frame", "id", "class_id"), pa.int32()),
    **dict.fromkeys(("time_s", "score", "left", "top", "width", "height"), pa.float32()),
}


def assert_tracks(path: Path) -> None:
    table = read_table(path)
    assert table.frames.tolist() == [1, 1, 2]
    assert table.ids.tolist() == [1, 2, 1]
    assert table.boxes.tolist() == [[1, 4, 8, 14], [2, 5, 10, 16], [3, 6, 12, 18]]
    assert table.scores.tolist() == [0.5, 0.75, 1.0]
    assert [table.class_names[label] for label in table.labels] == ["person", "car", "person"]
    assert table.frame_list.times_s.tolist() == pytest.approx([0.0, 0.04], abs=1e-6)


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
@pytest.mark.parametrize("kind", ["as they are", "narrow", "dictionary", "large", "old", "with others"])
def test_tracks_that_others_wrote_are_read(tmp_path: Path, compression: str, kind: str) -> None:
    table = pa.table(TRACKS)
    version = "1.0" if kind == "old" else "2.6"
    if kind == "narrow":
        table = pa.table({n: pa.array(v).cast(NARROW.get(n, pa.string())) for n, v in TRACKS.items()})
    elif kind == "dictionary":
        table = table.set_column(4, "class", table["class"].dictionary_encode())
    elif kind == "large":
        table = table.set_column(4, "class", table["class"].cast(pa.large_string()))
    elif kind == "with others":
        table = table.append_column("list", pa.array([[1], [], [2, 3]])).select(
            [*range(10, -1, -1)]  # and in another order
        )
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, compression=compression, version=version, row_group_size=2)
    assert_tracks(path)


@pytest.mark.parametrize("name", ["späť.parquet", "a%20b #?.parquet", "with space.PARQUET", "Ж\n~*.parquet"])
def test_a_file_of_any_name_is_read(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "été 100%"
    folder.mkdir()
    pq.write_table(pa.table(TRACKS), folder / name)
    assert_tracks(folder / name)


def test_a_file_is_read_where_an_event_loop_runs(tmp_path: Path) -> None:
    import asyncio

    pq.write_table(pa.table(TRACKS), tmp_path / "a.parquet")

    async def in_a_notebook():
        return len(read_tracks(tmp_path / "a.parquet"))

    assert asyncio.run(in_a_notebook()) == 2


def test_parquet_is_written_and_read_without_pyarrow(tmp_path: Path) -> None:
    program = """
import sys
sys.modules.update(dict.fromkeys(("pyarrow", "scipy", "filterpy", "matplotlib", "pandas")))
from rtdet.cli import main
main()
"""
    (tmp_path / "det.txt").write_text("1,-1,0,0,10,20,1\n2,-1,1,0,10,20,1\n")
    commands = (
        ["track", "det.txt", "--out", "a.parquet"],
        ["tracks", "smooth", "a.parquet", "--out", "b.parquet"],
    )
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-c", program, *command], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert pq.read_table(tmp_path / "b.parquet")["frame"].to_pylist() == [1, 2]
