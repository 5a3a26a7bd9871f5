"""The integer program against all choices there are, and the search around it."""
from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.errors import TapeoutError
from tapeout.quant.mixed import Choice, search, solve
from tapeout.quant.recipe import load

BITS = (2, 3, 4, 8)


def choices(seed: int) -> list[Choice]:
    rng = np.random.default_rng(seed)
    found = []
    for layer in ("a", "b", "c[0]", "d"):
        size, loss = int(rng.integers(10, 200)), float(rng.uniform(0.1, 2))
        found += [Choice(layer, bits, -(-size * bits // 8), loss * 4.0**-bits * float(rng.uniform(0.5, 2))) for bits in BITS]
    return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 1.0])
def test_no_choice_within_the_bytes_has_less_loss(seed: int, share: float) -> None:
    known = choices(seed)
    rows = [[c for c in known if c.layer == layer] for layer in dict.fromkeys(c.layer for c in known)]
    budget = int(share * sum(max(c.bytes for c in row) for row in rows))
    best = min(sum(c.loss for c in picked) for picked in product(*rows) if sum(c.bytes for c in picked) <= budget)
    found = solve(known, budget)
    assert found.bytes <= budget and found.loss == pytest.approx(best, rel=1e-6)


def test_the_recipe_says_the_bits_of_each_layer(tmp_path: Path) -> None:
    known = choices(0)
    mixed = search(load("mixed"), known, 150)
    assert not mixed.recipe.searched and mixed.chosen.bytes <= 150
    assert tuple(mixed.recipe.layer(name, "dense").weights.bits for name in mixed.layers) == mixed.chosen.bits
    assert [p.loss for p in mixed.front] == sorted((p.loss for p in mixed.front), reverse=True)
    mixed.draw(tmp_path / "front.png")
    assert (tmp_path / "front.png").stat().st_size > 1000


def test_a_measured_size_decides() -> None:
    known = choices(1)
    free = search(load("mixed"), known, 400)
    heavy = search(load("mixed"), known, 400, size=lambda recipe: 300 + sum(recipe.layer(n, "dense").weights.bits for n in free.layers) * 5)
    assert heavy.chosen.loss > free.chosen.loss


def test_a_budget_below_the_least_is_told() -> None:
    smallest = sum(min(c.bytes for c in choices(2) if c.layer == layer) for layer in ("a", "b", "c[0]", "d"))
    with pytest.raises(TapeoutError, match=f"a budget of 3 bytes is below the least that was found, {smallest}"):
        search(load("mixed"), choices(2), 3)
