"""Fetching a model that the user named into the user's cache: resumable, checked by sha256, once."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import shutil
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from rtdet.cache import cache_folder, is_whole, seal
from rtdet.detectors.cards import ModelCard
from rtdet.errors import DownloadError
from rtdet.terminal import console as make_console
from rtdet.web import web_opener

_CHUNK = 1 << 18
_TIMEOUT_S = 10.0
_MOST = 4_000_000_000  # bytes of a file whose size nobody knows
_TRIES = 3  # of going on after a connection breaks off

Progress = Callable[[int, int], None]  # bytes so far, bytes in all (0: not known)


def _silent(_done: int, _total: int) -> None:
    pass


def cached_path(card: ModelCard) -> Path:
    """Where a card's weights are kept once they have been fetched: under the address's last part, with the digest
    where that is not in it: many addresses end in model.safetensors."""
    name, digest = urlsplit(card.url).path.rpartition("/")[2], card.sha256.lower()[:8]
    return cache_folder("models") / (name if digest in name.lower() else f"{digest}-{name}")


def fetch_model(card: ModelCard, *, offline: bool = False) -> Path:
    """The weights of a card, fetched on first use. Raises DownloadError with one line."""
    target = cached_path(card)
    if _is_kept(target, card.sha256):
        return target
    if offline and target.is_file():
        raise DownloadError(
            f"{target} is damaged, and --offline forbids fetching {card.name} again; leave --offline out once"
        )
    if offline:
        raise DownloadError(
            f"{card.name} is not on this machine and --offline forbids fetching it; "
            f"run `rtdet models pull {card.name}` once, or use --model rtdet-n"
        )
    with _progress_bar(card.name, card.size) as progress:
        path = fetch(card.url, target, sha256=card.sha256, size=card.size, what=card.name, progress=progress)
    seal(path)
    return path


def _is_kept(target: Path, sha256: str) -> bool:
    """Whether the weights are there and as they were published. The digest is computed once, then a faster sum."""
    if not target.is_file():
        return False
    whole = is_whole(target)
    if whole is None:
        with target.open("rb") as file:
            whole = _digest(file).startswith(sha256.lower())
        if whole:
            seal(target)
    return whole


def fetch(
    url: str, target: Path, *, sha256: str, size: int = 0, what: str = "", progress: Progress | None = None
) -> Path:
    """Fetch `url` to `target`. `sha256` is the digest expected, or its first digits; `size` the bytes, 0: unknown.

    The bytes gather in `target`.part, which a later call goes on from; only a file whose digest is right
    gets the name `target`. Raises DownloadError with one line.
    """
    what = what or target.name
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file:
            _lock(file, what)
            try:
                _fetch_all(url, file, what, progress or _silent, _most(size))
                _check(part, file, sha256, what)
            finally:
                # Only by who holds the lock: an empty file may be another rtdet's that has just begun.
                _remove_if_empty(part)
        part.replace(target)
    except OSError as error:
        raise DownloadError(_explain(error, what, target.parent)) from error
    return target


def _remove_if_empty(part: Path) -> None:
    with contextlib.suppress(OSError):
        if part.stat().st_size == 0:
            part.unlink()


def _most(size: int) -> int:
    """The bytes at which a download is another file, or has no end; sizes of cards are about right."""
    return size + size // 4 + (1 << 20) if size else _MOST


def _fetch_all(url: str, file: BinaryIO, what: str, progress: Progress, most: int) -> None:
    """Every byte of `url` into `file`, going on where it ends; a broken connection is taken up again."""
    for attempt in range(_TRIES + 1):
        before = file.tell()
        try:
            if _receive(url, file, progress, most):
                return
        except urllib.error.HTTPError as error:
            error.close()
            raise DownloadError(
                f"cannot fetch {what}: {urlsplit(url).netloc} answers {error.code} {error.reason} for {url}"
            ) from error
        except urllib.error.URLError as error:
            if file.tell():
                break
            raise DownloadError(
                f"cannot fetch {what} from {urlsplit(url).netloc}: {_short(error.reason)}; "
                "check the network connection, or use rtdet-n, which needs none"
            ) from error
        except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError):
            pass  # what has come is kept
        if file.tell() == before and attempt > 0:
            break
    size = f"{file.tell() / 1e6:.1f} MB"
    raise DownloadError(f"the download of {what} broke off after {size}; run the command again to resume it")


def _receive(url: str, file: BinaryIO, progress: Progress, most: int) -> bool:
    """One request, for what is missing. True when the file is complete. Raises DownloadError beyond `most` bytes."""
    have = file.tell()
    headers = {"User-Agent": "rtdet", **({"Range": f"bytes={have}-"} if have else {})}
    try:
        response = web_opener().open(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not have:
            raise
        size = (error.headers.get("Content-Range") or "").rpartition("/")[2]
        error.close()
        if size == str(have):
            return True
        _empty(file)  # longer than what is there now: another file
        return False
    with response:
        goes_on = response.status == http.HTTPStatus.PARTIAL_CONTENT
        if have and not goes_on:  # a server without Range sends it all again
            _empty(file)
            have = 0
        said = (response.headers.get("Content-Length") or "").strip()
        rest = int(said) if said.isascii() and said.isdecimal() and len(said) < 20 else 0
        if have + rest > most:
            _refuse_longer(file, url, most)
        _require_space(file, rest)
        return _copy(response, file, have + rest if rest else 0, progress, most)


def _refuse_longer(file: BinaryIO, url: str, most: int) -> None:
    _empty(file)
    raise DownloadError(
        f"{urlsplit(url).netloc} sends more than the {most / 1e6:.0f} MB that this model can have: not the published "
        "file; nothing was kept"
    )


def _empty(file: BinaryIO) -> None:
    file.seek(0)
    file.truncate()


def _copy(response: Any, file: BinaryIO, total: int, progress: Progress, most: int) -> bool:
    while chunk := response.read(_CHUNK):
        file.write(chunk)
        if file.tell() > most:
            _refuse_longer(file, response.url, most)
        progress(file.tell(), total)
    file.flush()
    return not total or file.tell() >= total


def _require_space(file: BinaryIO, needed: int) -> None:
    if shutil.disk_usage(Path(file.name).parent).free < needed:
        raise OSError(errno.ENOSPC, "not enough space")


def _check(part: Path, file: BinaryIO, sha256: str, what: str) -> None:
    file.flush()
    with part.open("rb") as written:
        found = _digest(written)
    if not found.startswith(sha256.lower()):
        _empty(file)  # or the next try would go on from bytes that are wrong
        raise DownloadError(
            f"what came for {what} is damaged or not the published file (sha256 {found[:16]}…, "
            f"expected {sha256[:16]}…); nothing was kept, try again"
        )


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def _lock(file: BinaryIO, what: str) -> None:
    """One process fetches, a second one says so instead of mixing its bytes in."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DownloadError(
            f"{what} is being fetched by another rtdet process; wait until it has finished"
        ) from error


def _explain(error: OSError, what: str, folder: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"no space left for {what} in {folder}; free some, or set RTDET_CACHE to a folder on another disk"
        )
    return f"cannot keep {what} in {folder}: {_short(error)}; set RTDET_CACHE to another folder"


def _short(error: object) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return str(error)


@contextlib.contextmanager
def _progress_bar(name: str, size: int) -> Iterator[Progress]:
    """A bar on standard error where that is a terminal; else one line at the start."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    console = make_console(stderr=True)
    if not console.is_terminal:
        console.print(f"fetching {name} ({size / 1e6:.0f} MB)", highlight=False)
        yield _silent
        return
    columns = (
        "{task.description}",
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"fetching {name}", total=size or None)
        yield lambda done, total: bar.update(task, completed=done, total=total or size or None)
