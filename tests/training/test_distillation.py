from __future__ import annotations

import pytest
import torch
from torch import nn

from rtdet.detectors.family.truth import Truth
from rtdet.detectors.ssd.architectures import build_network
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.training.distillation import Distillation, Teacher, divergence, everything

CONFIG = SSDConfig(("a", "b", "c"), (8, 8, 16, 16, 16), (1, 1, 1, 1), 8, architecture="csp-n")
IMAGES = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0)) * 255


def truth(*incomplete: bool) -> Truth:
    nothing = torch.zeros(0, 4)
    return Truth(nothing, torch.zeros(0, dtype=torch.long), nothing, incomplete=torch.tensor(incomplete))


@pytest.fixture
def networks():
    """A teacher that sees something in places, and a student that does not yet."""
    torch.manual_seed(0)
    teacher, student = build_network(CONFIG).eval(), build_network(CONFIG).eval()
    for head in teacher.heads:
        for last in (head.classes, head.objects, head.boxes):
            nn.init.normal_(last.bias, std=1.5)
    return teacher, student


def test_who_sees_what_the_teacher_sees_has_nothing_to_learn(networks):
    teacher, _ = networks
    offsets, logits = teacher(IMAGES)
    loss = Distillation([Teacher(teacher)])(IMAGES, [truth(True, True, True)] * 2, offsets, logits)
    assert float(loss.detach()) == pytest.approx(0, abs=1e-4)


def test_only_classes_are_learnt_for_which_the_labels_of_the_picture_are_incomplete(networks):
    teacher, student = networks
    offsets, logits = (x.detach().requires_grad_() for x in student(IMAGES))
    Distillation([Teacher(teacher)])(IMAGES, [truth(False, True, False), truth()], offsets, logits).backward()
    assert (logits.grad[0, :, 1] != 0).all()
    assert (logits.grad[0, :, [0, 2]] == 0).all()
    assert (logits.grad[1] == 0).all()
    assert (offsets.grad[0] != 0).any()
    assert (offsets.grad[1] == 0).all()


def test_boxes_are_learnt_where_the_teacher_sees_something(networks):
    teacher, student = networks
    offsets, logits = student(IMAGES)
    losses = [
        Distillation([Teacher(teacher)], weight=0, sure=sure)(
            IMAGES, [truth(True, True, True)] * 2, offsets, logits
        )
        for sure in (0.05, 1.0)
    ]
    assert float(losses[0].detach()) > 0
    assert float(losses[1].detach()) == 0


def test_the_student_comes_to_see_what_the_teacher_does_and_the_teacher_stays(networks):
    teacher, student = networks
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    distillation, asked = Distillation([Teacher(teacher)]), [truth(True, True, True)] * 2
    optimizer = torch.optim.Adam(student.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        loss = distillation(IMAGES, asked, *student(IMAGES))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.3 * losses[0]
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())


def test_networks_whose_classes_share_a_softmax_cannot_teach():
    config = SSDConfig(("a",), (8, 8, 8, 8, 8), (1, 1, 1), 8, background=True)
    with pytest.raises(ValueError, match="sigmoid"):
        Distillation([Teacher(build_network(config))])


def test_divergence_is_nothing_between_equals_and_grows_with_the_difference():
    teacher = torch.tensor([-4.0, -2.0, 0.0, 3.0])
    assert divergence(teacher, teacher).abs().max() < 1e-6
    near, far = divergence(teacher + 0.5, teacher), divergence(teacher + 1.0, teacher)
    assert (near > 0).all()
    assert (far > near).all()


def test_of_two_teachers_the_last_that_is_asked_for_a_class_is_listened_to(networks):
    teacher, expert = networks
    second = torch.tensor([False, True, False])

    def by_expert(truth, classes):
        return second & bool(truth.incomplete.any())

    distillation = Distillation([Teacher(teacher, everything), Teacher(expert, by_expert)], logit_weight=1)
    with torch.no_grad():
        offsets, logits = teacher(IMAGES)
        theirs = expert(IMAGES)[1]
    truths = [truth(True, False, False), truth()]
    assert float(distillation(IMAGES, truths, offsets, logits)) > 0.01
    mixed = logits.clone()
    mixed[0, :, 1] = theirs[0, :, 1]
    scores_only = Distillation(distillation.teachers, logit_weight=1, box_weight=0)
    assert float(scores_only(IMAGES, truths, offsets, mixed)) == pytest.approx(0, abs=1e-4)


def test_what_weighs_nothing_is_not_learnt(networks):
    teacher, student = networks
    offsets, logits = student(IMAGES)
    weightless = Distillation([Teacher(teacher, everything, weight=0)], logit_weight=1)
    assert float(weightless(IMAGES, [truth()] * 2, offsets, logits).detach()) == 0


def test_logits_that_all_call_improbable_are_held_apart_by_their_distance(networks):
    teacher, _ = networks
    with torch.no_grad():
        offsets, logits = teacher(IMAGES)
    rather, very = (
        float(
            Distillation([Teacher(teacher, everything)], logit_weight=w)(
                IMAGES, [truth()] * 2, offsets, logits - 0.5
            )
        )
        for w in (0, 1)
    )
    assert very > rather + 0.1
