"""The search behind `tapeout retrain --recipe mixed --budget flash=60k`: bits of each layer's weights that fit the flash of a target."""
from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..budget import Budget, Quantity, parse_budgets
from ..errors import TapeoutError

if TYPE_CHECKING:
    from tapeout.quant.mixed import Mixed
    from tapeout.quant.recipe import Recipe
    from tapeout.quant.train import Split

    from ..ir import Graph

_SAMPLES, _CALIBRATION = 1024, 256  # of the training data: for losses, and for ranges


def flash_budget(text: str, recipe: Recipe) -> Budget:
    """The flash of `--budget` for a searched recipe. Raises TapeoutError when it is missing, or there are others."""
    budgets = parse_budgets(text)
    if [b.quantity for b in budgets] != [Quantity.FLASH]:
        raise TapeoutError(f"--recipe {recipe.name} searches bits under a bound on flash; give it as --budget flash=60k, and no other")
    return budgets[0]


def search_bits(graph: Graph, recipe: Recipe, data: Split, budget: Budget, target: str) -> Mixed:
    """The bits that the search finds for `target`, whose builds are measured. Raises TapeoutError that names the least flash."""
    from tapeout.quant.mixed import search, sensitivity
    from tapeout.quant.options import Calibration, QuantizeOptions
    from tapeout.quant.quantize import calibrated

    x = data.first(_SAMPLES)
    samples = {graph.input_names[0]: x[:_CALIBRATION][:, None].numpy()}
    simple, ranges = calibrated(graph, samples, recipe, QuantizeOptions(Calibration.MSE))
    choices = sensitivity(simple, recipe, ranges, x, data.y[: len(x)])
    return search(recipe, choices, budget.limit, lambda concrete: _flash(graph, concrete, target))


def _flash(graph: Graph, recipe: Recipe, target: str) -> int:
    """Bytes of flash of a build, for made-up ranges, which decide no size."""
    from tapeout.quant.quantize import annotated_blindly
    from tapeout.targets import find_target
    from tapeout.targets.compiled import Compiled

    from ..build import lower
    from .measure import firmware_of

    lowered = lower(annotated_blindly(graph, recipe))
    with tempfile.TemporaryDirectory(prefix="tapeout-") as folder:
        compiled = Compiled.write(Path(folder) / target, "net", find_target(target), lowered)
        return firmware_of(compiled, None).flash_bytes
