import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file
from services.trainer.tests.panels import QUICK, make_panel

from closecast.forecasting.features import FEATURES
from closecast.forecasting.spec import ONNX_FILE, SPEC_FILE, WEIGHTS_FILE, ModelSpec
from closecast_trainer import export as export_module
from closecast_trainer.export import export, make_spec, write_spec
from closecast_trainer.model import LastStep
from closecast_trainer.training import TrainingResult, train

PANEL = make_panel()


@pytest.fixture(scope="module")
def result() -> TrainingResult:
    trained = train(PANEL, QUICK.model_copy(update={"layers": 2}), device="cpu")
    for name, parameter in trained.network.named_parameters():
        if name.endswith("head.weight"):
            torch.nn.init.normal_(parameter)
    return trained


@pytest.fixture(scope="module")
def folder(result: TrainingResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / "candidate"
    export(result, make_spec(result, PANEL, model="panel"), made)
    return made


def test_a_version_is_three_files_and_no_pickle(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted([ONNX_FILE, SPEC_FILE, WEIGHTS_FILE])
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_the_spec_tells_where_the_version_came_from(folder: Path) -> None:
    spec = ModelSpec.read(folder)

    assert spec.universe == PANEL.symbols
    assert spec.data_fingerprint == PANEL.fingerprint()
    assert spec.hyperparameters.hidden_size == QUICK.hidden_size
    assert {"torch", "onnxruntime", "closecast"} <= set(spec.library_versions)
    assert spec.slices.training.end < spec.slices.test.start


@pytest.mark.parametrize("symbols", [1, 3, 200])
def test_onnx_and_torch_agree(folder: Path, result: TrainingResult, symbols: int) -> None:
    features = torch.randn(symbols, QUICK.sequence_length, len(FEATURES))
    last = torch.randint(0, QUICK.sequence_length, (symbols,))
    session = onnxruntime.InferenceSession(folder / ONNX_FILE, providers=["CPUExecutionProvider"])

    (served,) = session.run(None, {"features": features.numpy(), "last": last.numpy()})
    with torch.no_grad():
        trained = LastStep(result.network)(features, last).numpy()

    assert np.abs(trained).max() > 0.05
    np.testing.assert_allclose(served, trained, atol=1e-5)


def test_the_weights_can_be_trained_on(folder: Path, result: TrainingResult) -> None:
    weights = load_file(folder / WEIGHTS_FILE)

    assert all(torch.equal(weights[name], tensor) for name, tensor in result.network.state_dict().items())


def test_a_new_spec_replaces_the_old_one(folder: Path, tmp_path: Path) -> None:
    spec = ModelSpec.read(folder)
    write_spec(spec, tmp_path)

    write_spec(spec.model_copy(update={"skill": 0.06}), tmp_path)

    assert json.loads((tmp_path / SPEC_FILE).read_text())["skill"] == 0.06
    assert [path.name for path in tmp_path.iterdir()] == [SPEC_FILE]


def test_a_folder_that_is_there_is_left_alone(folder: Path, result: TrainingResult) -> None:
    with pytest.raises(FileExistsError):
        export(result, ModelSpec.read(folder), folder)


def test_a_failed_export_leaves_nothing(
    folder: Path, result: TrainingResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(export_module, "_write_onnx", full)

    with pytest.raises(OSError, match="No space"):
        export(result, ModelSpec.read(folder), tmp_path / "candidate")

    assert not list(tmp_path.iterdir())
