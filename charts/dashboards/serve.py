"""Ray Serve: replicas, how they are scaled, and whether they are well."""

from charts.dashboards.panels import IN_NAMESPACE as N
from charts.dashboards.panels import graph, new_dashboard
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

_DEPLOYMENT = "{{deployment}}"


def dashboard() -> Dashboard:
    """Return the dashboard."""
    starts = f"increase(ray_serve_deployment_replica_starts_total{{{N}}}[$__rate_interval])"
    failures = f"increase(ray_serve_health_check_failures_total{{{N}}}[$__rate_interval])"
    delays = f"rate(ray_serve_event_loop_scheduling_latency_ms_bucket{{{N}}}[$__rate_interval])"
    return (
        new_dashboard("serve", "Ray Serve", "ray_serve_deployment_replica_healthy")
        .with_row(Row("Replicas"))
        .with_panel(
            graph(
                "Healthy",
                "short",
                (f"sum by (deployment) (ray_serve_deployment_replica_healthy{{{N}}})", _DEPLOYMENT),
            )
        )
        .with_panel(
            graph(
                "Wanted by the autoscaler",
                "short",
                (f"max by (deployment) (ray_serve_autoscaling_target_replicas{{{N}}})", "{{deployment}} target"),
                (f"max by (deployment) (ray_serve_autoscaling_desired_replicas{{{N}}})", "{{deployment}} desired"),
            )
        )
        .with_panel(
            graph(
                "Busy",
                "percentunit",
                (f"closecast_predictor_replica_busy_ratio{{{N}}}", "{{replica}}"),
                about="What the autoscaling policy goes by.",
            )
        )
        .with_panel(
            graph(
                "Requests in progress",
                "short",
                (f"sum by (deployment) (ray_serve_replica_processing_queries{{{N}}})", _DEPLOYMENT),
            )
        )
        .with_row(Row("Health"))
        .with_panel(
            graph(
                "Replicas started",
                "short",
                (f"sum by (deployment) ({starts})", _DEPLOYMENT),
            )
        )
        .with_panel(
            graph(
                "Health checks that failed",
                "short",
                (f"sum by (deployment) ({failures})", _DEPLOYMENT),
            )
        )
        .with_panel(
            graph(
                "State",
                "short",
                (f"max by (deployment) (ray_serve_deployment_status{{{N}}})", _DEPLOYMENT),
                about="6 is healthy.",
            )
        )
        .with_panel(
            graph(
                "Delay of event loops",
                "ms",
                (f"histogram_quantile(0.95, sum by (le, component) ({delays}))", "{{component}} p95"),
                about="Above 500 ms replicas miss their health checks.",
            )
        )
    )
