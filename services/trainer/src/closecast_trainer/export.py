"""Writing a model version: ONNX for serving, safetensors for training on, and the spec of both."""

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file

from closecast.calendars import exchange_of
from closecast.forecasting.features import FEATURES, WARM_UP
from closecast.forecasting.panel import Panel
from closecast.forecasting.spec import ONNX_FILE, SPEC_FILE, WEIGHTS_FILE, Hyperparameters, ModelSpec
from closecast_trainer.model import CorrectionNetwork, LastStep
from closecast_trainer.training import TrainingResult

MINIMUM_HISTORY: Final = 192
"""Sessions below which a symbol is forecast by the base: the network has seen hardly any history as short as that."""

_LIBRARIES: Final = ("closecast", "closecast-trainer", "numpy", "onnx", "onnxruntime", "safetensors", "torch")


def make_spec(result: TrainingResult, panel: Panel, *, model: str) -> ModelSpec:
    """Return the spec of a trained network; metrics are added once the exported artefact has been judged."""
    config = result.config
    return ModelSpec(
        model=model,
        created_at=datetime.now(UTC),
        universe=panel.symbols,
        calendars=tuple(sorted({exchange_of(symbol).mic for symbol in panel.symbols})),
        slices=result.slices,
        data_fingerprint=panel.fingerprint(),
        feature_mean=result.fitted.feature_mean,
        feature_scale=result.fitted.feature_scale,
        warm_up=WARM_UP,
        sequence_length=config.sequence_length,
        minimum_history=MINIMUM_HISTORY,
        base=result.fitted.base,
        calibration=tuple(tuple(map(float, row)) for row in result.calibration),
        hyperparameters=Hyperparameters(
            best_epoch=result.best_epoch,
            **config.model_dump(include=set(Hyperparameters.model_fields) - {"best_epoch"}),
        ),
        library_versions={name: version(name) for name in _LIBRARIES},
    )


def export(result: TrainingResult, spec: ModelSpec, folder: Path) -> None:
    """Write model.onnx, model.safetensors and spec.json into a new folder that appears only when it is complete.

    Raises:
        FileExistsError: If the folder is there already.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} is there already")
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write_onnx(result.network, spec.sequence_length, unfinished / ONNX_FILE)
        save_file(result.network.state_dict(), unfinished / WEIGHTS_FILE)
        write_spec(spec, unfinished)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    folder.chmod(0o755)


def write_spec(spec: ModelSpec, folder: Path) -> None:
    """Write or replace spec.json; a reader sees the old or the new one, never half of it."""
    unfinished = folder / f".{SPEC_FILE}"
    unfinished.write_text(spec.model_dump_json(indent=2) + "\n")
    unfinished.replace(folder / SPEC_FILE)


def _write_onnx(network: CorrectionNetwork, steps: int, path: Path) -> None:
    """Export the network at the last step of sequences of a fixed length, with any number of symbols."""
    batch = torch.export.Dim("batch")
    example = (torch.zeros(2, steps, len(FEATURES)), torch.full((2,), steps - 1, dtype=torch.int64))
    with _quiet():
        torch.onnx.export(
            LastStep(network).eval(),
            example,
            str(path),
            dynamo=True,
            dynamic_shapes={"features": {0: batch}, "last": {0: batch}},
            input_names=["features", "last"],
            output_names=["correction"],
            external_data=False,
            verbose=False,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's remarks about its own future and about packages that it could also export."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
