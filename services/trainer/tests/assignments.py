"""What a training process is told to do."""

from pathlib import Path

from closecast.forecasting.panel import Panel
from closecast_trainer.config import GateSettings, TrainingConfig
from closecast_trainer.worker import Assignment


def assignment_of(panel: Panel, folder: Path, config: TrainingConfig | None = None) -> Assignment:
    """Return the training of a panel's first version, written to a folder that is there."""
    return Assignment(
        panel=panel,
        model="model",
        config=config or TrainingConfig(),
        gate=GateSettings(),
        device="cpu",
        champion=None,
        panel_champion=None,
        panel_version=None,
        version=folder / "version",
        plots=folder,
    )
