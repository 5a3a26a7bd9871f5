"""The search behind `tapeout retrain --recipe mixed --budget flash=60k`: bits of each layer's weights that fit the flash of a target."""
from __future__ import annotations

import tempfile
from dataclasses import replace
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
_TYPICAL_BITS = 4


def flash_budget(text: str, recipe: Recipe) -> Budget:
    """The flash of `--budget` for a searched recipe. Raises TapeoutError when it is missing, or there are others."""
    budgets = parse_budgets(text)
    if [b.quantity for b in budgets] != [Quantity.FLASH]:
        raise TapeoutError(f"--recipe {recipe.name} searches bits under a bound on flash; give it as --budget flash=60k, and no other")
    return budgets[0]


def search_bits(graph: Graph, recipe: Recipe, data: Split, budget: Budget, target: str) -> Mixed:
    """The bits that the search finds for `target`. Raises TapeoutError that names the least flash when the budget is below it."""
    import torch

    from tapeout.quant.mixed import search
    from tapeout.quant.options import Calibration, QuantizeOptions
    from tapeout.quant.quantize import calibrated

    x = data.batch(torch.arange(min(_SAMPLES, len(data.x))))
    samples = {graph.input_names[0]: x[:_CALIBRATION][:, None].numpy()}
    simple, ranges = calibrated(graph, samples, recipe, QuantizeOptions(Calibration.MSE))
    return search(simple, recipe, ranges, x, data.y[: len(x)], budget.limit, _flash_beside_weights(graph, recipe, target))


def _flash_beside_weights(graph: Graph, recipe: Recipe, target: str) -> int:
    """Bytes of flash that a build takes besides its layers' weights, from one with few bits in every layer."""
    from tapeout.quant.quantize import annotated_blindly
    from tapeout.targets import find_target
    from tapeout.targets.compiled import Compiled

    from ..build import lower
    from .measure import measure

    weights = replace(recipe.default.weights, bits=_TYPICAL_BITS)
    lowered = lower(annotated_blindly(graph, replace(recipe, default=replace(recipe.default, weights=weights), rules=())))
    with tempfile.TemporaryDirectory(prefix="tapeout-") as folder:
        compiled = Compiled.write(Path(folder) / target, "net", find_target(target), lowered)
        built = measure(compiled, None).built
    if built is None:
        raise TapeoutError(f"{target}: its flash cannot be measured here; search with --target cortex-m4")
    layers = {n.inputs[1] for n in lowered.nodes if n.op.name() in ("conv2d", "depthwise_conv2d", "dense")}
    return built.flash_bytes - sum(lowered.values[name].type.bytes for name in layers)
