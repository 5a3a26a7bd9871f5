"""Quantization after training all the way to integers, as a command does it."""
from __future__ import annotations

from collections.abc import Mapping

from tapeout.compiler.build import lower
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.passes.expose_codes import expose_codes
from tapeout.quant import Calibration, QuantizeOptions, quantize
from tapeout.quant.recipe import load


def integers(
    graph: Graph, samples: Mapping[str, Array], calibration: Calibration = Calibration.MINMAX, symmetric: bool = False,
    codes_at_ports: bool = False,
) -> Graph:
    """The integer graph, before its lowering, of int8 after training."""
    recipe = load("int8-sym" if symmetric else "int8")
    integer = lower(quantize(graph, samples, recipe, QuantizeOptions(calibration)), after="make_integer")
    return expose_codes(integer) if codes_at_ports else integer
