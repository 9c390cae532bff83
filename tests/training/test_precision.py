from __future__ import annotations

import pytest
import torch
from torch import nn

from rtdet.errors import UnknownNameError, UsageError
from rtdet.training.precision import choose_precision, spare_single_cells

CPU = torch.device("cpu")


def _leave_nans_in_freed_memory():
    for power in range(4, 18):
        torch.full((1 << power,), float("nan"))


@pytest.mark.parametrize("groups", [1, 64])
@pytest.mark.parametrize("side", [1, 2, 5])
def test_gradients_of_strided_convolutions_stay_finite_down_to_maps_of_one_cell(side, groups):
    for _ in range(10):
        conv = nn.Conv2d(64, 64, 3, 2, 1, groups=groups, bias=False).to(memory_format=torch.channels_last)
        spare_single_cells(conv)
        x = torch.randn(2, 64, side, side).to(memory_format=torch.channels_last)
        _leave_nans_in_freed_memory()
        with torch.autocast("cpu", torch.bfloat16):
            made = conv(x)
        _leave_nans_in_freed_memory()
        made.float().sum().backward()
        assert conv.weight.grad.isfinite().all()


def test_the_number_format_is_one_that_the_device_has():
    assert choose_precision("auto", CPU) in ("bf16", "fp32")
    assert choose_precision("fp32", CPU) == "fp32"
    with pytest.raises(UsageError, match="fp16"):
        choose_precision("fp16", CPU)
    with pytest.raises(UnknownNameError, match="bf16"):
        choose_precision("bf17", CPU)
