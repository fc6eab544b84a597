"""All layers of EfficientNet-Lite0 trained further on labelled pictures; its folded batch norms stay as they are.

The new last layer starts as the linear head that was trained on the network's features before (Kumar et al. 2022:
otherwise the first steps distort the features).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from semtrace.core.statistics.linear_head import CurvePoint, HeadTraining, LinearHead, class_weights, train_head
from semtrace.models import lite0
from semtrace.models.weights import WeightsError, load

Pictures = NDArray[np.uint8]
PictureCodes = NDArray[np.int64]
_LAST = "categories."
_AT_ONCE = 64  # pictures that are only looked at


@dataclass(frozen=True)
class LayerTraining:
    """How all layers are trained.

    Attributes:
        epochs: steps over all pictures at most; patience: those without a smaller validation loss before the end.
        rate: learning rate of AdamW; l2: its weight decay; batch: pictures a step.
        seed: of the order of the pictures and of their flips.
        head: how the first last layer is trained.

    """

    epochs: int
    patience: int
    rate: float
    l2: float
    batch: int
    seed: int
    head: HeadTraining


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network and its last layer.

    Attributes:
        model: gives the 1280 features.
        last: gives the scores of the categories.

    """

    model: lite0.Lite0
    last: nn.Linear

    def look(self, pictures: Pictures) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features, shape (N, 1280), and scores, shape (N, C), of pictures, shape (N, 224, 224)."""
        device = str(self.last.weight.device)
        found = []
        with torch.inference_mode():
            for start in range(0, len(pictures), _AT_ONCE):
                features = self.model(lite0.inputs(pictures[start : start + _AT_ONCE], device))
                found.append((features.cpu().numpy(), self.last(features).cpu().numpy()))
        return np.concatenate([part for part, _ in found]), np.concatenate([part for _, part in found])

    def saved(self) -> bytes:
        """All tensors as ``torch.save`` writes them."""
        state = {name: part.cpu() for name, part in self.model.state_dict().items()}
        state |= {f"{_LAST}{name}": part.cpu() for name, part in self.last.state_dict().items()}
        data = io.BytesIO()
        torch.save(state, data)
        return data.getvalue()


def load_network(file: Path, digest: str, device: str = "cpu") -> TrainedNetwork:
    """A network from the file that ``TrainedNetwork.saved`` made.

    Raises:
        WeightsError: no such file, another sha256, or tensors of another network.

    """
    state = load(file, digest)
    model = lite0.network(device)
    rest = {name: part for name, part in state.items() if not name.startswith(_LAST)}
    try:
        model.load_state_dict(rest)
        bias = state[f"{_LAST}bias"]
        last = nn.Linear(model.head.bias.numel(), bias.numel())
        last.load_state_dict({"weight": state[f"{_LAST}weight"], "bias": bias})
    except (KeyError, RuntimeError) as error:
        raise WeightsError(f"{file}: not a network that `semtrace finetune` trained; name its weights.pth") from error
    return TrainedNetwork(model.eval(), last.to(device).eval())


def train_network(
    pictures: Pictures,
    codes: PictureCodes,
    training: PictureCodes,
    validation: PictureCodes,
    names: tuple[str, ...],
    how: LayerTraining,
    device: str = "cpu",
) -> tuple[TrainedNetwork, list[CurvePoint]]:
    """Train all layers on pictures, each flipped at random; keep the state with the smallest validation loss.

    Args:
        pictures: shape (N, 224, 224).
        codes: their categories, shape (N,), 0 to C - 1.
        training: rows that are trained on.
        validation: rows that end the training; they may be none.
        names: of the C categories.
        how: see there.
        device: ``cpu`` or ``cuda``.

    """
    model = lite0.network(device)
    whole = TrainedNetwork(model, nn.Linear(model.head.bias.numel(), len(names)).to(device))
    features = whole.look(pictures)[0].astype(np.float64)
    first, _ = train_head(
        names, (features[training], codes[training]), (features[validation], codes[validation]), how.head
    )
    _start_from(whole.last, first)
    parameters = [*model.requires_grad_(True).parameters(), *whole.last.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=how.rate, weight_decay=how.l2)
    weight = torch.from_numpy(class_weights(codes[training], len(names), how.head.balance)).float().to(device)
    rng = np.random.default_rng(how.seed)
    curve = [_measured(whole, pictures, codes, training, validation, 0)]
    best, least, waited = _copied(whole), curve[0].validation_loss, 0
    for epoch in range(1, how.epochs + 1):
        order = rng.permutation(training)
        for start in range(0, len(order), how.batch):
            rows = order[start : start + how.batch]
            scores = whole.last(model(lite0.inputs(_flipped(pictures[rows], rng), device)))
            target = torch.from_numpy(codes[rows]).to(device)
            loss = (functional.cross_entropy(scores, target, reduction="none") * weight[target]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        curve.append(_measured(whole, pictures, codes, training, validation, epoch))
        waited += 1
        if not len(validation) or curve[-1].validation_loss < least:
            best, least, waited = _copied(whole), curve[-1].validation_loss, 0
        if waited >= how.patience:
            break
    for part, state in zip((model, whole.last), best, strict=True):
        part.load_state_dict(state)
    model.requires_grad_(False)
    return whole, curve


def _start_from(last: nn.Linear, head: LinearHead) -> None:
    """The head with its shift and scale inside its weights."""
    weights = head.weights / head.scale[:, None]
    with torch.no_grad():
        last.weight.copy_(torch.from_numpy(weights.T))
        last.bias.copy_(torch.from_numpy(head.bias - head.shift @ weights))


def _flipped(pictures: Pictures, rng: np.random.Generator) -> Pictures:
    """Each picture left-right, upside down, both or neither; what is cut off below is the data bar, not a place."""
    turned = [picture[:: 1 - 2 * int(rng.integers(2)), :: 1 - 2 * int(rng.integers(2))] for picture in pictures]
    return np.ascontiguousarray(turned)


def _copied(whole: TrainedNetwork) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    model, last = whole.model.state_dict(), whole.last.state_dict()
    return {name: value.clone() for name, value in model.items()}, {name: value.clone() for name, value in last.items()}


def _measured(
    whole: TrainedNetwork,
    pictures: Pictures,
    codes: PictureCodes,
    training: PictureCodes,
    validation: PictureCodes,
    epoch: int,
) -> CurvePoint:
    found = []
    for rows in (training, validation):
        if not len(rows):
            found.append((float("nan"), float("nan")))
            continue
        scores = torch.from_numpy(whole.look(pictures[rows])[1])
        loss = float(functional.cross_entropy(scores, torch.from_numpy(codes[rows])))
        found.append((loss, float((scores.numpy().argmax(axis=1) == codes[rows]).mean())))
    (seen, right), (unseen, right_too) = found
    return CurvePoint(epoch, seen, unseen, right, right_too)
