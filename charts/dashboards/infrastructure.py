"""Infrastructure: what the processes and the nodes of Ray use."""

from charts.dashboards.panels import IN_NAMESPACE as N
from charts.dashboards.panels import graph, new_dashboard
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

_POD = "{{pod}}"


def dashboard() -> Dashboard:
    """Return the dashboard."""
    return (
        new_dashboard("infrastructure", "Infrastructure", "process_resident_memory_bytes")
        .with_row(Row("Processes"))
        .with_panel(
            graph(
                "Processor", "none", (f"rate(process_cpu_seconds_total{{{N}}}[$__rate_interval])", _POD), about="Cores."
            )
        )
        .with_panel(graph("Memory", "bytes", (f"process_resident_memory_bytes{{{N}}}", _POD)))
        .with_panel(graph("Open files", "short", (f"process_open_fds{{{N}}}", _POD)))
        .with_panel(
            graph(
                "Garbage collected",
                "ops",
                (
                    f"sum by (pod, generation) (rate(python_gc_objects_collected_total{{{N}}}[$__rate_interval]))",
                    "{{pod}} generation {{generation}}",
                ),
                about="Objects a second.",
            )
        )
        .with_row(Row("Nodes of Ray"))
        .with_panel(graph("Processor", "percent", (f"ray_node_cpu_utilization{{{N}}}", _POD)))
        .with_panel(
            graph(
                "Memory",
                "bytes",
                (f"ray_node_mem_used{{{N}}}", _POD),
                (f"ray_node_mem_total{{{N}}}", "{{pod}}, most"),
            )
        )
        .with_panel(
            graph(
                "Network",
                "Bps",
                (f"ray_node_network_receive_speed{{{N}}}", "{{pod}} received"),
                (f"ray_node_network_send_speed{{{N}}}", "{{pod}} sent"),
            )
        )
        .with_panel(
            graph(
                "Memory by part of Ray",
                "bytes",
                (f"sum by (Component) (ray_component_rss_bytes{{{N}}})", "{{Component}}"),
            )
        )
    )
