"""Dashboards for Grafana; `python -m charts.dashboards [FOLDER]` writes them as JSON for the umbrella chart."""
