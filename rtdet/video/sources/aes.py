"""AES-128 in CBC mode, decrypting only: what encrypted playlists use (FIPS 197; NIST SP 800-38A, 6.2).

Written for arrays, as each block of CBC is decrypted by itself: some 20 MB/s, more than any stream has, without a
further package.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

BLOCK = 16
_Bytes = npt.NDArray[np.uint8]
_ROUNDS = 10
# Which byte of the state each byte comes from when its rows are shifted back; the state is stored by columns.
_SHIFTED = np.array([(column - row) % 4 * 4 + row for column in range(4) for row in range(4)])

# For each byte the ones that are 1, 2 and 3 below it in its column, from the top again after the last.
_NEXT = [np.array([i // 4 * 4 + (i + step) % 4 for i in range(BLOCK)]) for step in (1, 2, 3)]


class CbcDecryptor:
    """Decrypts one message as its bytes come; its padding (PKCS #7) is taken off at the end.

    Raises ValueError for a key or vector that does not have 16 bytes, and for a message that does not end as it must.
    """

    def __init__(self, key: bytes, vector: bytes) -> None:
        if len(key) != BLOCK or len(vector) != BLOCK:
            raise ValueError("a key and a vector of AES-128 have 16 bytes")
        self._keys = _round_keys(key)
        self._before = np.frombuffer(vector, np.uint8)
        self._rest = b""

    def update(self, content: bytes) -> bytes:
        """What can be told so far: all but the last block, which may hold padding."""
        content = self._rest + content
        whole = max((len(content) - 1) // BLOCK * BLOCK, 0)
        self._rest = content[whole:]
        return self._decrypt(content[:whole])

    def finish(self) -> bytes:
        """The rest, without its padding."""
        if not self._rest and not len(self._before):
            return b""
        if len(self._rest) != BLOCK:
            raise ValueError("it was cut off")
        last = self._decrypt(self._rest)
        self._rest = b""
        count = last[-1]
        if not 1 <= count <= BLOCK or last[-count:] != bytes([count]) * count:
            raise ValueError("its key is wrong")
        return last[:-count]

    def _decrypt(self, content: bytes) -> bytes:
        if not content:
            return b""
        blocks = np.frombuffer(content, np.uint8).reshape(-1, BLOCK)
        before = np.vstack([self._before[None], blocks[:-1]])
        self._before = blocks[-1].copy()
        return (_inverse_cipher(blocks, self._keys) ^ before).tobytes()


def _inverse_cipher(blocks: _Bytes, keys: _Bytes) -> _Bytes:
    """(N, 16) blocks of ECB decrypted; FIPS 197, 5.3."""
    _, unboxed, by = _tables()
    state = (
        np.ascontiguousarray(blocks.T) ^ keys[_ROUNDS][:, None]
    )  # a byte's place first: long rows are quick
    for number in range(_ROUNDS - 1, -1, -1):
        state = cv2.LUT(state[_SHIFTED], unboxed) ^ keys[number][:, None]
        if number:
            by_14, by_11, by_13, by_9 = (cv2.LUT(state, by[factor]) for factor in (14, 11, 13, 9))
            state = by_14 ^ by_11[_NEXT[0]] ^ by_13[_NEXT[1]] ^ by_9[_NEXT[2]]
    return np.ascontiguousarray(state.T)


def _round_keys(key: bytes) -> _Bytes:
    """(11, 16): FIPS 197, 5.2."""
    boxed = _tables()[0]
    words = [list(key[i : i + 4]) for i in range(0, BLOCK, 4)]
    constant = 1
    for i in range(4, 4 * (_ROUNDS + 1)):
        word = words[-1]
        if i % 4 == 0:
            word = [int(boxed[byte]) for byte in (*word[1:], word[0])]
            word[0] ^= constant
            constant = _twice(constant)
        words.append([a ^ b for a, b in zip(word, words[i - 4], strict=True)])
    return np.array(words, np.uint8).reshape(_ROUNDS + 1, BLOCK)


def _twice(value: int) -> int:
    """In the field of AES, modulo x^8 + x^4 + x^3 + x + 1."""
    return (value << 1) ^ (0x11B if value & 0x80 else 0)


def _times(value: int, factor: int) -> int:
    product = 0
    while factor:
        product ^= value if factor & 1 else 0
        value, factor = _twice(value), factor >> 1
    return product


@lru_cache(maxsize=1)
def _tables() -> tuple[_Bytes, _Bytes, dict[int, _Bytes]]:
    """The S-box (inverse in the field, then an affine map), its inverse, and products by 9, 11, 13 and 14."""
    boxed = np.zeros(256, np.uint8)
    for value in range(256):
        inverse = next((other for other in range(256) if _times(value, other) == 1), 0)
        turned = inverse
        for shift in range(1, 5):
            turned ^= (inverse << shift | inverse >> (8 - shift)) & 0xFF
        boxed[value] = turned ^ 0x63
    by = {f: np.array([_times(value, f) for value in range(256)], np.uint8) for f in (9, 11, 13, 14)}
    return boxed, np.argsort(boxed).astype(np.uint8), by
