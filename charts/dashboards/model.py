"""Model: who speaks, how the forecasts fare against what came, and how long they take."""

from charts.dashboards.panels import IN_NAMESPACE as N
from charts.dashboards.panels import figure, graph, new_dashboard, quantiles
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

_AHEAD = "{{horizon}} ahead"


def dashboard() -> Dashboard:
    """Return the dashboard."""
    created = f"max(closecast_predictor_model_created_timestamp_seconds{{{N}}})"
    error = f"sum by (horizon) (increase(model_prediction_error_absolute_sum{{{N}}}[$__range]))"
    scored = f"sum by (horizon) (increase(model_prediction_error_absolute_count{{{N}}}[$__range]))"
    return (
        new_dashboard("model", "Model", "closecast_predictor_symbols")
        .with_panel(figure("Symbols", "short", f"max(closecast_predictor_symbols{{{N}}})"))
        .with_panel(figure("Age of the newest model", "s", f"time() - ({created} > 0)"))
        .with_panel(
            figure(
                "Champion not served",
                "bool_yes_no",
                f"max(closecast_predictor_model_stale{{{N}}})",
                about="It could not be loaded, and an older version or the base speaks.",
            )
        )
        .with_panel(
            figure(
                "Forecasts scored",
                "short",
                f"sum(increase(closecast_predictor_forecasts_scored_total{{{N}}}[$__range]))",
            )
        )
        .with_row(Row("Against what came"))
        .with_panel(
            graph(
                "Error against that of naive, two weeks",
                "none",
                (f"namespace_horizon:model_error:ratio_increase14d{{{N}}}", _AHEAD),
                about='Below 1 the median is better than "tomorrow equals today".',
            )
        )
        .with_panel(
            graph(
                "Coverage of the 80 % interval, two weeks",
                "percentunit",
                (f"namespace_horizon:model_coverage:ratio_increase14d{{{N}}}", _AHEAD),
            )
        )
        .with_panel(
            graph(
                "Drift",
                "bool_yes_no",
                (f"max by (model, kind) (closecast_predictor_drift{{{N}}})", "{{model}}, {{kind}}"),
                about="Live forecasts one session ahead are worse than they may be: by their error or their coverage.",
            )
        )
        .with_panel(
            graph(
                "Mean absolute error", "percentunit", (f"{error} / {scored}", _AHEAD), about="As a share of the close."
            )
        )
        .with_panel(
            graph(
                "Who speaks", "none", (f"closecast_predictor_model_info{{{N}}} == 1", "{{model}} version {{version}}")
            )
        )
        .with_row(Row("Work"))
        .with_panel(graph("Inference", "s", *quantiles("model_inference_duration_seconds", by="source")))
        .with_panel(
            graph(
                "From a quote to its forecast",
                "s",
                *quantiles("closecast_predictor_snapshot_delay_seconds"),
            )
        )
    )
