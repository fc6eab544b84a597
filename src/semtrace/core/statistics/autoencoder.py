"""An undercomplete autoencoder with three hidden layers a side, trained pair by pair or as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Activation = Literal["elu", "tanh", "sigmoid", "relu", "linear"]
Phase = Literal["1_a", "1_b", "1", "2", "g"]
PHASES: tuple[Phase, ...] = ("1_a", "1_b", "1", "2", "g")
_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "elu": functional.elu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": functional.relu,
    "linear": lambda x: x,
}


@dataclass(frozen=True)
class Shape:
    """What an autoencoder is built of.

    Attributes:
        inputs: columns of the data.
        hidden: units of the encoder's layers, the code last; the decoder mirrors them.
        tied: for each pair, innermost first, whether the decoder's weights are the encoder's transposed.
        activations: of the layers in order, encoder then decoder; one name stands for all but the output, which is
            linear then.

    Raises:
        ValueError: the numbers do not fit.

    """

    inputs: int
    hidden: tuple[int, ...] = (100, 20, 3)
    tied: tuple[bool, ...] = (False, False, False)
    activations: tuple[Activation, ...] = ("elu",)

    def __post_init__(self) -> None:
        layers = 2 * len(self.hidden)
        if min(self.inputs, *self.hidden) < 1:
            raise ValueError(f"layers of {self.inputs} and {self.hidden} units; each must have 1 or more")
        if len(self.tied) != len(self.hidden):
            raise ValueError(f"tied has {len(self.tied)} entries for {len(self.hidden)} pairs of layers")
        if len(self.activations) not in (1, layers):
            raise ValueError(f"activations has {len(self.activations)} names; it must have 1 or {layers}")
        if unknown := sorted(set(self.activations) - set(_FUNCTIONS)):
            raise ValueError(f"activation {unknown[0]!r} is none of {', '.join(_FUNCTIONS)}")

    @property
    def functions(self) -> tuple[Activation, ...]:
        """One name a layer."""
        if len(self.activations) > 1:
            return self.activations
        return self.activations * (2 * len(self.hidden) - 1) + ("linear",)


@dataclass(frozen=True)
class Training:
    """How it is trained.

    Attributes:
        epochs: of every phase, by name.
        order: phases in the order in which they run; they may come again.
        batch: points a step, 1 or more.
        rate: learning rate of Adam.
        l2: weight of the sum of squared weights beside the mean squared error.
        seed: of the first weights and the order of the points.

    """

    epochs: Mapping[Phase, int]
    order: tuple[Phase, ...] = ("g",)
    batch: int = 300
    rate: float = 1e-3
    l2: float = 1e-3
    seed: int = 1

    def __post_init__(self) -> None:
        if unknown := [phase for phase in self.order if phase not in PHASES]:
            raise ValueError(f"phase {unknown[0]!r} is none of {', '.join(PHASES)}")
        if self.batch < 1 or self.rate <= 0 or self.l2 < 0:
            raise ValueError(f"batch {self.batch}, rate {self.rate:g}, l2 {self.l2:g}: must be 1, above 0, 0 or more")


class Autoencoder(nn.Module):
    """Layers L1 to LN; a tied decoder layer has a bias of its own and borrows its encoder layer's weights."""

    def __init__(self, shape: Shape, seed: int = 1) -> None:
        super().__init__()
        self.shape = shape
        self.history: list[tuple[str, int, float]] = []
        draw = torch.Generator().manual_seed(seed)
        widths = [shape.inputs, *shape.hidden]
        self.encoder = nn.ParameterList()
        self.encoder_bias = nn.ParameterList()
        self.decoder = nn.ParameterList()
        self.decoder_bias = nn.ParameterList()
        depth = len(shape.hidden)
        for i in range(depth):
            self.encoder.append(_weights(widths[i + 1], widths[i], draw))
            self.encoder_bias.append(nn.Parameter(torch.zeros(widths[i + 1])))
        for i in reversed(range(depth)):
            tied = shape.tied[depth - 1 - i]
            weights = nn.Parameter(torch.empty(0)) if tied else _weights(widths[i], widths[i + 1], draw)
            self.decoder.append(weights)
            self.decoder_bias.append(nn.Parameter(torch.zeros(widths[i])))

    def layer(self, number: int, x: Tensor) -> Tensor:
        """Apply layer ``number``, counted from 0."""
        depth = len(self.shape.hidden)
        act = _FUNCTIONS[self.shape.functions[number]]
        if number < depth:
            return act(functional.linear(x, self.encoder[number], self.encoder_bias[number]))
        i = number - depth
        weights = self.encoder[depth - 1 - i].T if self.shape.tied[i] else self.decoder[i]
        return act(functional.linear(x, weights, self.decoder_bias[i]))

    def through(self, x: Tensor, first: int, last: int) -> Tensor:
        """Apply layers ``first`` to ``last`` - 1."""
        for number in range(first, last):
            x = self.layer(number, x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct."""
        return self.through(x, 0, 2 * len(self.shape.hidden))

    def code(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Codes of points, shape (N, hidden[-1])."""
        return self._apply_layers(points, 0, len(self.shape.hidden))

    def decode(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points from codes, shape (N, inputs)."""
        return self._apply_layers(codes, len(self.shape.hidden), 2 * len(self.shape.hidden))

    def reconstruct(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Code and decode, shape (N, inputs)."""
        return self._apply_layers(points, 0, 2 * len(self.shape.hidden))

    def error(self, points: NDArray[np.float64]) -> float:
        """Mean squared error per entry."""
        return float(((self.reconstruct(points) - points) ** 2).mean())

    def info(self) -> dict[str, Any]:
        """Shape, number of parameters, and what it was trained with: phase, epochs, last mean squared error."""
        count = sum(parameter.numel() for parameter in self.parameters())
        return {**asdict(self.shape), "parameters": count, "history": list(self.history)}

    def _apply_layers(self, values: NDArray[np.float64], first: int, last: int) -> NDArray[np.float64]:
        with torch.no_grad():
            x = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
            return self.through(x, first, last).numpy().astype(np.float64)


def _weights(rows: int, columns: int, draw: torch.Generator) -> nn.Parameter:
    return nn.Parameter(torch.randn(rows, columns, generator=draw) * (2.0 / (rows + columns)) ** 0.5)


def train(model: Autoencoder, points: NDArray[np.float64], training: Training) -> None:
    """Train on points; the model's ``history`` grows by an entry a phase.

    With three layers a side, numbered 1 to 6 as in the source, a phase trains these layers on these inputs:
    1_a layers 1 and 6 on the points; 1_b layers 2 and 5 on the codes of layer 1; 1 layers 1, 2, 5 and 6 on the points.
    Phase 2 trains layers 3 and 4 on the codes of layer 2, and g all six on the points.

    Args:
        model: to train.
        points: shape (N, inputs), float64, centred and scaled.
        training: how.

    Raises:
        ValueError: a phase trains layers that the model does not have.

    """
    x = torch.from_numpy(np.ascontiguousarray(points, dtype=np.float32))
    draw = torch.Generator().manual_seed(training.seed)
    for phase in training.order:
        outer, inner = _span(phase, len(model.shape.hidden))
        with torch.no_grad():
            data = model.through(x, 0, outer)
        epochs = training.epochs.get(phase, 0)
        loss = _fit(model, data, outer, inner, epochs, training, draw)
        model.history.append((phase, epochs, loss))


def _span(phase: Phase, depth: int) -> tuple[int, int]:
    """First encoder layer that is trained, and the one behind the last."""
    spans = {"1_a": (0, 1), "1_b": (1, 2), "1": (0, 2), "2": (2, depth), "g": (0, depth)}
    first, last = spans[phase]
    if last > depth or first >= last:
        raise ValueError(f"phase {phase!r} trains layers that an autoencoder of {depth} a side does not have")
    return first, last


def _fit(
    model: Autoencoder, data: Tensor, first: int, last: int, epochs: int, training: Training, draw: torch.Generator
) -> float:
    depth = len(model.shape.hidden)
    decoder = range(depth - last, depth - first)
    weights = [model.encoder[i] for i in range(first, last)]
    weights += [model.decoder[i] for i in decoder if not model.shape.tied[i]]
    biases = [model.encoder_bias[i] for i in range(first, last)] + [model.decoder_bias[i] for i in decoder]
    # Adam's decay of a weight w is the slope of decay / 2 * w**2: it spares a pass over all weights and one back.
    parts: list[dict[str, Any]] = [{"params": weights, "weight_decay": 2 * training.l2}, {"params": biases}]
    optimizer = torch.optim.Adam(parts, lr=training.rate, fused=True)
    mean = float("nan")
    for _ in range(epochs):
        order = torch.randperm(len(data), generator=draw)
        total = 0.0
        for start in range(0, len(data), training.batch):
            batch = data[order[start : start + training.batch]]
            rebuilt = model.through(model.through(batch, first, last), 2 * depth - last, 2 * depth - first)
            error = functional.mse_loss(rebuilt, batch)
            optimizer.zero_grad()
            error.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += float(error.detach()) * len(batch)
        mean = total / len(data)
    return mean


def load_weights(
    shape: Shape, state: Mapping[str, Tensor], sequence: Sequence[tuple[str, int, float]] = ()
) -> Autoencoder:
    """An autoencoder with the weights of one that was trained before, and its history."""
    model = Autoencoder(shape)
    model.load_state_dict(dict(state))
    model.history = list(sequence)
    return model
