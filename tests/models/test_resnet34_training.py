from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.optim.adamw import adamw

from semtrace.curation.train_resnet import check_labels
from semtrace.models.resnet34 import ResNet34
from semtrace.models.resnet34_training import AdamW, TrainingPlan, augmented, resnet_scores, train_resnet34

SIDE = 32


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # beside other work, two wait for each other
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(3)
    return {name: value.detach() for name, value in ResNet34().state_dict().items()}


def striped(count, seed=0):
    """Patches of two classes: coarse stripes, and flat grey; both noisy."""
    random = np.random.default_rng(seed)
    stripes = np.sin(np.arange(SIDE) / 2)[None, :, None] * 60
    classes = np.arange(count) % 2 == 0
    noise = random.normal(128, 8, (count, SIDE, SIDE))
    return (noise + classes[:, None, None] * stripes).clip(0, 255).astype(np.uint8), classes


def test_it_learns_two_classes_and_leaves_what_is_frozen(state):
    patches, classes = striped(16)
    trained = train_resnet34(state, patches, classes, striped(8, 1), TrainingPlan(epochs=2, batch=8))
    after = trained.model.state_dict()
    frozen = [name for name in state if not name.startswith(("layer4", "fc"))]
    assert all(torch.equal(after[name], state[name]) for name in frozen)  # statistics of normalisation, too
    assert not torch.equal(after["layer4.0.conv1.weight"], state["layer4.0.conv1.weight"])
    assert [one.number for one in trained.epochs] == [1, 2]
    assert trained.epochs[-1].loss < trained.epochs[0].loss
    again, right = striped(8, 2)
    scores = resnet_scores(trained.model, again)
    assert scores[right].min() > scores[~right].max()


def test_it_ends_when_the_held_out_loss_does_not_fall_and_keeps_the_best(state):
    patches, classes = striped(8)
    held = striped(6, 1)
    plan = TrainingPlan(epochs=3, batch=8, rate=0.01, patience=1)
    trained = train_resnet34(state, patches, classes, (held[0], ~held[1]), plan)  # what is learned is wrong there
    losses = [one.held_loss for one in trained.epochs]
    assert len(losses) == trained.best + 1 < 3
    assert min(losses) == losses[trained.best - 1]


def test_augmentation_follows_from_its_seed_and_stays_grey():
    patches, _ = striped(16)
    one, other = (augmented(patches, np.random.default_rng(seed)) for seed in (0, 0))
    assert torch.equal(one, other)
    assert one.shape == (16, 3, SIDE, SIDE)
    mean, deviation = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))
    grey = one * deviation.view(1, 3, 1, 1) + mean.view(1, 3, 1, 1)
    assert torch.allclose(grey[:, 0], grey[:, 2], atol=1e-5)
    assert float(grey.min()) >= -1e-5
    assert float(grey.max()) <= 1 + 1e-5
    same = [bool((grey[i, 0] * 255 - torch.from_numpy(patches[i])).abs().max() < 0.01) for i in range(16)]
    assert sum(same) < 8


def test_few_labels_are_refused_without_starting_weights():
    with pytest.raises(ValueError, match="1,999 labels and no starting weights"):
        check_labels(1999, started=False)
    check_labels(2000, started=False)
    check_labels(0, started=True)


def test_descent_is_that_of_torch():
    torch.manual_seed(0)
    one = torch.nn.Parameter(torch.randn(5, 3))
    other = torch.nn.Parameter(one.detach().clone())
    ours, moments, step = AdamW([one], 0.01), (torch.zeros(5, 3), torch.zeros(5, 3)), torch.tensor(0.0)
    constants = {"amsgrad": False, "beta1": 0.9, "beta2": 0.999, "lr": 0.01, "weight_decay": 0.01, "eps": 1e-8}
    for _ in range(4):
        one.grad = torch.randn(5, 3)
        ours.step()
        with torch.no_grad():  # its function: the class would load a compiler first
            adamw([other], [one.grad], [moments[0]], [moments[1]], [], [step], maximize=False, **constants)
    torch.testing.assert_close(one, other)
