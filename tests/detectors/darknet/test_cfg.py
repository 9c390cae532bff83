from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from rtdet.detectors.darknet.cfg import read_cfg
from rtdet.detectors.darknet.layers import Convolutional, Pool, Route, Yolo
from rtdet.detectors.darknet.network import make_network, read_network, size_for
from rtdet.errors import ModelError, UsageError


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "net.cfg"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_blanks_comments_case_and_line_ends_do_not_matter(write: Callable[[str], Path]) -> None:
    text = "\ufeff# one\r\n[net]\r\nwidth = 64 # here\r\n height=32\nchannels=3\n;\r\n[Convolutional]\r\nfilters =4"
    sections = read_cfg(write(text))
    assert [section.kind for section in sections] == ["net", "convolutional"]
    assert [section.line for section in sections] == [2, 7]
    network = make_network(sections[0].path, sections)
    assert network.size == (64, 32)
    assert network.layers[0].shape == (4, 32, 64)


def test_of_an_option_given_twice_the_first_counts_as_in_darknet(write: Callable[[str], Path]) -> None:
    network = read_network(
        write("[net]\nwidth=8\nwidth=16\nheight=8\nchannels=3\n[convolutional]\nfilters=2")
    )
    assert network.size == (8, 8)


def test_defaults_are_darknets(write: Callable[[str], Path], nets: ModuleType) -> None:
    text = nets.net(16) + "[convolutional]\n[maxpool]\nsize=3\n[maxpool]\nstride=2\n"
    conv, same, half = read_network(write(text)).layers
    assert isinstance(conv, Convolutional)
    assert (conv.shape, conv.kernel, conv.strides, conv.padding, conv.activation) == (
        (1, 16, 16),
        1,
        (1, 1),
        0,
        "logistic",
    )
    assert isinstance(same, Pool)
    assert (same.kernel, same.padding, same.pads, same.shape) == (3, 2, (1, 1), (1, 16, 16))
    assert isinstance(half, Pool)
    assert (half.kernel, half.strides, half.pads, half.shape) == (2, (2, 2), (0, 1), (1, 8, 8))


def test_layers_are_counted_from_the_first_or_back_from_here(
    write: Callable[[str], Path], nets: ModuleType
) -> None:
    text = (
        nets.net(16) + nets.conv(4) + nets.conv(6) + nets.route(-1, 0) + nets.route(2, groups=2, group_id=1)
    )
    *_, both, half = read_network(write(text)).layers
    assert isinstance(both, Route)
    assert (both.inputs, both.shape[0]) == ((1, 0), 10)
    assert (half.inputs, half.shape[0]) == ((2,), 5)


def test_a_head_takes_the_anchors_of_its_mask(write: Callable[[str], Path], nets: ModuleType) -> None:
    text = nets.net(32) + nets.out(14) + nets.yolo((0, 2), "1,2, 3,4, 5,6.5", 2, scale_x_y=1.2)
    (head,) = read_network(write(text)).heads
    assert isinstance(head, Yolo)
    assert head.anchors == ((1, 2), (5, 6.5))
    assert head.scale_x_y == 1.2


CONV = "[convolutional]\nfilters=4\nsize=3\npad=1\n"
HEAD = f"NET{CONV}[yolo]\n"
BAD = {
    "is not a Darknet cfg: it has no": "# nothing",
    "line 1: [metadata] is no Darknet cfg's first section": "[metadata]\nname = x\n",
    "line 1: 'hello there' is not a Darknet cfg": "hello there",
    "line 5: 'filters 3' is neither": "NET[convolutional]\nfilters 3".replace(
        "NET", "[net]\nwidth=8\nheight=8\n"
    ),
    "line 1: [net] is followed by no layer": "[net]\nwidth=8\nheight=8\nchannels=3",
    "line 1: [net] lacks height=": f"[net]\nwidth=8\nchannels=3\n{CONV}",
    "line 2: width=999999 is out of range": f"[net]\nwidth=999999\nheight=8\nchannels=3\n{CONV}",
    "line 2: width=-8 is out of range": f"[net]\nwidth=-8\nheight=8\nchannels=3\n{CONV}",
    "line 2: width=abc is not a number": f"[net]\nwidth=abc\nheight=8\nchannels=3\n{CONV}",
    "line 4: channels=2 is no picture": f"[net]\nwidth=8\nheight=8\nchannels=2\n{CONV}",
    "line 6: filters=1099511627776 is out of range": "NET[convolutional]\nfilters=1099511627776\n",
    "line 6: filters=-4 is out of range": "NET[convolutional]\nfilters=-4\n",
    "line 6: size=-3 is out of range": "NET[convolutional]\nsize=-3\n",
    "line 6: stride=0 is out of range": "NET[convolutional]\nstride=0\n",
    "line 6: groups=2 divides 3 channels": "NET[convolutional]\ngroups=2\nfilters=4",
    "line 6: activation=magic is unknown": "NET[convolutional]\nactivation=magic",
    "line 5: [convolutional] leaves nothing": "NET[convolutional]\nsize=9",
    "line 6: xnor=1 is not something": "NET[convolutional]\nxnor=1",
    "line 5: [lstm] remembers": "NET[lstm]\noutput=3",
    "line 5: [magic] is not a layer": "NET[magic]",
    "line 9: a second [net]": f"NET{CONV}[net]",
    "line 5: [route] lacks layers=": "NET[route]\n",
    "line 10: layers=5 is no layer before this one": f"NET{CONV}[route]\nlayers=5",
    "line 10: layers=-2 is no layer before this one": f"NET{CONV}[route]\nlayers=-2",
    "line 10: from=-9 is no layer": f"NET{CONV}[shortcut]\nfrom=-9",
    "line 12: joins": f"NET{CONV}[maxpool]\nstride=2\n[shortcut]\nfrom=0",
    "line 11: group_id=2 is out of range": f"NET{CONV}[route]\ngroups=2\ngroup_id=2\nlayers=0",
    "line 9: [reorg] stride=2 does not divide": "NET[convolutional]\nfilters=6\nsize=1\n[maxpool]\n[reorg]\nstride=2",
    "line 9: [yolo] needs 2 * (3 + 5) = 16 channels, but gets 4": HEAD + "classes=3\nnum=2\nmask=0,1",
    "line 11: 3 numbers in anchors": f"NET{CONV}[yolo]\nnum=2\nanchors=1,2,3\nclasses=3",
    "line 11: mask=0,7": f"NET{CONV}[yolo]\nnum=2\nmask=0,7\nclasses=3",
    "line 6: crop_height=9 is out of range": "NET[crop]\ncrop_height=9\ncrop_width=4",
    "line 9: [detection] needs 2 * 2 * (5 * 1 + 1) = 24": f"NET{CONV}[detection]\nside=2\ncoords=4",
    "tree=9k.tree is needed beside the cfg": f"NET{CONV}[region]\nclasses=3\nnum=1\ntree=../data/9k.tree".replace(
        "=4", "=8"
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_what_is_wrong_is_said_in_one_line_with_its_number(
    message: str, write: Callable[[str], Path]
) -> None:
    path = write(BAD[message].replace("NET", "[net]\nwidth=8\nheight=8\nchannels=3\n"))
    with pytest.raises(ModelError, match=re.escape(message)) as error:
        read_network(path)
    assert "net.cfg" in str(error.value)
    assert "\n" not in str(error.value)


def test_bytes_that_are_no_text_are_no_cfg(write: Callable[[bytes], Path]) -> None:
    with pytest.raises(ModelError, match="not text"):
        read_network(write(b"[net]\0\1\2"))


HOSTILE = {
    "a million layers": lambda: "[net]\nwidth=8\nheight=8\nchannels=3\n" + "[dropout]\n" * 1_000_000,
    "1000 sections": lambda: "[net]\nwidth=8\nheight=8\nchannels=3\n" + "[dropout]\n" * 3000,
    "values": lambda: "[net]\nwidth=4096\nheight=4096\nchannels=3\n[convolutional]\nfilters=2000000000\n",
    "GB for one picture": lambda: (
        "[net]\nwidth=2048\nheight=2048\nchannels=3\n"
        + "[convolutional]\nfilters=10\n" * 4
        + "[route]\nlayers=0,1,2,3\n"
    ),
    "weights, over": lambda: "[net]\nwidth=64\nheight=64\nchannels=3\n" + "[connected]\noutput=1000000\n" * 2,
    "operations": lambda: "[net]\nwidth=64\nheight=64\nchannels=3\n[maxpool]\nsize=16000001\n",
    "x": lambda: "[net]\nwidth=64\nheight=64\nchannels=3\n[upsample]\nstride=16000000\n",
}


@pytest.mark.parametrize("message", HOSTILE)
def test_a_hostile_cfg_is_refused_before_anything_is_made(message: str, write: Callable[[str], Path]) -> None:
    started = time.process_time()
    with pytest.raises(ModelError) as error:
        read_network(write(HOSTILE[message]()))
    assert message.split()[0] in str(error.value) or message == "a million layers"
    assert "\n" not in str(error.value)
    assert time.process_time() - started < 60  # far from what following it would take


def test_another_input_size_keeps_the_aspect_and_multiples_of_the_stride(
    write: Callable[[str], Path], nets: ModuleType
) -> None:
    path = write(nets.yolov3_tiny(416).replace("height=416", "height=224"))
    network = read_network(path)
    assert network.stride == 32
    assert size_for(network, None) is None
    assert size_for(network, 416) is None
    assert size_for(network, 320) == (320, 192)
    assert read_network(path, (320, 192)).heads[0].shape[1:] == (6, 10)
    with pytest.raises(UsageError, match="too small"):
        size_for(network, 32)


def test_a_network_with_fully_connected_layers_has_one_size(
    write: Callable[[str], Path], nets: ModuleType
) -> None:
    network = read_network(write(nets.yolov1_tiny()))
    with pytest.raises(UsageError, match="448x448 pixels only"):
        size_for(network, 320)


# As published: millions of parameters, billions of operations, and the length of the published file of weights.
FIGURES = {
    "yolov3": (61.9, 65.9, 248_007_048),
    "yolov4": (64.4, 60.1, 257_717_640),
    "yolov3-tiny": (8.85, 5.57, 35_434_956),
    "yolov4-tiny": (6.06, 6.91, 24_251_276),
    "yolov2": (50.96, 29.4, 203_934_260),
}


@pytest.mark.parametrize("name", FIGURES)
def test_published_structures_have_the_published_figures(
    name: str, write: Callable[[str], Path], nets: ModuleType
) -> None:
    parameters, flops, file_bytes = FIGURES[name]
    network = read_network(write(nets.PUBLISHED[name]()))
    assert network.parameters / 1e6 == pytest.approx(parameters, rel=0.002)
    assert network.flops / 1e9 == pytest.approx(flops, rel=0.003)
    assert file_bytes - 4 * network.weights == (
        16 if name == "yolov2" else 20
    )  # the header, of format 0.1 or 0.2
    sides = [head.shape[1] for head in network.heads]
    assert sides == {"yolov3": [13, 26, 52], "yolov4": [52, 26, 13], "yolov2": [13]}.get(name, [13, 26])
    assert all(head.shape[0] == (425 if name == "yolov2" else 255) for head in network.heads)
    assert network.classes == 80


def test_yolov1_tiny_ends_in_its_grid_of_seven(write: Callable[[str], Path], nets: ModuleType) -> None:
    network = read_network(write(nets.yolov1_tiny()))
    assert network.layers[-2].shape == (7 * 7 * (2 * 5 + 20), 1, 1)
    assert network.parameters / 1e6 == pytest.approx(27.1, rel=0.002)
    assert not network.takes_any_size
