"""Where everything is in the folder of a batch.

    DIR/tracks/source=KEY/tracks.parquet    the data set: nothing else is ever in this folder
    DIR/sources.parquet                     a row for each source
    DIR/packed/tracks-00000.parquet, ...    the data set once more, in few files, if somebody asked for that
    DIR/outputs/KEY/stats.json, video.mp4, run.rtdet, counts.csv, ...
    DIR/journal.sqlite                      what is done
    DIR/work/                               what is being done; empty when all is

What workers write is in folders of DIR/work that no other attempt has; only the driver, of which there is one at a
time, moves it to its place.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rtdet.errors import OutputError
from rtdet.output_file import cannot_write

TRACKS_FILE = "tracks.parquet"
STATS_FILE = "stats.json"
PIECE_FILE = "piece.npz"


class Layout:
    """The paths in the folder of a batch; makes none."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(os.path.abspath(folder))
        self.tracks = self.folder / "tracks"
        self.packed = self.folder / "packed"
        self.outputs = self.folder / "outputs"
        self.work = self.folder / "work"
        self.journal = self.folder / "journal.sqlite"
        self.lock = self.folder / ".lock"
        self.sources = self.folder / "sources.parquet"

    def make_folder(self) -> None:
        """Makes the folder itself. Raises OutputError."""
        _make(self.folder)

    def make(self) -> None:
        """Makes the folders in it. Raises OutputError."""
        for folder in (self.tracks, self.outputs, self.work):
            _make(folder)

    def missing_folders(self) -> list[Path]:
        """The folders, this one and those above it, that are not there, from the lowest."""
        return [folder for folder in (self.folder, *self.folder.parents) if not folder.exists()]

    def forget_batch(self, made: Sequence[Path]) -> None:
        """Takes away what a batch without a source consists of, and the folders `made` for it, if they are empty."""
        for file in (self.journal, self.folder / f"{self.journal.name}-journal", self.lock):
            with suppress(OSError):
                file.unlink()
        for folder in (self.tracks, self.outputs, self.work, *made):
            with suppress(OSError):
                folder.rmdir()

    def partition(self, key: str) -> Path:
        return self.tracks / f"source={key}"

    def pieces(self, key: str) -> Path:
        """The folder of a source's finished pieces."""
        return self.work / "pieces" / key

    def piece(self, key: str, piece: int) -> Path:
        return self.pieces(key) / f"{piece:05d}.npz"

    def put_source(self, key: str, written: Path) -> None:
        """Moves what a worker wrote of a source to its place, each file whole. Raises OutputError."""
        tracks, outputs = self.partition(key) / TRACKS_FILE, self.outputs / key
        self.forget_packed()
        try:
            for path in written.rglob("*"):
                if path.is_file():
                    _sync(path)
            tracks.parent.mkdir(parents=True, exist_ok=True)
            (written / TRACKS_FILE).replace(tracks)
            if outputs.exists():  # of an attempt that was ended between here and the journal
                shutil.rmtree(outputs)
            outputs.parent.mkdir(parents=True, exist_ok=True)
            written.rename(outputs)
        except OSError as error:
            raise cannot_write(tracks, error) from error

    def put_piece(self, key: str, piece: int, written: Path) -> None:
        """Moves the file of a piece to its place. Raises OutputError."""
        place = self.piece(key, piece)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            _sync(written)
            written.replace(place)
        except OSError as error:
            raise cannot_write(place, error) from error

    def forget_pieces(self, key: str) -> None:
        shutil.rmtree(self.pieces(key), ignore_errors=True)

    def forget_all_pieces(self) -> None:
        shutil.rmtree(self.work / "pieces", ignore_errors=True)

    def forget_source(self, key: str) -> None:
        """Takes what is there of a source out of the data set and the outputs."""
        self.forget_packed()
        for folder in (self.partition(key), self.outputs / key):
            shutil.rmtree(folder, ignore_errors=True)

    def put_packed(self, written: Path) -> None:
        """Puts the packed data set in its place. Raises OSError."""
        self.forget_packed()
        written.rename(self.packed)

    def forget_packed(self) -> None:
        """Takes the packed data set away, all of it at once."""
        if self.packed.exists():
            old = self.work / f"packed.{os.getpid()}.old"
            with suppress(OSError):
                self.work.mkdir(exist_ok=True)
                self.packed.rename(old)
            shutil.rmtree(old, ignore_errors=True)

    def clear_attempts(self) -> None:
        """Removes what earlier drivers left unfinished; finished pieces stay."""
        with suppress(OSError):
            for entry in os.scandir(self.work):
                if entry.name != "pieces":
                    shutil.rmtree(entry.path, ignore_errors=True)

    def remove(self, folder: Path) -> None:
        """Removes the folder of an attempt, if it is still there."""
        shutil.rmtree(folder, ignore_errors=True)

    def attempt(self, token: str) -> Path:
        """A folder for what one attempt writes. Raises OutputError."""
        folder = self.work / token
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise cannot_write(folder, error) from error
        return folder


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def _sync(path: Path) -> None:
    """Has the file on the disk: else a power cut could leave an empty one under its final name."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def refuse_other_folder(folder: Path) -> None:
    """Raises OutputError where the folder holds something that is no batch."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file; name a folder for the batch")
    names = {entry.name for entry in os.scandir(folder) if not entry.name.startswith(".")}
    if "journal.sqlite" not in names and (others := sorted(names - {"tracks", "outputs", "work"})):
        raise OutputError(f"{folder} holds other files ({others[0]}, ...); name a new folder for the batch")
