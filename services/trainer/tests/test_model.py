import numpy as np
import pytest
import torch

from closecast.forecasting.base import BaseParameters, pinball
from closecast.forecasting.correction import LARGEST_LOG_STRETCH, corrected
from closecast.horizons import HORIZONS, LEVELS
from closecast_trainer.model import CorrectionNetwork, LastStep, QuantileLoss

SHAPE = np.array(BaseParameters().shape)
ONES = np.ones((HORIZONS, len(LEVELS)))


def network(members: int = 2) -> CorrectionNetwork:
    torch.manual_seed(0)
    return CorrectionNetwork(features=5, hidden_size=8, layers=2, dropout=0.1, members=members).eval()


def excited(members: int = 2) -> CorrectionNetwork:
    """Return a network whose every part has something to say."""
    made = network(members)
    for name, parameter in made.named_parameters():
        if "linear" in name or "head" in name:
            torch.nn.init.normal_(parameter)
    return made


def test_an_untrained_network_corrects_nothing() -> None:
    correction = network()(torch.randn(4, 20, 5))

    assert correction.shape == (4, 20, HORIZONS)
    assert (correction == 0).all()


def test_corrections_are_bounded() -> None:
    correction = excited()(100 * torch.randn(4, 20, 5)).detach()

    assert float(correction.abs().max()) <= LARGEST_LOG_STRETCH
    assert float(correction.abs().max()) > 0.9 * LARGEST_LOG_STRETCH


def test_no_step_sees_a_later_one() -> None:
    features = torch.randn(2, 20, 5)
    changed = features.clone()
    changed[:, 12:] = torch.randn(2, 8, 5)

    made = excited()

    assert torch.equal(made(features)[:, :12], made(changed)[:, :12])
    assert not torch.equal(made(features)[:, 12:], made(changed)[:, 12:])


@pytest.mark.parametrize("members", [0, 1, 3])
def test_the_last_step_is_the_sequence_at_that_step(members: int) -> None:
    made, features = excited(members), torch.randn(3, 20, 5)

    at_last = LastStep(made)(features, torch.tensor([19, 4, 0]))

    everywhere = made(features)
    torch.testing.assert_close(at_last, torch.stack([everywhere[0, 19], everywhere[1, 4], everywhere[2, 0]]))


def test_an_ensemble_is_the_mean_of_its_members() -> None:
    made, features = excited(3), torch.randn(2, 20, 5)

    alone = torch.stack([member(features) for member in made.members])

    assert not torch.allclose(alone[0], alone[1])
    torch.testing.assert_close(made.recurrent(features), alone.mean(dim=0))


def test_training_and_serving_bend_the_base_alike() -> None:
    correction = 0.3 * torch.randn(6, HORIZONS)

    quantiles = QuantileLoss(torch.from_numpy(SHAPE)).quantiles(correction)

    np.testing.assert_allclose(quantiles, corrected(SHAPE, correction.double().numpy(), ONES), atol=1e-6)


@pytest.mark.parametrize("members", [1, 3])
def test_the_loss_is_the_pinball_of_what_is_known(members: int) -> None:
    target = torch.randn(6, HORIZONS)
    known = torch.rand(6, HORIZONS) < 0.5

    loss = QuantileLoss(torch.from_numpy(SHAPE))(torch.zeros(members, 6, HORIZONS), target, known)

    expected = pinball(target.double().numpy(), np.broadcast_to(SHAPE, (6, *SHAPE.shape))).mean(axis=2)
    np.testing.assert_allclose(float(loss), expected[known.numpy()].mean(), rtol=1e-5)
