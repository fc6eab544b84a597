"""Training of ResNet34 on grey patches by the published recipe: last layer and head, augmentation, early stopping.

As published: AdamW, batches of 64, brightness and contrast, Gaussian noise, blur and flips, each by a chance of a half.
Added: both classes weigh the same, what is not trained keeps its statistics, mixed precision on CUDA alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from semtrace.core.statistics.ranking import area_under_curve
from semtrace.models.resnet34 import ResNet34, resnet34, resnet_inputs

_CHANCE = 0.5
_LIGHT = 0.2  # of brightness and contrast
_NOISE = (40.0, 100.0)  # variance in grey levels squared
_BLURS = (0.8, 1.1)  # sigma in pixels of kernels of 3 and 5
_BETAS, _DECAY = (0.9, 0.999), 0.01
_SCORED = 64  # patches at once


@dataclass(frozen=True)
class TrainingPlan:
    """How it is trained.

    Attributes:
        epochs: at most so many.
        batch: patches of a step.
        rate: learning rate of AdamW.
        patience: epochs without a smaller loss on held-out patches after which it ends.
        layers: ``layer4``: that and the head; ``all``.
        seed: of order, augmentation, and new weights.
        device: ``cpu`` or ``cuda``.
    """

    epochs: int = 30
    batch: int = 64
    rate: float = 1e-3
    patience: int = 5
    layers: Literal["layer4", "all"] = "layer4"
    seed: int = 0
    device: str = "cpu"


class Epoch(NamedTuple):
    """One pass: loss on what is learned, and loss and area under the curve on what is held out (None: nothing is)."""

    number: int
    loss: float
    held_loss: float | None
    held_auc: float | None


class TrainedResNet(NamedTuple):
    """Weights of the best epoch (the last, where nothing is held out), all epochs, and the number of the best."""

    model: ResNet34
    epochs: list[Epoch]
    best: int


def train_resnet34(
    state: Mapping[str, Tensor] | None,
    patches: NDArray[np.uint8],
    informative: NDArray[np.bool_],
    held: tuple[NDArray[np.uint8], NDArray[np.bool_]] | None,
    plan: TrainingPlan,
) -> TrainedResNet:
    """Train on patches of both classes.

    Args:
        state: weights to start from; None: new ones.
        patches: shape (n, side, side), uint8, n at least 1.
        informative: shape (n,).
        held: patches and classes that decide when to end, and are not learned from; None: all epochs are run.
        plan: how.

    Raises:
        WeightsError: the state is no ResNet34's.
    """
    torch.manual_seed(plan.seed)
    model = resnet34(state).to(plan.device)
    learned = _thaw(model, plan.layers)
    descent = AdamW([weight for weight in model.parameters() if weight.requires_grad], plan.rate)
    mixed = plan.device == "cuda" and torch.cuda.is_bf16_supported()
    random = np.random.default_rng(plan.seed)
    share = _balance(informative)
    epochs: list[Epoch] = []
    best, kept = 0, [part.state_dict() for part in learned]
    for number in range(1, plan.epochs + 1):
        model.eval()
        for part in learned:
            part.train()
        total, order = 0.0, random.permutation(len(patches))
        for start in range(0, len(order), plan.batch):
            rows = order[start : start + plan.batch]
            if len(rows) < min(2, len(order)):  # one patch has no spread for batch normalisation
                continue
            inputs = augmented(patches[rows], random, plan.device)
            wanted = torch.from_numpy(informative[rows]).to(plan.device).float()
            weight = torch.from_numpy(share[rows]).to(plan.device).float()
            model.zero_grad()
            with torch.autocast(plan.device, torch.bfloat16, enabled=mixed):
                logits = model(inputs)[:, 0]
            loss = functional.binary_cross_entropy_with_logits(logits.float(), wanted, weight)
            loss.backward()
            descent.step()
            total += float(loss.detach()) * len(rows)
        epochs.append(_judged(number, total / len(order), model, held, plan.device))
        now = epochs[-1].held_loss
        if now is None or now <= min(one.held_loss for one in epochs if one.held_loss is not None):
            best = number
            if held is not None:
                kept = [{name: value.clone() for name, value in part.state_dict().items()} for part in learned]
        if now is not None and number - best >= plan.patience:
            break
    for part, state in zip(learned, kept, strict=True):
        part.load_state_dict(state)
    return TrainedResNet(model.eval(), epochs, best)


class AdamW:
    """AdamW (Loshchilov and Hutter, 2019) with the usual constants, as ``torch.optim.AdamW``.

    That one loads torch's compiler first, which takes seconds in each process.
    """

    def __init__(self, weights: list[nn.Parameter], rate: float) -> None:
        self._weights, self._rate, self._steps = weights, rate, 0
        self._moments = [(torch.zeros_like(weight), torch.zeros_like(weight)) for weight in weights]

    @torch.no_grad()
    def step(self) -> None:
        """Change the weights by their gradients."""
        self._steps += 1
        first, second = (1 - beta**self._steps for beta in _BETAS)
        for weight, (mean, square) in zip(self._weights, self._moments, strict=True):
            if weight.grad is None:
                continue
            weight.mul_(1 - self._rate * _DECAY)
            mean.lerp_(weight.grad, 1 - _BETAS[0])
            square.mul_(_BETAS[1]).addcmul_(weight.grad, weight.grad, value=1 - _BETAS[1])
            weight.addcdiv_(mean, (square / second).sqrt_().add_(1e-8), value=-self._rate / first)


def resnet_scores(model: ResNet34, patches: NDArray[np.uint8], device: str = "cpu") -> NDArray[np.float64]:
    """How surely each patch is informative, 0 to 1, shape (n,); patches (n, side, side), uint8."""
    parts = [np.empty(0)]
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(patches), _SCORED):
            logits = model(resnet_inputs(patches[start : start + _SCORED], device))[:, 0]
            parts.append(torch.sigmoid(logits.double()).cpu().numpy())
    return np.concatenate(parts)


def augmented(patches: NDArray[np.uint8], random: np.random.Generator, device: str = "cpu") -> Tensor:
    """Patches (n, side, side), each changed by chance, as the network takes them, shape (n, 3, side, side)."""
    count = len(patches)

    def drawn(values: NDArray[np.float64], otherwise: float) -> Tensor:
        chosen = np.where(random.random(count) < _CHANCE, values, otherwise)
        return torch.from_numpy(chosen).to(device).float().view(count, 1, 1, 1)

    x = torch.from_numpy(patches).to(device).float()[:, None]
    change = random.random(count) < _CHANCE
    light, contrast = (
        torch.from_numpy(np.where(change, random.uniform(-_LIGHT, _LIGHT, count), 0)).to(device).float()
        for _ in range(2)
    )
    x = (x * (1 + contrast.view(-1, 1, 1, 1)) + 255 * light.view(-1, 1, 1, 1)).clamp(0, 255)
    deviation = drawn(np.sqrt(random.uniform(*_NOISE, count)), 0.0)
    noise = torch.from_numpy(random.standard_normal(x.shape, np.float32)).to(device)
    x = _blurred((x + deviation * noise).clamp(0, 255), drawn(random.choice(_BLURS, count), 0.0))
    for axis in (2, 3):
        flip = torch.from_numpy(random.random(count) < _CHANCE).to(device).view(-1, 1, 1, 1)
        x = torch.where(flip, x.flip(axis), x)
    return resnet_inputs(x[:, 0], device)


def _blurred(x: Tensor, sigma: Tensor) -> Tensor:
    """Pictures (n, 1, H, W) blurred along both axes, each by its own Gaussian of five weights; 0: as it is."""
    place = torch.arange(-2.0, 3.0, device=x.device)
    weights = torch.exp(-(place**2) / (2 * sigma.view(-1, 1).clamp(min=1e-3) ** 2))
    weights = (weights / weights.sum(1, keepdim=True))[:, None]
    y = x.transpose(0, 1)
    count = y.shape[1]
    y = functional.conv2d(functional.pad(y, (0, 0, 2, 2), "reflect"), weights[..., None], groups=count)
    y = functional.conv2d(functional.pad(y, (2, 2, 0, 0), "reflect"), weights[:, :, None], groups=count)
    return y.transpose(0, 1)


def _thaw(model: ResNet34, layers: str) -> list[nn.Module]:
    """Let some parts learn and no others; these parts."""
    learned: list[nn.Module] = [model] if layers == "all" else [model.layer4, model.fc]  # type: ignore[list-item]
    model.requires_grad_(False)
    for part in learned:
        part.requires_grad_(True)
    return learned


def _balance(informative: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights by which both classes weigh the same, of mean 1."""
    ones, zeros = max(1, int(informative.sum())), max(1, int((~informative).sum()))
    weights = np.where(informative, 1 / ones, 1 / zeros)
    return np.asarray(weights / weights.mean())


def _judged(
    number: int, loss: float, model: ResNet34, held: tuple[NDArray[np.uint8], NDArray[np.bool_]] | None, device: str
) -> Epoch:
    if held is None:
        return Epoch(number, loss, None, None)
    scores = resnet_scores(model, held[0], device).clip(1e-7, 1 - 1e-7)
    losses = -np.log(np.where(held[1], scores, 1 - scores)) * _balance(held[1])
    return Epoch(number, loss, float(losses.mean()), area_under_curve(scores, held[1]))
