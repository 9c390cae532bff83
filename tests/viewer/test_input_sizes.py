"""What the input of a network may be, and what that costs."""

from __future__ import annotations

from rtdet.types import InputSize
from rtdet.viewer.input_sizes import advice_on, choices_of


def test_sizes_are_offered_around_the_models_own_with_the_work_they_make() -> None:
    choices = choices_of(InputSize(416), None)
    assert choices[0] == (None, "416 (default)")
    assert (960, "960   5\N{MULTIPLICATION SIGN} work") in choices
    sizes = [choice.imgsz for choice in choices[1:]]
    assert sizes == sorted(sizes)
    assert 416 not in sizes


def test_a_size_of_ones_own_is_among_them() -> None:
    assert 700 in [choice.imgsz for choice in choices_of(InputSize(640), 700)]


def test_a_model_of_one_size_has_nothing_to_choose_and_says_why() -> None:
    assert choices_of(InputSize(300, is_fixed=True), None) == [(None, "300 (default)")]
    assert advice_on(InputSize(300, is_fixed=True), None) == "This model runs at 300 pixels only."
    assert len(choices_of(None, None)) == 1


def test_the_advice_says_what_a_larger_and_a_smaller_one_do() -> None:
    assert "5\N{MULTIPLICATION SIGN} the work" in advice_on(InputSize(416), 960)
    assert "finds small" in advice_on(InputSize(416), 960)
    assert "misses small" in advice_on(InputSize(416), 256)
