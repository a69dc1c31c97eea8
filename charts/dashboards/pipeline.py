"""Pipeline: quotes in, trainings, versions out."""

from charts.dashboards.panels import IN_NAMESPACE as N
from charts.dashboards.panels import graph, new_dashboard, quantiles
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row


def dashboard() -> Dashboard:
    """Return the dashboard."""
    behind = (
        f"max by (exchange) (closecast_ingestor_settled_session_timestamp_seconds{{{N}}})"
        f" - max by (exchange) (closecast_ingestor_last_session_timestamp_seconds{{{N}}})"
    )
    published = f"increase(closecast_ingestor_quotes_published_total{{{N}}}[$__rate_interval])"
    return (
        new_dashboard("pipeline", "Pipeline", "closecast_predictor_symbols")
        .with_row(Row("Quotes"))
        .with_panel(
            graph(
                "Published",
                "short",
                (f"sum by (exchange, kind) ({published})", "{{exchange}} {{kind}}"),
            )
        )
        .with_panel(graph("Behind the last session", "s", (behind, "{{exchange}}")))
        .with_panel(
            graph(
                "Rounds over the universe",
                "short",
                (
                    f"sum by (outcome) (increase(closecast_ingestor_rounds_total{{{N}}}[$__rate_interval]))",
                    "{{outcome}}",
                ),
            )
        )
        .with_panel(
            graph(
                "Requests to the source",
                "reqps",
                (
                    f"sum by (status) (rate(closecast_ingestor_source_requests_total{{{N}}}[$__rate_interval]))",
                    "{{status}}",
                ),
            )
        )
        .with_row(Row("Kafka"))
        .with_panel(
            graph(
                "Lag",
                "short",
                (f"max(closecast_trainer_quotes_lag{{{N}}})", "trainer, quotes"),
                (f"max by (topic) (closecast_predictor_lag{{{N}}})", "predictor, {{topic}}"),
            )
        )
        .with_panel(
            graph(
                "Records set aside",
                "short",
                (f"sum(increase(closecast_ingestor_dead_letters_total{{{N}}}[$__rate_interval]))", "ingestor"),
                (f"sum(increase(closecast_trainer_dead_letters_total{{{N}}}[$__rate_interval]))", "trainer"),
                (f"sum(increase(closecast_predictor_invalid_records_total{{{N}}}[$__rate_interval]))", "predictor"),
            )
        )
        .with_row(Row("Trainings"))
        .with_panel(
            graph(
                "Outcomes",
                "short",
                (
                    f"sum by (outcome) (increase(closecast_trainer_trainings_total{{{N}}}[$__rate_interval]))",
                    "{{outcome}}",
                ),
            )
        )
        .with_panel(graph("Duration", "s", *quantiles("closecast_trainer_training_seconds")))
        .with_panel(
            graph(
                "Under way",
                "short",
                (f"max(closecast_trainer_training{{{N}}})", "training"),
                (f"max(closecast_trainer_epoch{{{N}}})", "epoch"),
                (f"sum(closecast_trainer_leader{{{N}}})", "active trainers"),
            )
        )
        .with_panel(graph("Loss", "none", (f"max by (split) (closecast_trainer_loss{{{N}}})", "{{split}}")))
    )
