"""AES-128 against the examples of its standards."""

from __future__ import annotations

import pytest

from rtdet.video.sources.aes import CbcDecryptor, _inverse_cipher, _round_keys


def test_the_example_of_fips_197():
    import numpy as np

    block = np.frombuffer(bytes.fromhex("69c4e0d86a7b0430d8cdb78070b4c55a"), np.uint8)[None]
    keys = _round_keys(bytes(range(16)))
    assert _inverse_cipher(block, keys).tobytes().hex() == "00112233445566778899aabbccddeeff"


# NIST SP 800-38A, F.2.2, and a block of padding
KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
VECTOR = bytes(range(16))
CIPHERED = bytes.fromhex(
    "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
    "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"
    "8cb82807230e1321d3fae00d18cc2012"
)
PLAIN = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)


@pytest.mark.parametrize("step", [1, 7, 16, 17, 1000])
def test_a_message_is_decrypted_however_its_bytes_come(step):
    cipher = CbcDecryptor(KEY, VECTOR)
    parts = [cipher.update(CIPHERED[i : i + step]) for i in range(0, len(CIPHERED), step)]
    assert b"".join([*parts, cipher.finish()]) == PLAIN


def test_a_message_that_ends_in_a_block_or_has_another_key_is_refused():
    cut = CbcDecryptor(KEY, VECTOR)
    cut.update(CIPHERED[:-3])
    with pytest.raises(ValueError, match="cut off"):
        cut.finish()
    other = CbcDecryptor(bytes(16), VECTOR)
    other.update(CIPHERED)
    with pytest.raises(ValueError, match="key is wrong"):
        other.finish()
    with pytest.raises(ValueError, match="16 bytes"):
        CbcDecryptor(b"short", VECTOR)
