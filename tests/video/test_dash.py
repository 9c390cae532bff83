"""Manifests of MPEG-DASH: which segments they name, and reading them from a real server."""

from __future__ import annotations

import http.server
import itertools
import re
import shutil
import subprocess
import threading
import time
from functools import partial

import pytest

from rtdet.errors import SourceError
from rtdet.video.sources import open_source
from rtdet.video.sources.dash import parse_manifest
from rtdet.video.sources.hls_playlist import UnsupportedPlaylist
from rtdet.video.sources.stream import open_stream

URL = "http://h/a/live.mpd"


def manifest(inside, *, period="", **values):
    values = {"type": "static", "mediaPresentationDuration": "PT10S", **values}
    attributes = " ".join(f'{name}="{value}"' for name, value in values.items() if value is not None)
    return f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" {attributes}><Period {period}>{inside}</Period></MPD>'


def video(inside, *more):
    representations = "".join(more) or '<Representation id="v" bandwidth="9"/>'
    return f'<AdaptationSet mimeType="video/mp4">{inside}{representations}</AdaptationSet>'


def test_segments_by_number_end_with_the_film():
    rule = '<SegmentTemplate media="$RepresentationID$/$Number%03d$.m4s" initialization="$RepresentationID$/i.mp4" '
    playlist = parse_manifest(manifest(video(rule + 'duration="40" timescale="10" startNumber="5"/>')), URL)
    assert [segment.url for segment in playlist.segments] == [f"http://h/a/v/00{i}.m4s" for i in (5, 6, 7)]
    assert [segment.seconds for segment in playlist.segments] == [4, 4, 2]
    assert {segment.init.url for segment in playlist.segments} == {"http://h/a/v/i.mp4"}
    assert playlist.is_over
    assert playlist.target_s == 4


def test_segments_by_timeline_with_repeats_and_a_gap():
    lines = '<S t="100" d="20" r="1"/><S t="150" d="30" r="-1"/>'
    rule = f'<SegmentTemplate media="$Time$-$Bandwidth$.m4s" timescale="10"><SegmentTimeline>{lines}'
    text = manifest(
        video(rule + "</SegmentTimeline></SegmentTemplate>"),
        mediaPresentationDuration="PT21S",
        period='start="PT0S"',
    )
    playlist = parse_manifest(text, URL)
    assert [segment.url for segment in playlist.segments] == [
        f"http://h/a/{t}-9.m4s" for t in (100, 120, 150, 180)
    ]
    assert [segment.number for segment in playlist.segments] == [100, 120, 150, 180]


def test_the_best_pictures_are_taken_and_sound_is_not():
    rule = '<SegmentTemplate media="$RepresentationID$" duration="10"/>'
    small, large = ('<Representation id="s" bandwidth="1"/>', '<Representation id="l" bandwidth="8"/>')
    sound = (
        f'<AdaptationSet contentType="audio">{rule}<Representation id="a" bandwidth="99"/></AdaptationSet>'
    )
    playlist = parse_manifest(manifest(sound + video(rule, small, large)), URL)
    assert [segment.url for segment in playlist.segments] == ["http://h/a/l"]


def test_a_live_manifest_names_what_has_been_made_by_now():
    rule = '<SegmentTemplate media="$Number$.m4s" duration="2" startNumber="0"/>'
    live = {
        "type": "dynamic",
        "availabilityStartTime": "1970-01-01T00:01:40Z",
        "mediaPresentationDuration": None,
    }
    playlist = parse_manifest(manifest(video(rule), **live), URL, now_s=100 + 21)
    assert [segment.number for segment in playlist.segments] == [4, 5, 6, 7, 8, 9]
    assert not playlist.is_over
    assert not parse_manifest(manifest(video(rule), **live), URL, now_s=50).segments


def test_periods_follow_one_another_and_addresses_have_bases():
    rule = '<SegmentTemplate media="$Number$.m4s" duration="5"/>'
    period = f'<Period duration="PT10S"><BaseURL>x/</BaseURL>{video(rule)}</Period>'
    playlist = parse_manifest(f'<MPD type="static"><BaseURL>http://o/</BaseURL>{period}{period}</MPD>', URL)
    assert [segment.url for segment in playlist.segments] == ["http://o/x/1.m4s", "http://o/x/2.m4s"] * 2
    numbers = [segment.number for segment in playlist.segments]
    assert numbers == sorted(set(numbers))


def test_a_list_of_ranges_of_one_file():
    inside = (
        '<BaseURL>all.mp4</BaseURL><SegmentList duration="5"><Initialization range="0-99"/>'
        '<SegmentURL mediaRange="100-199"/><SegmentURL mediaRange="200-349"/></SegmentList>'
    )
    playlist = parse_manifest(manifest(video(inside)), URL)
    assert [segment.byte_range for segment in playlist.segments] == [(100, 100), (200, 150)]
    assert playlist.segments[0].init.byte_range == (0, 100)
    assert {segment.url for segment in playlist.segments} == {"http://h/a/all.mp4"}


ENTITIES = '<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "text",
    [
        "", "not XML", "<MPD", "<a/>", ENTITIES + "<MPD>&b;</MPD>",
        manifest(video('<SegmentTemplate media="$Number$" duration="0"/>')),
        manifest(video('<SegmentTemplate media="$Number$" duration="x"/>')),
        manifest(video('<SegmentTemplate media="$Number$" duration="1" timescale="0"/>')),
        manifest(video('<SegmentTemplate media="$Number$" duration="1"/>'), mediaPresentationDuration="PT9999999S"),
        manifest(video('<SegmentTemplate duration="1"/>')),
        manifest(video('<SegmentTemplate media="a"><SegmentTimeline><S d="1" r="999999999999"/></SegmentTimeline>'
                       "</SegmentTemplate>")),
        manifest(video('<ContentProtection/><SegmentTemplate media="$Number$" duration="1"/>')),
        manifest(video('<SegmentTemplate media="$Number$" duration="1"/>'), mediaPresentationDuration="soon"),
    ],
)  # fmt: skip
def test_a_manifest_of_nonsense_is_refused(text):
    with pytest.raises(UnsupportedPlaylist):
        parse_manifest(text, URL)


# Over http


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Eight seconds in segments of two, as FFmpeg's own packager writes them."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs ffmpeg")
    folder = tmp_path_factory.mktemp("dash")
    command = (
        "ffmpeg -v error -f lavfi -i testsrc=s=64x48:r=25:d=8 -c:v libx264 -preset ultrafast -g 50 -pix_fmt yuv420p "
        "-f dash -seg_duration 2 -use_template 1 -use_timeline 1 film.mpd"
    )
    subprocess.run(command.split(), cwd=folder, check=True)
    return folder


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(film, tmp_path):
    folder = tmp_path / "served"
    shutil.copytree(film, folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_film_is_read_to_its_end(served):
    source = open_source(f"{served[1]}/film.mpd")
    frames = list(iter(source.read, None))
    assert len(frames) == 200
    assert [frame.t for frame in frames] == pytest.approx([i / 25 for i in range(200)], abs=0.001)
    assert (source.info.is_live, source.info.duration_s) == (False, pytest.approx(8))
    source.close()


def test_a_live_stream_is_paced_by_its_own_times_and_its_reader_ends_with_it(served):
    folder, address = served
    path = folder / "film.mpd"
    text = path.read_text().replace('type="static"', 'type="dynamic" minimumUpdatePeriod="PT1S"')
    text = re.sub(r'mediaPresentationDuration="[^"]*"', "", text)

    def publish(count):
        path.write_text(re.sub(r' r="\d+"', f' r="{count - 1}"', text))

    publish(1)
    source = open_source(f"{address}/film.mpd")
    publish(2)
    frames = [source.read() for _ in range(95)]
    assert source.info.is_live
    assert [frame.t for frame in frames] == pytest.approx([i / 25 for i in range(95)], abs=0.002)
    assert all(b.captured_at - a.captured_at >= b.t - a.t - 0.3 for a, b in itertools.pairwise(frames))
    source.close()
    end = time.monotonic() + 2
    while not source.is_released:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_manifest_that_cannot_be_read_is_one_line(served):
    (served[0] / "film.mpd").write_text("<MPD><Period/></MPD>")
    with pytest.raises(SourceError, match=r"cannot open http://127.0.0.1:\d+/film.mpd: .*names no segments"):
        open_stream(f"{served[1]}/film.mpd", open_timeout_s=2, stall_s=0.5)
