from __future__ import annotations

import hashlib
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner

from rtdet.cache import seal
from rtdet.cli.models import command
from rtdet.detectors import cards
from rtdet.detectors.cards import model_card, model_names, read_card
from rtdet.detectors.coco import COCO_CLASSES
from rtdet.detectors.registry import DETECTORS, load_detector, weights_of
from rtdet.detectors.selection import check_classes, select, wanted_class
from rtdet.errors import DownloadError, ModelError, UnknownNameError, UsageError
from rtdet.types import Thresholds

TORCHVISION = [
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fcos_resnet50_fpn",
    "retinanet_resnet50_fpn_v2",
    "ssd300_vgg16",
    "ssdlite320_mobilenet_v3_large",
]


def test_every_card_says_what_its_model_is_and_where_its_weights_are() -> None:
    assert set(TORCHVISION) <= set(model_names())
    for name in model_names():
        card = model_card(name)
        assert card.name == name
        assert card.kind in DETECTORS
        assert card.description
        assert card.licence
        assert card.classes
        if card.url:
            assert card.url.startswith("https://")
            assert re.fullmatch(r"[0-9a-f]{8,64}", card.sha256)
            assert card.size > 100_000


def test_the_cards_of_torchvision_agree_with_torchvision() -> None:
    torchvision = pytest.importorskip("torchvision")
    for name in TORCHVISION:
        weights = torchvision.models.get_model_weights(name).DEFAULT
        card = model_card(name)
        assert card.url == weights.url
        assert f"-{card.sha256}." in weights.url
        assert card.classes == COCO_CLASSES


def test_a_card_that_is_not_one_is_named(tmp_path: Path) -> None:
    for content in ("name = ", 'name = "a"', 'name = "a"\nclasses = 3\nkind = "ssd"'):
        path = tmp_path / f"card{len(content)}.toml"
        path.write_text(content)
        with pytest.raises(ModelError, match=path.name):
            read_card(path)


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean ssd300_vgg16") as error:
        load_detector("ssd300_vgg61")
    assert isinstance(error.value, ModelError)
    assert error.value.exit_code == 4


def test_a_path_that_is_not_there_is_a_model_error() -> None:
    for path in ("gone.onnx", "some/folder/gone.safetensors", "gone.pth", "./gone"):
        with pytest.raises(ModelError, match="there is no model file") as error:
            load_detector(path)
        assert error.value.exit_code == 4


def test_a_file_of_another_kind_and_a_folder_are_model_errors(tmp_path: Path) -> None:
    other = tmp_path / "model.caffemodel"
    other.write_bytes(b"1")
    with pytest.raises(ModelError, match=r"\.safetensors, \.onnx"):
        load_detector(other)
    with pytest.raises(ModelError, match="no model file"):
        load_detector(f"{tmp_path}/")


def test_the_half_of_a_network_that_holds_its_weights_names_the_other(tmp_path: Path) -> None:
    for name, whole in (("net.bin", "net.xml"), ("net.onnx.data", "net.onnx")):
        path = tmp_path / name
        path.write_bytes(np.ones(16, np.float32).tobytes())
        with pytest.raises(ModelError, match=rf"put {re.escape(whole)} beside it and name that"):
            load_detector(path)
        (tmp_path / whole).write_text("")
        with pytest.raises(ModelError, match=rf"name the file beside it: --model \S+/{re.escape(whole)}"):
            load_detector(path)


def test_a_damaged_or_foreign_safetensors_file_is_a_model_error(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(3)}, foreign)
    (tmp_path / "half.safetensors").write_bytes(foreign.read_bytes()[:20])
    (tmp_path / "empty.safetensors").write_bytes(b"")
    for path in tmp_path.glob("*.safetensors"):
        with pytest.raises(ModelError, match=path.name) as error:
            load_detector(path)
        assert "\n" not in str(error.value)


def test_an_unknown_class_names_the_nearest_before_anything_is_fetched(
    tiny_yolox: ModuleType, tmp_path: Path
) -> None:
    thresholds = Thresholds(classes=frozenset({"persn"}))
    with pytest.raises(UnknownNameError, match="unknown class 'persn': did you mean person"):
        load_detector("ssd300_vgg16", thresholds=thresholds, offline=True)
    path = tiny_yolox.save_tiny_yolox(tmp_path / "tiny.onnx", classes=80)
    with pytest.raises(UnknownNameError, match="person"):
        load_detector(path, thresholds=thresholds)
    chosen = load_detector(str(path), thresholds=Thresholds(classes=frozenset({"person"})))
    assert chosen.thresholds.classes == {"person"}


def test_classes_may_be_wanted_by_their_group(tiny_yolox: ModuleType, tmp_path: Path) -> None:
    path = tiny_yolox.save_tiny_yolox(tmp_path / "tiny.onnx", classes=80)
    load_detector(path, thresholds=Thresholds(classes=frozenset({"vehicles", "dog"}))).close()
    with pytest.raises(UnknownNameError, match="did you mean vehicles"):
        load_detector(path, thresholds=Thresholds(classes=frozenset({"vehicels"})))
    names = ("person", "car", "dog", "bus")
    kept = wanted_class(np.arange(4), Thresholds(classes=frozenset({"vehicles", "dog"})), names)
    assert kept.tolist() == [False, True, True, True]


def test_a_group_of_which_the_model_knows_no_class_is_said_to_be_that() -> None:
    with pytest.raises(UsageError, match=r"no class of the group 'food'; it knows person, dog$"):
        check_classes(Thresholds(classes=frozenset({"food"})), ("person", "dog"))
    with pytest.raises(UnknownNameError, match=r"known: person, dog, people, animals$"):
        check_classes(Thresholds(classes=frozenset({"bottle"})), ("person", "dog"))
    check_classes(Thresholds(classes=frozenset({"food"})), ("food", "dog"))


def test_a_model_that_is_not_here_is_not_fetched_offline() -> None:
    with pytest.raises(DownloadError, match="--offline"):
        load_detector("ssd300_vgg16", offline=True)


def test_an_embedded_model_whose_weights_are_missing_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text('name = "mine"\nkind = "ssd"\nclasses = ["a"]\n')
    monkeypatch.setattr(cards, "models_folder", lambda: tmp_path)
    monkeypatch.setattr("rtdet.detectors.registry.models_folder", lambda: tmp_path)
    assert model_names() == ["mine"]
    with pytest.raises(ModelError, match=r"mine\.safetensors"):
        weights_of(model_card("mine"))


class TestModelsCommand:
    def run(self, *arguments: str) -> str:
        result = CliRunner().invoke(command, arguments, catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    def test_lists_every_model_with_and_without_the_word_list(self) -> None:
        assert self.run() == self.run("list")
        for name in model_names():
            assert name in self.run("list")

    def test_shows_a_card(self) -> None:
        text = self.run("show", "ssd300_vgg16")
        for part in ("person, bicycle, car", "licence", "https://download.pytorch.org/", "b556d3b4"):
            assert part in text

    def test_pulls_into_the_cache_once(self, own_cache: Path) -> None:
        content = b"weights"
        card = model_card("ssd300_vgg16")
        assert hashlib.sha256(content).hexdigest()[:8] != card.sha256
        kept = own_cache / "models" / card.url.rpartition("/")[2]
        kept.parent.mkdir()
        kept.write_bytes(content)
        seal(kept)  # as a fetch does with what it has verified
        assert str(kept) in self.run("pull", "ssd300_vgg16")
        assert "in the cache" in self.run("list")

    def test_an_unknown_name_is_an_error(self) -> None:
        with pytest.raises(UnknownNameError):
            self.run("show", "ssd30")


def test_boxes_that_no_one_should_see_are_dropped() -> None:
    import numpy as np

    boxes = np.array(
        [[0, 0, 10, 10], [np.nan, 0, 5, 5], [9, 9, 3, 3], [4, 4, 4, 9], [0, 0, np.inf, 5], [50, 50, 60, 60]]
    )
    scores = np.array([0.5, 0.9, 0.9, 0.9, 0.9, np.nan])
    found = select(boxes, scores, np.zeros(6, dtype=np.int64), Thresholds(), ("a",))
    np.testing.assert_array_equal(found.boxes, [[0, 0, 10, 10]])
