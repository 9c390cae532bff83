from __future__ import annotations

import pytest
import torch

from rtdet.detectors.classifier.config import ClassifierConfig
from rtdet.detectors.classifier.names import OWN_TRUNKS
from rtdet.detectors.classifier.network import Classifier
from rtdet.detectors.classifier.taking import Pretrained, take_trunk, trunk_in
from rtdet.detectors.classifier.trunks import TRUNKS, trunk_kind, trunk_name
from rtdet.detectors.family.registry import build, new_config, trainable
from rtdet.errors import ModelError, UnknownNameError, UsageError

# Names of whole networks, with the backbone that a classifier for them has.
OF_MODELS = {
    "ssd300": "vgg16", "ssd512": "vgg16", "ssdlite320": "mobilenet_v3_large_reduced", "ssd-n": "narrow",
    "csp-n": "csp", "centernet": "resnet18", "yolov1": "darknet", "yolov3": "darknet53", "retinanet": "resnet50",
    "fcos": "resnet50", "yolox-nano": "csp", "yolov4": "cspdarknet53", "yolov4-n": "cspdarknet-n",
    "fastrcnn": "vgg16", "fasterrcnn": "vgg16", "efficientdet-d0": "tf_efficientnet_b0", "fcos-n": "narrow",
}  # fmt: skip


def classifier(name: str, seed: int = 0) -> Classifier:
    torch.manual_seed(seed)
    network = Classifier(ClassifierConfig(("a", "b"), (64, 64), backbone=name)).eval()
    for value in network.state_dict().values():  # statistics of norms that are not those of a fresh one
        if value.ndim == 1 and value.dtype.is_floating_point:
            value.uniform_(0.5, 1.5)
    return network


def trained(network: Classifier) -> Pretrained:
    part, state = trunk_in(network), network.state_dict()
    return Pretrained(part.name, tuple(state[name] for name in part.tensors), part.input, "a test")


@pytest.mark.parametrize("name", trainable())
def test_every_network_that_can_be_trained_has_a_backbone_that_a_classifier_can_have(name):
    with torch.device("meta"):
        network = build(new_config(name, ("a",)))
        part, state = trunk_in(network), network.state_dict()
        alone = trunk_kind(part.name).build().state_dict()
    assert part.name == OF_MODELS.get(name, part.name)
    shapes = [value.shape for key, value in alone.items() if not key.endswith("num_batches_tracked")]
    assert [state[tensor].shape for tensor in part.tensors] == shapes[: len(part.tensors)]
    assert len(part.tensors) == len(shapes)


def test_the_help_lists_the_backbones_that_there_are():
    assert OWN_TRUNKS.keys() == TRUNKS.keys()
    assert trunk_name("csp-n") == "csp"
    assert trunk_name("mobilenetv3_small_050") == "mobilenetv3_small_050"
    with pytest.raises(UnknownNameError, match="resnet18"):
        trunk_name("resnet81")


@pytest.mark.parametrize("model", ["ssd-n", "centernet-n", "yolov1-n", "csp-n", "yolox-nano", "yolov4-n"])
def test_a_detector_sees_with_a_taken_backbone_what_the_classifier_saw(model):
    source = classifier(trunk_name(model))
    network = build(new_config(model, ("x", "y", "z"))).eval()
    assert take_trunk(network, trained(source)) == len(trunk_in(network).tensors)
    images = torch.rand(1, 3, 64, 64) * 255
    seen: list[torch.Tensor] = []
    with torch.no_grad():
        wanted = source.backbone(source.input(images))
        network.backbone.register_forward_hook(lambda module, given, maps: seen.extend(maps))
        network(images)
    for one, other in zip(seen, wanted, strict=True):
        # ssd-n divides by 64 what the others divide by 63.75, which the first layer's weights make up for.
        assert torch.allclose(one, other, atol=0.05 * float(other.abs().max()))


def test_the_papers_ssd_takes_vgg_16_whose_pixels_are_others():
    source = classifier("vgg16")
    network = build(new_config("ssd300", ("x",), "vgg16", (64, 64))).eval()
    assert take_trunk(network, trained(source)) == 26
    images = torch.rand(1, 3, 64, 64) * 255
    with torch.no_grad():
        wanted = source.backbone(source.input(images))[0]
        inside = network.early((images.flip(1) / 255 - network.mean) / network.std)
    middle = (slice(None), slice(None), slice(3, 5), slice(3, 5))  # the border is padded with other zeros
    assert torch.allclose(inside[middle], wanted[middle], atol=0.05 * float(wanted.abs().max()))


def test_another_backbone_is_an_error_that_names_both():
    network = build(new_config("csp-n", ("x",)))
    with pytest.raises(ModelError, match="the backbone of csp-n is csp; that of a test is narrow"):
        take_trunk(network, trained(classifier("narrow")))
    changed = build(new_config("yolov4-n", ("x",), changes={"mish": False}))
    with pytest.raises(ModelError, match="without Mish"):
        take_trunk(changed, trained(classifier("cspdarknet-n")))


def test_settings_of_a_classifier_that_make_no_sense_are_errors():
    with pytest.raises(UsageError, match="label_smoothing"):
        Classifier(ClassifierConfig(("a", "b"), (64, 64), label_smoothing=1.0))
    with pytest.raises(UsageError, match="vit_tiny_patch16_224 cannot be used as a backbone"):
        Classifier(ClassifierConfig(("a", "b"), (64, 64), backbone="vit_tiny_patch16_224"))
