import numpy as np
import torch

from closecast.forecasting.base import BaseParameters, pinball
from closecast.forecasting.correction import CORRECTIONS, LARGEST_SHIFT, LOCATION, corrected
from closecast.horizons import HORIZONS, LEVELS
from closecast_trainer.model import CorrectionNetwork, LastStep, QuantileLoss

SHAPE = np.array(BaseParameters().shape)
ONES = np.ones((HORIZONS, len(LEVELS)))


def network() -> CorrectionNetwork:
    torch.manual_seed(0)
    return CorrectionNetwork(features=5, hidden_size=8, layers=2, dropout=0.1).eval()


def excited() -> CorrectionNetwork:
    made = network()
    torch.nn.init.normal_(made.head.weight, std=3)
    return made


def test_an_untrained_network_corrects_nothing() -> None:
    correction = network()(torch.randn(4, 20, 5))

    assert correction.shape == (4, 20, HORIZONS, CORRECTIONS)
    assert (correction == 0).all()


def test_corrections_are_bounded() -> None:
    correction = excited()(100 * torch.randn(4, 20, 5)).detach()

    assert float(correction[..., LOCATION].abs().max()) <= LARGEST_SHIFT
    assert float(correction[..., LOCATION].abs().max()) > 0.5 * LARGEST_SHIFT


def test_no_step_sees_a_later_one() -> None:
    features = torch.randn(2, 20, 5)
    changed = features.clone()
    changed[:, 12:] = torch.randn(2, 8, 5)

    made = excited()

    assert torch.equal(made(features)[:, :12], made(changed)[:, :12])
    assert not torch.equal(made(features)[:, 12:], made(changed)[:, 12:])


def test_the_last_step_is_the_sequence_at_that_step() -> None:
    made, features = excited(), torch.randn(3, 20, 5)

    at_last = LastStep(made)(features, torch.tensor([19, 4, 0]))

    everywhere = made(features)
    torch.testing.assert_close(at_last, torch.stack([everywhere[0, 19], everywhere[1, 4], everywhere[2, 0]]))


def test_training_and_serving_bend_the_base_alike() -> None:
    correction = 0.3 * torch.randn(6, HORIZONS, CORRECTIONS)

    quantiles = QuantileLoss(torch.from_numpy(SHAPE)).quantiles(correction)

    np.testing.assert_allclose(quantiles, corrected(SHAPE, correction.double().numpy(), ONES), atol=1e-6)


def test_the_loss_is_the_pinball_of_what_is_known() -> None:
    target = torch.randn(6, HORIZONS)
    known = torch.rand(6, HORIZONS) < 0.5

    loss = QuantileLoss(torch.from_numpy(SHAPE))(torch.zeros(6, HORIZONS, CORRECTIONS), target, known)

    expected = pinball(target.double().numpy(), np.broadcast_to(SHAPE, (6, *SHAPE.shape))).mean(axis=2)
    np.testing.assert_allclose(float(loss), expected[known.numpy()].mean(), rtol=1e-5)
