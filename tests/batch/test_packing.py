from __future__ import annotations

import shutil

import numpy as np
import pytest

from rtdet.batch.data_set import DataSetWriter, schema_of_tracks
from rtdet.batch.driver_lock import DriverLock
from rtdet.batch.journal import Journal
from rtdet.batch.layout import Layout
from rtdet.batch.manifest import Listed
from rtdet.batch.packing import pack
from rtdet.errors import SourceError, UsageError
from rtdet.tracks.formats.parquet_pages import pages_of
from rtdet.tracks.rows import FrameRecord
from rtdet.types import Tracks
from tests.batch.conftest import files_below

parquet = pytest.importorskip("pyarrow.parquet")


def _write(path, frames, objects):
    path.parent.mkdir(parents=True)
    writer = DataSetWriter(path)
    for number in range(frames):
        place = np.arange(objects) + number
        tracks = Tracks(
            np.stack([place, place, place + 20, place + 30], axis=1).astype(float).reshape(-1, 4),
            np.arange(1, objects + 1), np.full(objects, 0.5), place % 2, (place % 3) * 0.1, ("person", "bär"),
        )  # fmt: skip
        writer.write(FrameRecord(number + 1, number / 25, tracks))
    writer.close()


@pytest.fixture
def folder(tmp_path):
    """A batch of five sources that are done, of which one has no rows and one no frames, and one that failed."""
    layout = Layout(tmp_path / "out")
    layout.make()
    with Journal(layout.journal) as journal:
        journal.add(
            [Listed(f"/v/{name}.mp4", name=name) for name in ("b", "a", "none", "empty", "failed", "c")]
        )
        for number in (1, 2, 3, 4, 6):
            journal.done(number, {})
        journal.failed(5, "it is gone", {}, is_final=True)
    for name, frames, objects in (("b", 7, 3), ("a", 5, 1), ("none", 3, 0), ("empty", 0, 0), ("c", 9, 5)):
        _write(layout.partition(name) / "tracks.parquet", frames, objects)
    return layout.folder


def _rows(folder):
    return (
        parquet.read_table(folder).to_pandas().sort_values(["source", "frame", "id"]).reset_index(drop=True)
    )


def test_what_is_packed_is_the_data_set_row_for_row(folder):
    pandas = pytest.importorskip("pandas")
    packed = pack(folder)
    assert (packed.sources, packed.rows, packed.files) == (5, 7 * 3 + 5 + 9 * 5, 1)
    before, after = _rows(folder / "tracks"), _rows(folder / "packed")
    before["source"] = before["source"].astype(str)
    assert set(after.columns) == set(before.columns)
    pandas.testing.assert_frame_equal(before, after[list(before.columns)], check_dtype=False)
    duckdb = pytest.importorskip("duckdb")
    counts = duckdb.sql(
        f"SELECT source, count(*) FROM '{folder}/packed/*.parquet' GROUP BY source"
    ).fetchall()
    assert dict(counts) == {"b": 21, "a": 5, "c": 45}
    polars = pytest.importorskip("polars")
    assert len(polars.read_parquet(folder / "packed")) == 71


def test_packed_again_it_is_the_same_bytes_and_nothing_is_left_behind(folder):
    pack(folder)
    before = files_below(folder / "packed")
    pack(folder)
    assert files_below(folder / "packed") == before
    assert list((folder / "work").iterdir()) == []


def test_many_rows_are_several_groups_and_files(folder):
    assert pack(folder, rows_a_group=10, rows_a_file=20).files == 2
    files = [parquet.ParquetFile(folder / "packed" / f"tracks-0000{number}.parquet") for number in range(2)]
    assert sum(file.metadata.num_rows for file in files) == 71
    assert len(_rows(folder / "packed")) == 71


def test_it_is_taken_away_once_the_tracks_are_others(folder):
    pack(folder)
    Layout(folder).forget_source("c")
    assert not (folder / "packed").exists()
    assert list((folder / "work").iterdir()) == []


def test_a_damaged_partition_is_said_and_what_was_packed_stays(folder):
    pack(folder)
    before = files_below(folder / "packed")
    path = folder / "tracks" / "source=a" / "tracks.parquet"
    content = path.read_bytes()
    for spoiled in (b"", content[:-9], content[: len(content) // 2] + content[len(content) // 2 + 1 :]):
        path.write_bytes(spoiled)
        with pytest.raises(SourceError, match=r"source=a/tracks\.parquet is damaged"):
            pack(folder)
    shutil.rmtree(path.parent)
    with pytest.raises(SourceError, match=r"source=a/tracks\.parquet is missing"):
        pack(folder)
    assert files_below(folder / "packed") == before


def test_a_byte_that_is_wrong_where_columns_are_named_is_found_or_harms_nothing(tmp_path):
    path = tmp_path / "source=a" / "tracks.parquet"
    _write(path, 1, 1)
    content, said = path.read_bytes(), []
    begin = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for place in range(begin, begin + 200):
        # Fields get other numbers.
        path.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        try:
            list(pages_of(path, schema_of_tracks()))
        except ValueError as error:
            said.append(str(error))
    assert len(said) > 100
    assert all(f"{path} is damaged" in line for line in said)


def test_a_batch_that_is_worked_on_is_not_packed(folder):
    lock = DriverLock(Layout(folder).lock)
    try:
        with pytest.raises(UsageError, match="being worked on"):
            pack(folder)
    finally:
        lock.release()
    with pytest.raises(SourceError, match="no folder of a batch"):
        pack(folder / "tracks")
