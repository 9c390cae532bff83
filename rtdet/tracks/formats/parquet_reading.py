"""Rows of any Parquet file, by arro3: Arrow's reader in Rust, a tenth of pyarrow's size."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_NAME = "table.parquet"


def parquet_rows(path: Path, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of a file, as values by name, of the columns of these names that it has.

    Raises OSError for a file that cannot be read, and ValueError for one that is damaged or no Parquet.
    """
    table = _read(path)
    found = [name for name in table.column_names if name in names]
    if not found:
        return ({} for _ in range(table.num_rows))
    columns = [table.column(name).to_pylist() for name in found]
    return (dict(zip(found, row, strict=True)) for row in zip(*columns, strict=True))


def parquet_batches(path: Path, rows: int = 10_000) -> Iterator[dict[str, list[Any]]]:
    """All columns of a file, by name, some `rows` at a time. Raises as `parquet_rows` does."""
    table = _read(path)
    for start in range(0, table.num_rows, rows):
        part = table.slice(start, min(rows, table.num_rows - start))
        yield {name: part.column(name).to_pylist() for name in table.column_names}


def _read(path: Path) -> Any:
    """The file as an arro3.core.Table."""
    import asyncio  # here, for what they take to load
    from concurrent.futures import ThreadPoolExecutor
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        # Not by its own path: arro3 takes names for parts of a URL, and does not find those with other characters.
        shutil.copyfile(path, Path(folder, _NAME))
        # In a thread of its own: a notebook runs an event loop in this one.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, _read_from(folder)).result()


async def _read_from(folder: str) -> Any:
    # read_parquet needs no event loop, but panics where a footer is damaged.
    from arro3.io import read_parquet_async
    from arro3.io.store import LocalStore

    try:
        return await read_parquet_async(_NAME, store=LocalStore(folder))
    except Exception as error:  # arro3 raises nothing more special
        raise ValueError(str(error)) from error
