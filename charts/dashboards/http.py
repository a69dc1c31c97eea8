"""HTTP: what the predictor answers, how fast, and how much of the error budget is left."""

from charts.dashboards.panels import IN_NAMESPACE as N
from charts.dashboards.panels import figure, graph, new_dashboard, quantiles
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row


def dashboard() -> Dashboard:
    """Return the dashboard."""
    failed = f'sum(rate(http_requests_total{{{N}, status=~"5.."}}[$__rate_interval]))'
    all_of_them = f"sum(rate(http_requests_total{{{N}}}[$__rate_interval]))"
    return (
        new_dashboard("http", "HTTP", "http_requests_total")
        .with_panel(figure("Requests", "reqps", all_of_them))
        .with_panel(
            figure("Failed", "percentunit", f"({failed} or vector(0)) / {all_of_them}", about="Answered with 5xx.")
        )
        .with_panel(figure("Failed in six hours", "percentunit", f"namespace:http_errors:ratio_rate6h{{{N}}}"))
        .with_panel(
            figure("Slow", "percentunit", f"namespace:http_slow:ratio_rate5m{{{N}}}", about="Took more than 250 ms.")
        )
        .with_row(Row("Requests"))
        .with_panel(
            graph(
                "By status",
                "reqps",
                (f"sum by (status) (rate(http_requests_total{{{N}}}[$__rate_interval]))", "{{status}}"),
            )
        )
        .with_panel(graph("Duration", "s", *quantiles("http_request_duration_seconds"), about="Inside a replica."))
        .with_panel(
            graph(
                "Forecasts by source",
                "reqps",
                (f"sum by (source) (rate(model_predictions_total{{{N}}}[$__rate_interval]))", "{{source}}"),
                about="snapshot: ready-made; history: of sessions that the client sent; series: by KServe's protocol.",
            )
        )
        .with_panel(
            graph(
                "Replicas' load",
                "percentunit",
                (f"closecast_predictor_replica_busy_ratio{{{N}}}", "{{replica}}"),
                about="Share of its time that a replica is busy; Ray Serve adds one above the target.",
            )
        )
    )
