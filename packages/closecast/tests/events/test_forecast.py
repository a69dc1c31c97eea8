import json
from datetime import date

import pytest

from closecast.events import Forecast, InvalidEventError


def test_crossing_quantiles_are_refused() -> None:
    horizon = Forecast.example["horizons"][0] | {"quantiles": [3.0, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0]}
    with pytest.raises(InvalidEventError, match="must not cross"):
        Forecast.from_bytes(json.dumps(Forecast.example | {"horizons": [horizon]}).encode())


@pytest.mark.parametrize("horizon", [0, 11])
def test_a_horizon_out_of_range_is_refused(horizon: int) -> None:
    changed = Forecast.example["horizons"][0] | {"horizon": horizon}
    with pytest.raises(InvalidEventError, match="horizon"):
        Forecast.from_bytes(json.dumps(Forecast.example | {"horizons": [changed]}).encode())


def test_each_origin_has_a_key_of_its_own_and_a_symbol_one_partition() -> None:
    first = Forecast.model_validate(Forecast.example)
    second = first.model_copy(update={"origin": date(2025, 6, 17)})

    assert (first.key(), second.key()) == (b"PETR4.SA|2025-06-16", b"PETR4.SA|2025-06-17")
    assert first.partition_key() == second.partition_key() == b"PETR4.SA"
