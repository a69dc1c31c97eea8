"""A model card to show in the OpenAPI document, cut down to one horizon, one reference and one symbol."""

from typing import Any, Final

_PINBALL: Final = {"mean": -0.00003, "reference": 0.00954, "interval": [-0.00008, 0.00002], "p_worse": 0.88}
_ABSOLUTE_ERROR: Final = {"mean": 0.0, "reference": 0.03251, "interval": [-0.00002, 0.00002], "p_worse": 0.5}
_RESULTS: Final[dict[str, Any]] = {
    "horizon": None,
    "metrics": {"candidate": {"mqloss": 0.00951, "rmae": 1.0}, "base": {"mqloss": 0.00954, "rmae": 1.0}},
    "against": {"base": {"pinball": _PINBALL, "absolute_error": _ABSOLUTE_ERROR}},
    "calibration": {
        "quantiles": [
            {"nominal": 0.025, "observed": 0.021, "consistent": [0.011, 0.039]},
            {"nominal": 0.1, "observed": 0.094, "consistent": [0.068, 0.132]},
            {"nominal": 0.25, "observed": 0.241, "consistent": [0.192, 0.308]},
            {"nominal": 0.5, "observed": 0.512, "consistent": [0.43, 0.57]},
            {"nominal": 0.75, "observed": 0.771, "consistent": [0.694, 0.806]},
            {"nominal": 0.9, "observed": 0.906, "consistent": [0.869, 0.931]},
            {"nominal": 0.975, "observed": 0.992, "consistent": [0.961, 0.989]},
        ],
        "intervals": [
            {"nominal": 0.5, "observed": 0.53, "consistent": [0.451, 0.549]},
            {"nominal": 0.8, "observed": 0.812, "consistent": [0.762, 0.838]},
            {"nominal": 0.95, "observed": 0.971, "consistent": [0.928, 0.972]},
        ],
    },
}
CARD_EXAMPLE: Final[dict[str, Any]] = {
    "schema_version": "1.0",
    "model": "closecast-panel",
    "created_at": "2025-07-01T12:01:12Z",
    "description": "A regression of volatility, corrected by LSTMs, that stretches the quantiles of a random walk.",
    "intended_use": ["Forecasting the daily close of listed stocks (BVMF), 1 to 10 sessions ahead."],
    "out_of_scope": [
        "Advice to buy, hold or sell: it knows nothing of costs, taxes, liquidity or of whom it would advise."
    ],
    "data": {
        "symbols": ["PETR4.SA", "VALE3.SA"],
        "calendars": ["BVMF"],
        "slices": {
            "training": {"start": "2010-01-04", "end": "2021-02-26"},
            "validation": {"start": "2021-03-15", "end": "2022-03-14"},
            "calibration": {"start": "2022-03-29", "end": "2023-03-27"},
            "test": {"start": "2023-04-11", "end": "2025-06-30"},
        },
        "fingerprint": "5f0c8b1d",
        "origins": 196,
        "origin_sessions": 98,
        "step": 5,
    },
    "gate": {"promoted": True, "reasons": ["no worse than naive, drift, ewma, base; skill against naive +6.1%"]},
    "findings": ["For 1 of 1 symbols the network adds nothing beyond chance to the base: PETR4.SA."],
    "levels": [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975],
    "overall": _RESULTS,
    "by_horizon": [_RESULTS | {"horizon": 1}],
    "symbols": [
        {"symbol": "PETR4.SA", "origins": 98, "against": {"base": _PINBALL}, "coverage": [0.513, 0.807, 0.949]},
    ],
    "caveats": ["A symbol with fewer than 192 sessions is forecast by the base alone."],
}
