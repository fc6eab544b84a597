from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from semtrace.models import lite0
from semtrace.models.weights import inside_package, load


@pytest.fixture(scope="module")
def model():
    return lite0.network()


@pytest.mark.parametrize(("name", "number", "share"), [("chelsea", 285, 0.77), ("coffee", 967, 0.90)])
def test_a_cat_and_a_cup_are_what_the_weights_are_known_to_say(model, name, number, share):
    picture = Image.fromarray(getattr(data, name)()).resize((224, 224), Image.Resampling.BICUBIC)
    x = ((torch.from_numpy(np.array(picture)).float() - 127) / 128).permute(2, 0, 1)[None]
    with torch.inference_mode():
        chances = model.logits(model(x)).softmax(dim=1)[0]
    assert int(chances.argmax()) == number
    assert float(chances.max()) == pytest.approx(share, abs=0.005)


def test_batches_of_any_size_give_the_same_to_1e_5(model):
    pictures = np.random.default_rng(1).integers(0, 256, (7, 224, 224), dtype=np.uint8)
    whole, logits = lite0.lite0_features(model, pictures)
    assert whole.shape == (7, 1280)
    assert logits.shape == (7, 1000)
    for size in (1, 3):
        parts = [lite0.lite0_features(model, pictures[start : start + size])[0] for start in range(0, 7, size)]
        assert np.abs(np.concatenate(parts) - whole).max() < 1e-5


def test_folded_batch_norms_give_what_unfolded_ones_do():
    state = load(inside_package(lite0.WEIGHTS_PACKAGE, lite0._FILE, ""), lite0.SHA256)
    folded = lite0.Convolution(state, "_conv_stem", "_bn0", 3, 2, 1)
    x = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    padded = torch.nn.functional.pad(x, (0, 1, 0, 1))  # TensorFlow's odd pixel is at the right and below
    plain = torch.nn.functional.conv2d(padded, state["_conv_stem.weight"], stride=2)
    norm = [state[f"_bn0.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
    plain = torch.nn.functional.batch_norm(plain, *norm, eps=1e-3)
    assert torch.allclose(folded(x), plain, atol=1e-4)
