"""Decoding by hardware, as far as a machine without any goes: a second software decoder stands in for the device."""

from __future__ import annotations

import logging

import av
import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.pipeline import Pipeline, Policy
from rtdet.video.sources import hardware, open_source
from rtdet.video.sources.hardware import hardware_for, known_devices, likely_devices, open_on, prepared
from tests.fake_detector import FakeDetector
from tests.video.test_sources_files import film, numbered, read_all


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hardware")
    colors = np.array([[0, 40, 90]], np.int16)
    pictures = [np.clip(numbered(i) + colors, 0, 255).astype(np.uint8) for i in range(40)]
    b_frames = {"encoder": {"bf": "3", "b-adapt": "0"}}
    return {
        "mp4": film(folder / "b.mp4", pictures, **b_frames),
        "ts": film(folder / "b.ts", pictures, **b_frames),
        "turned": film(folder / "turned.mp4", pictures, rotation=90),
        "avi": film(folder / "b.avi", pictures, codec="libx264"),
    }


def stand_in(monkeypatch, change=lambda context: context):
    """Every device can be opened: it is another decoder of the same codec. The devices that were asked for."""
    asked = []

    def open_on(stream, device, options):
        asked.append(device)
        context = av.CodecContext.create(stream.codec_context.codec, "r")
        return change(prepared(context, stream, options))

    monkeypatch.setattr(hardware, "open_on", open_on)
    return asked


def pictures_of(path, **how):
    source = open_source(path, **how)
    frames = read_all(source)
    source.close()
    return source.info, [(frame.t, frame.index, frame.bgr) for frame in frames]


def assert_same(some, others):
    assert [one[:2] for one in some] == [one[:2] for one in others]
    assert all(np.array_equal(one[2], other[2]) for one, other in zip(some, others, strict=True))


@pytest.mark.parametrize("name", ["mp4", "ts", "turned", "avi"])
def test_a_device_gives_the_pictures_of_software_at_the_same_times(clips, monkeypatch, name):
    _, expected = pictures_of(clips[name], hwaccel="off")
    asked = stand_in(monkeypatch)
    info, got = pictures_of(clips[name], hwaccel="cuda")
    assert asked == ["cuda"]
    assert info.decoder == "h264 (cuda)"
    assert "h264 (cuda) yuv420p" in info.detail
    assert_same(got, expected)
    assert len(got) == 40


def test_seeking_lands_where_it_does_in_software(clips, monkeypatch):
    stand_in(monkeypatch)
    one, other = open_source(clips["mp4"], hwaccel="cuda"), open_source(clips["mp4"], hwaccel="off")
    for t in (1.0, 0.2, 1.5, 0.0, 0.9):
        one.seek(t)
        other.seek(t)
        for _ in range(3):
            here, there = one.read(), other.read()
            assert here.t == there.t
            assert np.array_equal(here.bgr, there.bgr)
    assert one.info.decoder == "h264 (cuda)"
    one.close()
    other.close()


class Failing:
    """A device that is lost after some packets; `hw` codec contexts have no more than these."""

    def __init__(self, context, after):
        self.context, self.left = context, after

    def decode(self, packet):
        self.left -= 1
        if self.left < 0:
            raise av.error.ExternalError(-542398533, "the device is lost")
        return self.context.decode(packet)

    def flush_buffers(self):
        self.context.flush_buffers()


@pytest.mark.parametrize("after", [0, 1])
def test_a_device_that_fails_before_its_first_picture_costs_none(clips, monkeypatch, after, caplog):
    _, expected = pictures_of(clips["mp4"], hwaccel="off")
    stand_in(monkeypatch, lambda context: Failing(context, after))
    with caplog.at_level(logging.WARNING):
        info, got = pictures_of(clips["mp4"], hwaccel="cuda")
    assert info.decoder == "h264 (software)"
    assert_same(got, expected)
    assert not caplog.records


def test_a_device_that_is_lost_later_is_left_for_software(clips, monkeypatch):
    _, expected = pictures_of(clips["mp4"], hwaccel="off")
    stand_in(monkeypatch, lambda context: Failing(context, 14))
    info, got = pictures_of(clips["mp4"], hwaccel="cuda")
    assert info.decoder == "h264 (software)"
    assert 20 <= len(got) < 40
    assert np.array_equal(got[-1][2], expected[-1][2])


def test_a_device_that_gives_other_colours_is_not_believed(clips, monkeypatch):
    def gray(context):
        context.options = {**context.options, "flags": "gray"}
        return Recolored(context)

    class Recolored(Failing):
        def __init__(self, context):
            super().__init__(context, 1000)

        def decode(self, packet):
            pictures = super().decode(packet)
            for picture in pictures:
                for plane in picture.planes[1:]:
                    np.frombuffer(plane, np.uint8)[:] = 128
            return pictures

    _, expected = pictures_of(clips["mp4"], hwaccel="off")
    stand_in(monkeypatch, gray)
    info, got = pictures_of(clips["mp4"], hwaccel="cuda")
    assert info.decoder == "h264 (software)"
    assert_same(got, expected)


def test_auto_asks_no_device_for_small_pictures_and_off_never_does(clips, monkeypatch):
    asked = stand_in(monkeypatch)
    monkeypatch.setattr(hardware, "likely_devices", lambda: ["cuda", "vaapi"])
    for how in ("auto", "off"):
        info, _ = pictures_of(clips["mp4"], hwaccel=how)
        assert info.decoder == "h264 (software)"
    assert asked == []
    monkeypatch.setattr(hardware, "_LEAST_PIXELS", 64 * 48)
    info, _ = pictures_of(clips["mp4"])
    assert info.decoder == "h264 (cuda)"


def test_only_what_is_decoded_bit_by_bit_is_left_to_a_device_unless_asked(tmp_path, monkeypatch):
    path = film(tmp_path / "m.avi", [numbered(i) for i in range(5)], codec="mpeg4")
    monkeypatch.setattr(hardware, "_LEAST_PIXELS", 1)
    monkeypatch.setattr(hardware, "likely_devices", lambda: ["cuda"])
    asked = stand_in(monkeypatch)
    assert pictures_of(path)[0].decoder == "mpeg4 (software)"
    assert asked == []
    assert pictures_of(path, hwaccel="cuda")[0].decoder == "mpeg4 (cuda)"


def test_a_name_that_ffmpeg_does_not_know_is_one_line_with_those_that_it_does(clips):
    with pytest.raises(UsageError, match=r"--hwaccel bogus: there is no such device; known here: auto, off"):
        open_source(clips["mp4"], hwaccel="bogus")


def test_the_devices_that_seem_to_be_here_are_some_of_those_that_ffmpeg_knows():
    assert set(likely_devices()) <= set(known_devices())


@pytest.mark.skipif(bool(likely_devices()), reason="this machine has a device")
def test_every_device_that_ffmpeg_knows_falls_back_to_software_where_it_is_absent(clips, caplog):
    _, expected = pictures_of(clips["mp4"], hwaccel="off")
    hardware._told.clear()
    for name in known_devices():
        hardware._absent.clear()
        with caplog.at_level(logging.WARNING):
            info, got = pictures_of(clips["mp4"], hwaccel=name)
        assert info.decoder == "h264 (software)"
        assert f"h264 cannot be decoded by {name} on this machine" in caplog.text
        assert_same(got, expected)


@pytest.mark.skipif(bool(likely_devices()), reason="this machine has a device")
def test_a_device_that_cannot_decode_what_is_opened_again_and_again_is_said_once(clips, caplog):
    hardware._told.clear()
    name = known_devices()[0]
    for _ in range(3):
        pictures_of(clips["mp4"], hwaccel=name)
    assert len([line for line in caplog.messages if f"cannot be decoded by {name}" in line]) == 1


def test_a_codec_that_a_device_does_not_know_says_nothing_of_the_device(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "_absent", set())
    with av.open(
        str(film(tmp_path / "lossless.mkv", [numbered(i) for i in range(3)], codec="ffv1"))
    ) as container:
        for name in known_devices():
            if name != "vulkan":  # which decodes this one
                assert open_on(container.streams.video[0], name, {}) is None
    assert hardware._absent == set()


@pytest.mark.skipif(not likely_devices(), reason="no device that decodes video is on this machine")
def test_the_device_of_this_machine_gives_the_pictures_of_software(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "_LEAST_PIXELS", 1)
    pictures = [numbered(i, (640, 384)) for i in range(20)]
    path = film(tmp_path / "large.mp4", pictures, encoder={"bf": "2"})
    _, expected = pictures_of(path, hwaccel="off")
    _, got = pictures_of(path)
    assert_same(got, expected)


def test_a_stream_that_is_joined_in_the_middle_waits_for_its_first_key_frame(clips):
    with av.open(str(clips["ts"])) as container:
        stream = container.streams.video[0]
        context = prepared(av.CodecContext.create("h264", "r"), stream, {})
        decoder = hardware.HardwareDecoder(stream, context, "cuda")
        packets = [packet for packet in container.demux(stream) if packet.size]
        later = [i for i, packet in enumerate(packets) if packet.is_keyframe][1]
        assert not any(decoder.decode(packet) for packet in packets[1:later])
        assert not decoder.is_proven
        pictures = [picture for packet in packets[later:] for picture in decoder.decode(packet)]
        assert decoder.is_proven
        assert len(pictures) >= len(packets) - later - 16


def test_no_decoder_is_made_where_none_is_wanted(clips):
    with av.open(str(clips["mp4"])) as container:
        assert hardware_for(container.streams.video[0], "off", {}) is None


def test_the_statistics_of_a_run_say_what_decoded(clips):
    source = open_source(clips["mp4"], hwaccel="off")
    with Pipeline(source, FakeDetector(), policy=Policy.WAIT) as pipeline:
        pipeline.start()
        assert pipeline.join()
        assert pipeline.stats().as_dict()["decoder"] == "h264 (software)"
