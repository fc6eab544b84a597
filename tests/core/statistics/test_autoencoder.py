from __future__ import annotations

import numpy as np
import pytest
import torch

from semtrace.core.statistics.autoencoder import Autoencoder, Shape, Training, load_weights, train
from semtrace.core.statistics.pca import components


def standard(rows=400, columns=12):
    rng = np.random.default_rng(1)
    points = rng.normal(size=(rows, 3)) @ rng.normal(size=(3, columns)) + 0.1 * rng.normal(size=(rows, columns))
    points -= points.mean(axis=0)
    return points / points.std()


def test_one_linear_layer_a_side_is_as_good_as_principal_components():
    points = standard()
    model = Autoencoder(Shape(12, (3,), (False,), ("linear", "linear")))
    for rate in (2e-2, 2e-3):
        train(model, points, Training({"g": 500}, batch=200, rate=rate, l2=0.0))
    assert model.error(points) == pytest.approx(components(points).error(points, 3), rel=0.02)


@pytest.mark.parametrize(
    ("phase", "moved"), [("1_a", {0, 5}), ("1_b", {1, 4}), ("1", {0, 1, 4, 5}), ("2", {2, 3}), ("g", set(range(6)))]
)
def test_a_phase_trains_its_layers_and_no_other(phase, moved):
    model = Autoencoder(Shape(12, (8, 6, 3)))

    def weights():
        return [w.detach().clone() for w in [*model.encoder, *model.decoder]]

    before = weights()
    train(model, standard(100), Training({phase: 1}, (phase,), batch=50))
    assert {i for i, (a, b) in enumerate(zip(before, weights(), strict=True)) if not torch.equal(a, b)} == moved


def test_l2_is_the_weight_of_the_squared_weights_beside_the_error():
    """A step of plain Adam on the sum, as it is written down, moves the weights alike; biases are not counted."""
    points = torch.from_numpy(standard(50)).float()
    model, plain = (Autoencoder(Shape(12, (8, 6, 3), (False, False, True)), seed=2) for _ in range(2))
    train(model, standard(50), Training({"g": 20}, batch=50, rate=1e-2, l2=0.05))
    weights = [w for w in [*plain.encoder, *plain.decoder] if w.numel()]
    adam = torch.optim.Adam([*weights, *plain.encoder_bias, *plain.decoder_bias], lr=1e-2)
    for _ in range(20):
        adam.zero_grad()
        loss = ((plain(points) - points) ** 2).mean() + 0.05 * sum((w**2).sum() for w in weights)
        loss.backward()
        adam.step()
    for trained, expected in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(trained, expected, atol=1e-4)


def test_tied_pairs_share_their_weights_and_count_half():
    free, tied = Autoencoder(Shape(12, (8, 6, 3))), Autoencoder(Shape(12, (8, 6, 3), (False, False, True)))
    assert free.info()["parameters"] - tied.info()["parameters"] == 12 * 8
    x = torch.zeros(1, 8)
    with torch.no_grad():
        tied.decoder_bias[2].zero_()
        x[0, 0] = 1.0
        assert torch.allclose(tied.layer(5, x)[0], tied.encoder[0][0])


def test_phases_repeat_are_recorded_and_the_same_seed_gives_the_same_weights():
    order = ("1_a", "1_b", "2", "g", "g")
    made = []
    for _ in range(2):
        model = Autoencoder(Shape(12, (8, 6, 3)), seed=3)
        train(model, standard(), Training({"1_a": 2, "1_b": 2, "2": 2, "g": 10}, order, batch=50, l2=0.0))
        made.append(model)
    assert [phase for phase, _, _ in made[0].history] == list(order)
    assert made[0].history[-1][2] < made[0].history[-2][2]
    assert np.array_equal(made[0].code(standard()), made[1].code(standard()))
    again = load_weights(made[0].shape, made[0].state_dict(), made[0].history)
    assert np.array_equal(again.reconstruct(standard()), made[0].reconstruct(standard()))
    assert np.allclose(made[0].decode(made[0].code(standard())), made[0].reconstruct(standard()), atol=1e-6)
    assert again.info() == made[0].info()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"hidden": (0, 2, 1)}, "1 or more"),
        ({"tied": (True,)}, "1 entries for 3 pairs"),
        ({"activations": ("elu", "tanh")}, "1 or 6"),
        ({"activations": ("swish",)}, "none of elu"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        Shape(12, **wrong)


def test_a_phase_that_is_none_is_refused():
    with pytest.raises(ValueError, match="'3' is none of"):
        Training({"g": 1}, ("3",))
    with pytest.raises(ValueError, match="does not have"):
        train(Autoencoder(Shape(4, (2,), (False,))), np.zeros((3, 4)), Training({"1": 1}, ("1",)))
