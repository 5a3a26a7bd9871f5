"""Networks with convolutions learn the digits forward only, as compiled C, in float32 and in 16 bits."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tapeout.compiler.ir import verify
from tapeout.compiler.passes.add_pepita_step import add_pepita_step
from tapeout.compiler.training import Method, Training
from tests import small_forward
from tests.cosim import test_pepita_digits
from tests.cosim.test_float16 import in_recipe
from tests.cosim.test_forward_digits import SEEDS, WIDTHS, accuracy, digits, pictures, said, step
from tests.small_forward import network

pytestmark = pytest.mark.long
SETTINGS = {Method.FF: (0.0005, 0.85), Method.CFF: (0.001, 0.9)}  # rate, the least accuracy


@pytest.mark.parametrize("method", SETTINGS, ids=lambda m: m.value)
def test_fifteen_epochs_of_forward_forward(method: Method, tmp_path: Path) -> None:
    """Of a convolution of 16 channels and two fully connected layers."""
    rate, least = SETTINGS[method]
    sources = {seed: small_forward.pictures(16, hidden=100, seed=seed) for seed in SEEDS}
    reached = [accuracy(step(tmp_path / f"{seed}", method, rate, 1.0, source), 15, pictures(), seed) for seed, source in sources.items()]
    print(f"{method}: {said(reached)}")
    assert min(reached) >= least


def test_fifteen_epochs_of_pepita_reach_ninety_five_percent(tmp_path: Path) -> None:
    """Of a convolution of 16 channels and a fully connected layer, as its authors' networks are."""
    training = Training(learning_rate=0.01, method=Method.PEPITA)
    for seed in SEEDS:
        source = small_forward.pictures(16, seed=seed)
        found = {
            update: test_pepita_digits.accuracy(
                tmp_path / f"{seed}_{update[-1]}", add_pepita_step(source, replace(training, update=update)), 15, pictures(), seed,
            ) for update in ("all", "last:1")
        }  # fmt: skip
        print(f"seed {seed}: {said(found['all'])}; last:1: {said(found['last:1'])}")
        assert found["all"][-1] >= 0.95


@pytest.mark.parametrize("recipe", ["fp16", "fp16-fma", "bf16"])
def test_fifteen_epochs_in_sixteen_bits(recipe: str, tmp_path: Path) -> None:
    """Of fully connected layers."""
    source = in_recipe(network(*WIDTHS), recipe)
    collaborative = accuracy(step(tmp_path / "cff", Method.CFF, 0.01, 1.0, source), 15, digits())
    forward = accuracy(step(tmp_path / "ff", Method.FF, 0.0005, 1.0, source), 15, digits())
    training = Training(learning_rate=0.01, method=Method.PEPITA)
    pepita = test_pepita_digits.accuracy(tmp_path / "pepita", verify(add_pepita_step(source, training)), 15, digits())[-1]
    print(f"{recipe}: ff {said([forward])}, cff {said([collaborative])}, pepita {said([pepita])}")
