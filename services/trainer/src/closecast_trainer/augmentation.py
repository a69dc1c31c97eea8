"""What training does to features so that less than they usually tell is no surprise later."""

from typing import Final

import torch
from torch import Tensor

from closecast.forecasting.features import FEATURES, NEED_ONLY_CLOSES

_CLOSES_ONLY_SHARE: Final = 0.1
"""Share of training windows that hide all but closes, so that a history of closes alone is no surprise later."""


def hide_all_but_closes(features: Tensor, random: torch.Generator) -> Tensor:
    """Return windows of which some, by chance, show only what closes tell.

    Args:
        features: ``[windows, steps, features]``, on the CPU.
        random: What decides which.
    """
    chosen = torch.rand(len(features), generator=random) < _CLOSES_ONLY_SHARE
    hidden = torch.tensor([name not in NEED_ONLY_CLOSES for name in FEATURES])
    return features.masked_fill(chosen[:, None, None] & hidden, 0.0)
