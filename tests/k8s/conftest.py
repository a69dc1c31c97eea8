from tests.charts.conftest import charts

__all__ = ["charts"]
