"""What every family promises: a new line in FAMILIES is tested here at once, by its smallest name."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from rtdet.backends import open_network
from rtdet.detectors.family.counting import cost_of
from rtdet.detectors.family.graph import graph_of
from rtdet.detectors.family.registry import FAMILIES, build, config_class, new_config, trainable
from rtdet.detectors.family.truth import Truth
from rtdet.detectors.family.weights import load_weights, read_config, save_weights
from rtdet.detectors.registry import load_detector
from rtdet.errors import ModelError, UnknownModelError, UnknownNameError, UsageError
from rtdet.geometry.boxes import iou
from rtdet.geometry.letterbox import Letterbox
from rtdet.training.start import with_classes
from rtdet.types import Thresholds

# SSD's own tests are in ../ssd.
NAMES = [name for name in trainable() if name.endswith("-n") and name not in ("ssd-n", "csp-n")]
# The two-stage ones have tests of their own that they learn.
ONE_STAGE = [name for name in NAMES if "rcnn" not in name and "window" not in name]
CLASSES = ("cat", "dog", "cow")


def made(name, class_names=CLASSES):
    """A fresh network of that name, whose weights say something about a picture."""
    torch.manual_seed(0)
    network = build(new_config(name, class_names))
    for parameter in network.parameters():
        if parameter.ndim == 4 and parameter.std() < 0.02:  # outputs start by saying nearly nothing
            torch.nn.init.normal_(parameter, std=0.02)
    return network


def size_of(network):
    multiple = network.config.multiple
    return network.config.input_size or (max(96, multiple), max(64, multiple))


def given_to(network, picture):
    """The inputs of a network's graph: a picture, and its regions where the network is told where to look."""
    if not network.config.region_count:
        return (picture,)
    return picture, network.search(torch.from_numpy(picture)).numpy()


def truths(size):
    """Two pictures: one with two objects, one with none but a region of which nothing is known."""
    width, height = size
    boxes = torch.tensor([[0.1, 0.1, 0.5, 0.7], [0.6, 0.3, 0.8, 0.6]]) * torch.tensor([width, height] * 2)
    everywhere = torch.tensor([[-1.0, -1.0, width + 1, height + 1]])
    return [
        Truth(boxes, torch.tensor([1, 0]), torch.zeros(0, 4)),
        Truth(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), everywhere),
    ]


def test_every_family_has_a_small_name_of_its_own():
    assert {new_config(name, CLASSES).family for name in NAMES} == FAMILIES.keys() - {"ssd"}


@pytest.mark.parametrize("name", NAMES)
def test_its_configuration_comes_back_from_json_and_says_its_name(name):
    config = new_config(name, CLASSES)
    assert config_class(config.family).from_dict(config.as_dict()) == config
    assert config.architecture == name


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_of_it_learns_and_its_losses_have_the_names_that_it_says(name):
    network = made(name).train()
    size = size_of(network)
    images = torch.rand(2, 3, size[1], size[0]) * 255
    losses = network.criterion(network(images), truths(size), size)
    assert tuple(losses.parts) == network.loss_names
    assert losses.positives > 0
    losses.total.backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_learnt_of_a_picture_of_which_nothing_is_known(name):
    network = made(name).eval()
    size = size_of(network)
    unknown = truths(size)[1]
    images = torch.rand(1, 3, size[1], size[0]) * 255
    assert float(network.criterion(network(images), [unknown], size).total.detach()) == 0
    without_region = unknown._replace(ignored=torch.zeros(0, 4))
    assert float(network.criterion(network(images), [without_region], size).total.detach()) > 0
    incomplete = without_region._replace(incomplete=torch.ones(len(CLASSES), dtype=torch.bool))
    assert float(network.criterion(network(images), [incomplete], size).total.detach()) == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_every_back_end_computes_what_torch_computes_at_any_input(name, backend, tmp_path):
    network = made(name).eval()
    path = tmp_path / "mine.safetensors"
    save_weights(network, path)
    network = load_weights(path)
    for width, height in [size_of(network), network.config.input_size or (128, 256)]:
        shape = (1, 3, height, width)
        picture = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
        with torch.no_grad():
            inputs = given_to(network, picture)
            expected = [part.numpy() for part in network.as_graph()(*map(torch.from_numpy, inputs))]
        shapes = tuple(one.shape for one in inputs)
        graph = graph_of(path, shapes, backend) or network.as_graph()
        opened = open_network(graph, shapes, backend=backend, device="cpu", precision="fp32")
        (outputs,) = opened.run_many([inputs])
        opened.close()
        assert [output.shape for output in outputs] == [part.shape for part in expected]
        np.testing.assert_allclose(outputs[0], expected[0], atol=0.05, rtol=1e-4)
        np.testing.assert_allclose(outputs[1], expected[1], atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_opens_as_a_detector_with_its_classes(name, tmp_path):
    network = made(name)
    save_weights(network, tmp_path / "mine.safetensors")
    options = {} if network.config.input_size else {"imgsz": 64}
    detector = load_detector(
        tmp_path / "mine.safetensors", thresholds=Thresholds(0.0), device="cpu", backend="torch", **options
    )
    picture = np.random.default_rng(0).integers(0, 255, (50, 80, 3), dtype=np.uint8)
    (found,) = detector.detect([picture])
    detector.close()
    assert tuple(detector.class_names) == CLASSES
    assert (found.boxes >= 0).all()
    assert (found.boxes <= [80, 50, 80, 50]).all()
    assert ((found.scores >= 0) & (found.scores <= 1)).all()


@pytest.mark.parametrize("name", NAMES)
def test_classes_that_are_kept_keep_their_scores_and_their_boxes(name):
    network = made(name).eval()
    tuned = with_classes(network, ("cow", "bus", "cat"))
    size = size_of(network)
    images = torch.rand(1, 3, size[1], size[0]) * 255
    with torch.no_grad():
        boxes, scores = network.decode(network(images))
        boxes_now, scores_now = tuned.decode(tuned(images))
    torch.testing.assert_close(boxes_now, boxes)
    if not network.scores_compete:
        torch.testing.assert_close(scores_now[..., [2, 0]], scores[..., [0, 2]])


@pytest.mark.parametrize("name", NAMES)
def test_rescaled_scores_are_rescaled_logits(name):
    network = made(name).eval()
    if not network.can_be_calibrated:
        pytest.skip("its scores are no sigmoid of one number")
    size = size_of(network)
    images = torch.rand(1, 3, size[1], size[0]) * 255
    with torch.no_grad():
        before = network.decode(network(images))[1]
        network.rescale_scores(0.5, -1.0)
        after = network.decode(network(images))[1]
    said = (before > 0) & (after > 0)
    assert said.any()
    torch.testing.assert_close(after.logit()[said], 0.5 * before.logit()[said] - 1, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_network_comes_back(name, tmp_path):
    network = made(name).eval()
    save_weights(network, tmp_path / "mine.safetensors")
    again = load_weights(tmp_path / "mine.safetensors")
    assert again.config == network.config
    for key, value in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[key], value, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_two_cores_can_train_it(name):
    with torch.device("meta"):
        network = build(new_config(name, CLASSES))
    cost = cost_of(network, network.config.input_size or (384, 384))
    assert cost.parameters < 8e6
    assert cost.multiply_adds < 3e9


def test_names_and_files_are_known_without_torch(tmp_path):
    path = tmp_path / "mine.safetensors"
    save_weights(made("centernet-n"), path)
    code = (
        "import sys; from pathlib import Path; from rtdet.detectors.family.registry import new_config, trainable;"
        "from rtdet.detectors.family.weights import read_config;"
        "[new_config(name, ('a',)) for name in trainable()];"
        f"assert read_config(Path({str(path)!r})).family == 'centernet'; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_does_not_go_together_is_one_line():
    with pytest.raises(UnknownModelError, match="did you mean centernet-n"):
        new_config("centrenet-n", CLASSES)
    with pytest.raises(UsageError, match="ssd-n has its own backbone"):
        new_config("ssd-n", CLASSES, "vgg16")


def test_settings_of_a_network_can_be_changed_and_wrong_ones_are_one_line():
    assert new_config("yolov4-n", CLASSES, changes={"mish": False}).mish is False
    with pytest.raises(UnknownNameError, match="did you mean mish"):
        new_config("yolov4-n", CLASSES, changes={"mihs": False})
    with pytest.raises(UsageError, match="--set: the setting mish has 7"):
        new_config("yolov4-n", CLASSES, changes={"mish": 7})
    with pytest.raises(UsageError, match="ssd-n has no settings to change"):
        new_config("ssd-n", CLASSES, changes={"neck": 7})


def changed(path, out, **changes):
    """The file with other values in the configuration of its header."""
    import json

    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    config = json.loads(header["__metadata__"]["config"]) | changes
    header["__metadata__"]["config"] = json.dumps(config)
    header["__metadata__"]["family"] = changes.get("family", header["__metadata__"].get("family", ""))
    text = json.dumps(header).encode()
    out.write_bytes(len(text).to_bytes(8, "little") + text + content[end:])
    return out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"wings": 2}, "'wings' is unknown to this version of rtdet"),
        ({"family": "yolov99"}, "'yolov99', which this version of rtdet does not know"),
        ({"head_channels": 10**9}, "head_channels has 1000000000"),
        ({"head_channels": "many"}, "head_channels has 'many'"),
        ({"up_channels": [64, 64]}, "up_channels has"),
        ({"skips": 1}, "skips has 1"),
        ({"class_names": []}, "0 classes"),
        ({"class_names": "cat"}, "class_names has 'cat'"),
        ({"input_size": [99999, 32]}, "input"),
    ],
)
def test_a_header_that_says_what_is_not_known_is_one_line(changes, words, tmp_path):
    save_weights(build(new_config("centernet-n", CLASSES)), tmp_path / "mine.safetensors")
    path = changed(tmp_path / "mine.safetensors", tmp_path / "other.safetensors", **changes)
    for attempt in (read_config, load_detector):
        with pytest.raises(ModelError) as caught:
            attempt(path)
        assert words in str(caught.value)
        assert "other.safetensors" in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("ssd-n", {"widths": []}),
        ("ssd-n", {"neck": 8192}),
        ("yolov3-n", {"anchors": []}),
        ("yolov3-n", {"widths": [8192, 8192, 8192]}),
        ("centernet-n", {"up_channels": [0, 0, 0]}),
        ("fasterrcnn-n", {"stride": 7}),
        ("retinanet-n", {"scales": []}),
    ],
)
def test_a_header_of_no_network_or_of_a_larger_one_is_one_line_before_any_memory_is_taken(
    name, changes, tmp_path
):
    save_weights(build(new_config(name, CLASSES)), tmp_path / "mine.safetensors")
    path = changed(tmp_path / "mine.safetensors", tmp_path / "other.safetensors", **changes)
    with pytest.raises(ModelError, match=r"other.safetensors is damaged: [^\n]+$"):
        load_weights(path)


def test_the_header_of_an_ssd_may_not_say_what_is_not_known_either(tmp_path):
    save_weights(build(new_config("ssd-n", CLASSES)), tmp_path / "mine.safetensors")
    path = changed(tmp_path / "mine.safetensors", tmp_path / "other.safetensors", wings=2)
    with pytest.raises(ModelError, match="'wings' is unknown"):
        load_detector(path)


def test_the_parts_of_a_loss_become_the_columns_of_the_log(squares, tmp_path):
    from rtdet.training import TrainingSettings, train

    settings = TrainingSettings(squares, model="centernet-n", size=64, batch=2, steps=2)
    trained = train(settings, tmp_path / "run")
    columns = (tmp_path / "run" / "log.csv").read_text().splitlines()[0].split(",")
    assert columns[:6] == ["step", "lr", "loss", "heat_loss", "size_loss", "offset_loss"]
    assert (tmp_path / "run" / "curves.png").is_file()
    card = (tmp_path / "run" / "card.toml").read_text()
    assert 'kind = "family"' in card
    assert "parameters" in card
    assert read_config(trained.model).class_names == ("square",)


def picture_of(size):
    """A noisy grey picture (1, 3, H, W) with a blue and a red rectangle, and where they are."""
    rng = np.random.default_rng(0)
    width, height = size
    image = 110 + rng.normal(0, 8, (height, width, 3))
    boxes = np.array([[0.1, 0.15, 0.45, 0.6], [0.55, 0.4, 0.9, 0.8]]) * np.array([width, height] * 2)
    boxes = boxes.round()
    for (x1, y1, x2, y2), color in zip(boxes.astype(int), [(230, 80, 20), (30, 60, 230)], strict=True):
        image[y1:y2, x1:x2] = color
    return torch.from_numpy(image.clip(0, 255)).permute(2, 0, 1)[None].float(), boxes


@pytest.mark.timeout(400)  # four seconds of a core for each, which others may want too
@pytest.mark.parametrize("name", ONE_STAGE)
def test_a_picture_is_learnt_by_heart(name):
    torch.manual_seed(0)
    config = new_config(name, ("blue", "red"))
    if config.input_size is not None:
        config = new_config(name, ("blue", "red"), None, (96, 96))
    network = build(config)
    size = config.input_size or (max(96, config.multiple),) * 2
    image, boxes = picture_of(size)
    truth = Truth(torch.from_numpy(boxes).float(), torch.tensor([0, 1]), torch.zeros(0, 4))
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3)
    network.train()
    for _ in range(40):
        losses = network.criterion(network(image.repeat(2, 1, 1, 1)), [truth, truth], size)
        optimizer.zero_grad()
        losses.total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
    # Norms as in training: their averages need more steps than these.
    with torch.no_grad():
        outputs = network(image.repeat(2, 1, 1, 1))
    back = Letterbox((1, 1), (0, 0), size)
    found = network.detections(outputs, size, [back, back], Thresholds(0.02))[0]
    for row, label in zip(boxes, (0, 1), strict=True):
        best = int(np.flatnonzero(found.labels == label)[0])
        assert iou(found.boxes[best][None], row[None])[0, 0] > 0.5
