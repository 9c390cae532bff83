"""What of an address is shown, and that its secrets are found in every text."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from rtdet.address import Address, hide_secrets, note_arguments, redact
from rtdet.errors import SourceError


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://admin:pa/ss@host/1", "rtsp://***@host/1"),
        ("rtsp://admin:pa?ss@host/1", "rtsp://***@host/1"),
        ("rtsp://admin:pa#s@s@host/1", "rtsp://***@host/1"),
        ("rtsp://admin:my pass@host:554/1", "rtsp://***@host:554/1"),
        ("rtsp://admin:p%40ss@[fe80::1]:554/1", "rtsp://***@[fe80::1]:554/1"),
        ("RTSP://admin:pass@host", "RTSP://***@host"),
        ("  rtsp://admin:pass@host/1", "  rtsp://***@host/1"),
        ("\thttp://host/v.mp4?token=abc", "\thttp://host/v.mp4?token=***"),
        ("rtsp:/admin:pass@host/1", "rtsp:/***@host/1"),
        ("rtsp//admin:pass@host/1", "rtsp//***@host/1"),
        ("admin:pass@10.0.0.5:554/live", "***@10.0.0.5:554/live"),
        ("rtsp://only-a-token@host/1", "rtsp://***@host/1"),
        ("http://h/cgi?loginuse=admin&loginpas=pass", "http://h/cgi?loginuse=***&loginpas=***"),
        ("https://h/a.mp4?X-Amz-Signature=ab12&X-Amz-Date=20260101T0000Z", "https://h/a.mp4?X-Amz-Signature=***&X-Amz-Date=***"),
        ("https://h/a.m3u8?hdnts=st=1~exp=2~hmac=ab#access_token=x", "https://h/a.m3u8?hdnts=***#access_token=***"),
        ("http://h/v?pass%77ord=secret", "http://h/v?pass%77ord=***"),
        ("http://h/v?pin=123", "http://h/v?pin=***"),
        ("http://h/v?a-token-alone", "http://h/v?***"),
        ("rtsp://h/user=admin&password=pass&channel=1&stream=0.sdp", "rtsp://h/user=***&password=***&channel=1&stream=0.sdp"),
        ("rtsp://h/user=admin_password=pass_channel=1.sdp", "rtsp://h/user=***"),
        ("srt://h:9000?mode=caller&passphrase=long-enough", "srt://h:9000?mode=caller&passphrase=***"),
        # Nothing to hide.
        ("rtsp://h:554/cam/realmonitor?channel=1&subtype=0", "rtsp://h:554/cam/realmonitor?channel=1&subtype=0"),
        ("udp://@239.0.0.1:5000", "udp://@239.0.0.1:5000"),
        ("http://h/@me/film.mp4", "http://h/@me/film.mp4"),
        ("file:///films/a:b@c.mp4", "file:///films/a:b@c.mp4"),
        ("films/me@home.mp4", "films/me@home.mp4"),
        ("C:\\films\\me@home.mp4", "C:\\films\\me@home.mp4"),
        ("webcam:1", "webcam:1"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_what_is_for_the_server_alone(address, shown):
    assert hide_secrets(address) == shown
    assert hide_secrets(shown) == shown


def test_secrets_are_found_in_every_text_however_they_are_encoded():
    Address.parse("rtsp://gardener:T0p/sec ret%21@cam/1?access_token=Zx81Zx81")
    password = "T0p/sec ret!"
    for text in (
        f"failed at {password}.",
        quote(password),
        quote(password, safe=""),
        quote(password, safe="").lower(),
        json.dumps({"p": password}),
        base64.b64encode(f"gardener:{password}".encode()).decode(),
        base64.b64encode(password.encode()).decode(),
        "Port could not be cast to integer value as 'T0p'",
        "user gardener, token zx81zx81",
        "[tcp @ 0x55] rtsp://gardener:T0p/sec ret%21@cam/1: refused",
    ):
        said = redact(text).lower()
        for secret in ("t0p", "sec ret", "sec%20ret", "gardener", "zx81", "vdbwl3nly", "z2fyzgvuzx"):
            assert secret not in said, (text, said)


def test_texts_without_secrets_stay_as_they_are():
    for text in (
        "wrote /home/admin/out.mp4",
        "rtdet: 25 frames/s",
        "see https://example.org/a/b",
        "a:b at 10:30",
    ):
        assert redact(text) == text


def test_an_address_that_was_never_seen_loses_its_secrets_where_it_stands_in_a_text():
    assert redact("cannot open 'http://never:seen@h/x': no") == "cannot open 'http://***@h/x': no"


def test_an_address_that_the_shell_cut_at_its_blank_is_known_whole():
    note_arguments(["--source", "rtsp://warden:two", "wordsecret@cam/1"])
    assert "wordsecret" not in redact("Got unexpected extra argument (wordsecret@cam/1)")


def test_no_error_of_rtdets_says_a_secret():
    Address.parse("rtsp://keeper:Qq77Qq77@cam/1")
    error = SourceError("no such file: keeper:Qq77Qq77")
    assert "Qq77" not in str(error) + repr(error)


def test_what_is_hidden_can_be_filled_in_again():
    address = Address.parse(hide_secrets("rtsp://me:secret@cam/1?channel=2&token=abc"))
    assert address.is_incomplete
    whole = address.filled(["n/w"], "you", "p@ss/w")
    assert whole == "rtsp://you:p%40ss%2Fw@cam/1?channel=2&token=n%2Fw"
    assert not Address.parse(whole).is_incomplete


def test_the_stream_key_at_the_end_of_an_rtmp_path_is_hidden():
    address = "rtmp://live.example.com/app/x7f3-k29s-11ab"
    assert hide_secrets(address) == "rtmp://live.example.com/app/***"
    assert Address.parse(address).filled(["other"]) == "rtmp://live.example.com/app/other"
    assert redact("Failed: x7f3-k29s-11ab is unknown") == "Failed: *** is unknown"
    assert hide_secrets("rtmps://h:1936/a/b/key123?fps=25") == "rtmps://h:1936/a/b/***?fps=25"
    for plain in ("rtmp://h/live", "rtmp://h", "rtsp://h/app/stream1"):
        assert hide_secrets(plain) == plain
