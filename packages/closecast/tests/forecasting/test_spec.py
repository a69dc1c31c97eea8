import json
from pathlib import Path

import pytest

from closecast.forecasting.spec import SPEC_FILE, InvalidBundleError, ModelSpec


def write(folder: Path, spec: ModelSpec, **changes: object) -> None:
    (folder / SPEC_FILE).write_text(json.dumps(json.loads(spec.model_dump_json()) | changes))


def test_a_spec_is_read_as_it_was_written(tmp_path: Path, spec: ModelSpec) -> None:
    write(tmp_path, spec)

    assert ModelSpec.read(tmp_path) == spec


def test_what_a_newer_version_added_is_ignored(tmp_path: Path, spec: ModelSpec) -> None:
    write(tmp_path, spec, invented_later=1)

    assert ModelSpec.read(tmp_path) == spec


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema_version", "2.0"),
        ("horizons", 20),
        ("levels", [0.1, 0.5, 0.9]),
        ("features", ["return"]),
        ("feature_mean", [0.0]),
        ("feature_scale", [0.0] * 13),
        ("universe", []),
        ("calibration", [[1.0] * 7]),
    ],
)
def test_a_spec_that_this_code_cannot_serve_is_refused_by_name(
    tmp_path: Path, spec: ModelSpec, field: str, value: object
) -> None:
    write(tmp_path, spec, **{field: value})

    with pytest.raises(InvalidBundleError, match=field):
        ModelSpec.read(tmp_path)


def test_a_missing_or_damaged_spec_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidBundleError, match="cannot be read"):
        ModelSpec.read(tmp_path)
    (tmp_path / SPEC_FILE).write_text("{")
    with pytest.raises(InvalidBundleError, match="Invalid JSON"):
        ModelSpec.read(tmp_path)
