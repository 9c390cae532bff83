from __future__ import annotations

import pytest
import torch

from rtdet.detectors.ssd.architectures import build_network
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.csp import both
from rtdet.detectors.ssd.priors import make_priors

CONFIG = SSDConfig(("a", "b"), (8, 8, 16, 16, 16), (1, 1, 1, 1), 8, architecture="csp-n")


@pytest.mark.parametrize("size", [(64, 96), (96, 64)])
def test_the_network_answers_for_each_prior(size):
    with torch.no_grad():
        offsets, logits = build_network(CONFIG).eval()(torch.zeros(2, 3, size[1], size[0]))
    count = len(make_priors(CONFIG.levels, size))
    assert offsets.shape == (2, count, 4)
    assert logits.shape == (2, count, 2)


def test_it_starts_by_believing_in_objects_with_one_percent():
    with torch.no_grad():
        _, logits = build_network(CONFIG).eval()(torch.rand(1, 3, 64, 64) * 255)
    assert 0.005 < float(logits.sigmoid().mean()) < 0.02


def test_every_weight_learns():
    model = build_network(CONFIG)
    offsets, logits = model(torch.rand(2, 3, 64, 64) * 255)
    (offsets.square().sum() + logits.square().sum()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_its_configuration_survives_the_weights_file():
    assert SSDConfig.from_dict(CONFIG.as_dict()) == CONFIG


def test_a_score_is_the_product_of_object_and_class():
    a, b = torch.tensor([-3.0, 0.0, 2.0, 60.0, -60.0]), torch.tensor([1.0, 0.0, -4.0, 60.0, 60.0])
    torch.testing.assert_close(both(a, b).sigmoid(), a.sigmoid() * b.sigmoid())
    extreme = both(torch.tensor([200.0, -200.0]), torch.tensor([200.0, -200.0]))
    assert extreme.isfinite().all()


def test_rescaling_acts_on_the_final_logits_and_adds_up():
    model, picture = build_network(CONFIG).eval(), torch.rand(1, 3, 64, 64) * 255
    with torch.no_grad():
        before = model(picture)[1]
        model.rescale_scores(2.0, -1.0)
        model.rescale_scores(0.5, 3.0)
        torch.testing.assert_close(model(picture)[1], (before * 2 - 1) * 0.5 + 3)


def test_weights_from_before_classes_had_a_scale_of_their_own_are_read():
    model, picture = build_network(CONFIG).eval(), torch.rand(1, 3, 64, 64) * 255
    weights = model.state_dict() | {"score_scale": torch.tensor(2.0), "score_shift": torch.tensor(-1.0)}
    old = build_network(CONFIG).eval()
    old.load_state_dict(weights)
    with torch.no_grad():
        torch.testing.assert_close(old(picture)[1], model(picture)[1] * 2 - 1)
