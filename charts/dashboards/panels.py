"""What the dashboards are made of: one look, one choice of namespace for all."""

from typing import Final

from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.builders.common import ReduceDataOptions, VizLegendOptions
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableRefresh

IN_NAMESPACE: Final = 'namespace="$namespace"'
_SOURCE: Final = DataSourceRef(type_val="prometheus", uid="$datasource")
_HEIGHT: Final = 8
_STAT_HEIGHT: Final = 4
_WIDTH: Final = 12
_STAT_WIDTH: Final = 6


def new_dashboard(name: str, title: str, known_by: str) -> grafana.Dashboard:
    """Return an empty dashboard.

    Args:
        name: Part of its uid, which links go by.
        title: What people see.
        known_by: A series that every namespace has that the dashboard is of.
    """
    return (
        grafana.Dashboard(f"Closecast / {title}")
        .uid(f"closecast-{name}")
        .tags(["closecast"])
        .time("now-6h", "now")
        .refresh("30s")
        .timezone("browser")
        .readonly()
        .with_variable(grafana.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(
            grafana.QueryVariable("namespace")
            .label("Namespace")
            .datasource(_SOURCE)
            .query(f"label_values({known_by}, namespace)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        )
    )


def graph(title: str, unit: str, *queries: tuple[str, str], about: str = "", width: int = _WIDTH) -> timeseries.Panel:
    """Return a panel of series over time.

    Args:
        title: Its title.
        unit: Grafana's name of the unit, such as reqps.
        queries: PromQL, and how a series is called.
        about: What one should know to read it.
        width: Of the 24 columns.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(about)
        .datasource(_SOURCE)
        .unit(unit)
        .min(0)
        .span(width)
        .height(_HEIGHT)
        .fill_opacity(10)
        .legend(
            VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(show_legend=True)
        )
    )
    for at, (query, legend) in enumerate(queries):
        panel = panel.with_target(_target(at, query, legend))
    return panel


def figure(title: str, unit: str, query: str, *, about: str = "") -> stat.Panel:
    """Return a panel of one number, the latest."""
    return (
        stat.Panel()
        .title(title)
        .description(about)
        .datasource(_SOURCE)
        .unit(unit)
        .span(_STAT_WIDTH)
        .height(_STAT_HEIGHT)
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_target(0, query, ""))
    )


def quantiles(series: str, by: str = "") -> list[tuple[str, str]]:
    """Return the queries of a histogram's median, 95th and 99th percentile.

    Args:
        series: Name of the histogram.
        by: Label to tell apart, if any.
    """
    labels = f"le, {by}" if by else "le"
    legend = f" {{{{{by}}}}}" if by else ""
    buckets = f"sum by ({labels}) (rate({series}_bucket{{{IN_NAMESPACE}}}[$__rate_interval]))"
    return [(f"histogram_quantile({share}, {buckets})", f"p{share * 100:g}{legend}") for share in (0.5, 0.95, 0.99)]


def _target(at: int, query: str, legend: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(query).legend_format(legend).ref_id(chr(ord("A") + at))
