"""What quantization costs, and which layer costs it: signal to noise against the float network."""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.run import run

from .annotate import annotate
from .options import QuantizeOptions
from .placement import LAYERS
from .quantize import Improved, improved, relaid
from .recipe import Recipe
from .refine import with_constants

_SAMPLES = 64  # the reference interpreter runs the network once for each layer


def fidelity(graph: Graph, quantized: Graph, samples: Mapping[str, Array]) -> str:
    """Signal-to-noise ratio in decibels, and the share of samples with the same largest output, of the first output."""
    wanted = _outputs(graph, samples)
    found = _outputs(quantized, relaid(graph, quantized, samples))
    return f"SQNR {decibels(wanted, found):.1f} dB, top-1 agreement {100 * np.mean(wanted.argmax(1) == found.argmax(1)):.1f} %"


def sensitivity_table(graph: Graph, samples: Mapping[str, Array], recipe: Recipe, options: QuantizeOptions) -> str:
    """For each layer the signal-to-noise ratio of the outputs when it alone is quantized as the recipe says, the worst first.

    A layer is quantized with the weights and the bias that `options` improve, among others that are those of the float network.
    """
    few = {name: array[:_SAMPLES] for name, array in samples.items()}
    found = improved(graph, samples, recipe, options)
    simple, places, formats = found.simple, found.places, found.formats
    feed = relaid(graph, simple, few)
    wanted = _outputs(simple, feed)
    rows = []
    for layer in dict.fromkeys(p.layer for p in places.values()):
        own = {name: f for name, f in formats.items() if places[name].layer == layer}
        if own:
            kinds = ", ".join(f"{places[name].role} {f.output.code}" for name, f in own.items())
            rows.append((decibels(wanted, _outputs(annotate(_with_layer(found, layer), own), feed)), layer, kinds))
    return "\n".join([f"{'SQNR dB':>8}  layer (quantized alone)", *(f"{db:>8.1f}  {layer}: {kinds}" for db, layer, kinds in sorted(rows))])


def _with_layer(found: Improved, layer: str) -> Graph:
    """The float network with the improved weights and bias of one layer."""
    node = found.simple.producer(layer)
    data = {name: found.graph.values[name].data for name in (node.inputs[1:3] if node and isinstance(node.op, LAYERS) else ()) if name}
    return with_constants(found.simple, {name: array for name, array in data.items() if array is not None})


def decibels(wanted: Array, found: Array) -> float:
    """10 log10 of the power of the signal over that of the error; infinite without an error, and minus that without a signal."""
    signal, noise = float((wanted**2).sum()), float(((wanted - found) ** 2).sum())
    if not signal or not noise:
        return float("-inf") if noise else float("inf")
    return float(10 * np.log10(signal / noise))


def _outputs(graph: Graph, samples: Mapping[str, Array]) -> Array:
    """The first output (N, elements) in float64."""
    array = run(graph, samples)[graph.output_names[0]]
    return array.reshape(len(array), -1).astype(np.float64)
