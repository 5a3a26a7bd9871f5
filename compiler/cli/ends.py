"""What `tapeout compile` does at the two ends of a network: `--input-type` and `--output-layer`."""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ..errors import TapeoutError
from ..ir import Graph
from .options import InputTypes

if TYPE_CHECKING:
    from tapeout.targets.hardware import Hardware


class End(StrEnum):
    """Where a network ends."""

    AS_IS = "as-is"
    LOGITS = "logits"
    ARGMAX = "argmax"


@dataclass(frozen=True)
class Ends:
    """What was asked for; `codes` says that the ports hold codes, as those of designs do."""

    inputs: InputTypes
    output: End | None
    codes: bool
    design: bool

    @property
    def end(self) -> End:
        """Designs end at the logits when nothing else is said."""
        return self.output or (End.LOGITS if self.design else End.AS_IS)

    def softmax_dropped(self, graph: Graph) -> Graph:
        """The source model's graph without a final softmax, itself when there is none or when it is to stay. Raises TapeoutError."""
        from ..ops.softmax import Softmax
        from ..passes.drop_softmax import drop_softmax

        last = [graph.producer(port.value) for port in graph.outputs]
        if not any(n and isinstance(n.op, Softmax) for n in last):
            return graph
        if self.end is End.AS_IS and self.design:
            raise TapeoutError("--output-layer as-is: the network ends with a softmax, which no design computes; say logits or argmax")
        return graph if self.end is End.AS_IS else drop_softmax(graph)

    def rounded(self, graph: Graph) -> Graph:
        """With the quantizers of inputs in fixed point. Raises TapeoutError."""
        from ..passes.quantize_inputs import quantize_inputs

        return quantize_inputs(graph, self.inputs.rounded)

    def fed(self, graph: Graph) -> Graph:
        """With inputs that are integers, in a graph that is annotated already. Raises TapeoutError."""
        from ..build import simplify
        from ..passes.feed_codes import feed_codes

        return feed_codes(simplify(graph), self.inputs.fed) if self.inputs.fed else graph

    def ended(self, graph: Graph, softmax: bool) -> tuple[Graph, tuple[str, ...]]:
        """The lowered graph as it ends, and a line for each thing that is left out; `softmax` says that one is already.

        Raises TapeoutError when it cannot end so.
        """
        from ..passes.add_argmax import add_argmax
        from ..passes.end_at_sums import end_at_sums
        from ..passes.expose_codes import expose_codes

        lines = ["the network ends at its logits: its final softmax is left out"] if softmax else []
        if self.end is not End.AS_IS:
            graph, cut = end_at_sums(graph, self.codes or self.end is End.ARGMAX)
            lines += [end.text() for end in cut]
            if self.output is End.LOGITS and not lines:
                raise TapeoutError(
                    "--output-layer logits: the network does not end with a softmax, nor with floats behind its last integers, so its "
                    "outputs are those already; leave it out"
                )
            if self.end is End.ARGMAX and not all(end.ordered for end in cut):
                raise TapeoutError(f"--output-layer argmax: {next(end.text() for end in cut if not end.ordered)}; end at the logits")
        if self.codes:
            graph = expose_codes(graph)
        return add_argmax(graph) if self.end is End.ARGMAX else graph, tuple(lines)


def check_inputs_quantized(graph: Graph, hardware: Hardware) -> None:
    """Raises TapeoutError for an input that a design would have to take as floats."""
    from ..ir import FType
    from ..ops.fake_quantize import FakeQuantize

    if is_float(graph):
        raise TapeoutError(
            f"{graph.name}: {hardware.name} takes codes, and this model computes in floats; quantize it, such as with "
            "--recipe 'fixed<8,3>' --calibrate DATA.npz"
        )
    readers = graph.consumers()
    for port in graph.inputs:
        floats = isinstance(graph.values[port.value].type.q, FType)
        if floats and not all(isinstance(node.op, FakeQuantize) for node in readers[port.value]):
            raise TapeoutError(
                f"{port.name}: {hardware.name} takes codes, and the model says no format for this input; "
                f"give one, such as --input-type '{port.name}=fixed<16,6>', or --input-type '{port.name}=uint8/255' for bytes of images"
            )


def is_float(graph: Graph) -> bool:
    """Whether a source model computes in floats throughout: no value holds codes, and no quantizer stands between floats."""
    from ..ir import FType
    from ..ops.fake_quantize import FakeQuantize

    return all(isinstance(v.type.q, FType) for v in graph.values.values()) and not any(isinstance(n.op, FakeQuantize) for n in graph.nodes)
