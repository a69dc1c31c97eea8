"""The names of the images under test."""

import os
import tomllib
from typing import Final

from tests.charts.charts import ROOT

PREFIX: Final = os.environ.get("IMAGES_PREFIX", "")
TAG: Final = os.environ.get("IMAGES_TAG") or tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
