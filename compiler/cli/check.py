"""What commands find out before they start long work: whether a target can run what a recipe makes of a network."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import TapeoutError, Unsupported

if TYPE_CHECKING:
    from tapeout.quant.recipe import Recipe
    from tapeout.targets.target import Target

    from ..ir import Graph

_NEAREST = ("int8", "int8-sym", "w4a8", "ternary", "w2a4", "binary", "float")  # the order in which others are tried


def check_target(graph: Graph, recipe: Recipe, name: str) -> None:
    """Raises Unsupported that names the layer and the nearest ready-made recipe, unless the target has a kernel for every node.

    Formats follow from made-up ranges, since no data is needed to know which kernels they take.
    """
    from tapeout.quant.recipe import load
    from tapeout.targets import find_target

    target = find_target(name)
    reason = _refusal(graph, recipe, target)
    if reason is None:
        return
    for other in _NEAREST:
        if other != recipe.name and _refusal(graph, load(other), target) is None:
            raise Unsupported(f"{reason} (recipe {recipe.name}); the nearest recipe that {name} can run is {other}")
    raise Unsupported(f"{reason} (recipe {recipe.name})")


def _refusal(graph: Graph, recipe: Recipe, target: Target) -> str | None:
    """Why the target cannot run the network under a recipe; None when it can."""
    from tapeout.quant.quantize import annotated_blindly

    from ..build import lower
    from ..views import views

    try:
        lowered = lower(annotated_blindly(graph, recipe))
        for node in lowered.nodes:
            if node.name not in views(lowered).free:
                target.kernel(lowered, node)
    except TapeoutError as error:
        return str(error)
    return None
