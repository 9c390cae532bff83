"""Fast R-CNN: what it is given to look at, and what it says of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rtdet.detectors.family.counting import cost_of
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.family.weights import save_weights
from rtdet.detectors.fastrcnn.config import FastRcnnConfig
from rtdet.detectors.registry import load_detector
from rtdet.errors import UsageError
from rtdet.types import Thresholds

NAMES = ("a", "b")


@pytest.fixture
def picture():
    """A red box on grey."""
    made = np.full((64, 96, 3), 120, np.uint8)
    made[16:48, 24:56] = (20, 20, 220)
    return made


def network_and_input(picture):
    torch.manual_seed(0)
    network = build(new_config("fastrcnn-n", NAMES)).eval()
    return network, torch.from_numpy(picture).permute(2, 0, 1)[None].float()


def test_the_papers_numbers_are_the_defaults():
    config = FastRcnnConfig(NAMES)
    assert (config.proposals, config.region_samples, config.region_foreground) == (2000, 64, 0.25)
    assert (config.region_overlap, config.region_background) == (0.5, 0.1)
    assert not config.align


def test_its_regions_are_those_of_selective_search_filled_up_with_nothing(picture):
    config = new_config("fastrcnn-n", NAMES)
    regions = config.find_regions(picture)
    assert regions.shape == (750, 4)
    assert [24, 16, 56, 48] in regions.tolist()
    assert (regions[-1] == 0).all()
    regions[:] = 7
    assert (config.find_regions(picture)[-1] == 0).all()  # what is remembered is nobody else's


def test_without_regions_it_searches_for_them_itself(picture):
    network, image = network_and_input(picture)
    with torch.no_grad():
        found = network.decode(network(image))
        given = network.decode(network(image, network.search(image)))
    torch.testing.assert_close(found[0], given[0])
    torch.testing.assert_close(found[1], given[1])


def test_what_only_fills_up_scores_nothing(picture):
    network, image = network_and_input(picture)
    with torch.no_grad():
        seen = network(image)
        scores = network.decode(seen)[1]
    is_real = (seen.regions[0, :, 2:] > seen.regions[0, :, :2]).all(1)
    assert is_real.any()
    assert (scores[0, ~is_real] == 0).all()
    assert (scores[0, is_real].sum(1) > 0).all()


def test_roi_pooling_and_roi_align_look_at_the_same_places(picture):
    torch.manual_seed(0)
    for align in (True, False):
        network = build(replace(new_config("fastrcnn-n", NAMES), align=align)).eval()
        shared = torch.zeros(1, 96, 8, 12)
        shared[0, :, 4, 6] = 1  # at pixels 48 to 56, 32 to 40
        regions = torch.tensor([[[40.0, 24, 64, 48], [0, 0, 16, 16]]])
        with torch.no_grad():
            network.head.score.weight.fill_(0.1)
            network.head.body[0].weight.fill_(0.1)
            there, elsewhere = network.look(shared, regions)[0].abs().amax(1)
        assert there > elsewhere


def test_the_cost_counts_the_look_at_every_region():
    network = build(new_config("fastrcnn-n", NAMES))
    cost = cost_of(network, (320, 320)).multiply_adds
    head = 96 * 49 * 192 + 192 * (3 + 4)
    trunk_alone = cost_of(network.backbone, (320, 320)).multiply_adds
    assert cost == trunk_alone + 750 * head


def test_with_roi_pooling_it_runs_in_torch_and_openvino_is_refused_in_one_line(picture, tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "mine.safetensors"
    save_weights(build(replace(new_config("fastrcnn-n", NAMES), align=False)), path)
    detector = load_detector(path, device="cpu", imgsz=96, thresholds=Thresholds(0.01))
    assert detector.network.backend == "torch"
    assert len(detector.detect([picture])) == 1
    detector.close()
    with pytest.raises(UsageError, match="needs RoI pooling; use --backend torch") as caught:
        load_detector(path, device="cpu", imgsz=96, backend="openvino")
    assert "\n" not in str(caught.value)
