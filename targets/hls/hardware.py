"""Projects for the synthesis tools of four vendors."""
from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.ir import Graph

from ..hardware import DesignOptions, Hardware
from .layers import Layer, plan

_TAKES = frozenset({"stream", "reuse_factor", "strategy", "part", "clock_ns", "interface"})


@dataclass(frozen=True)
class Lack:
    """A kind of layers, or of activations, that a back end of hls4ml cannot compute in these settings of --stream, and why."""

    kind: str
    stream: tuple[bool, ...]
    reason: str
    activation: str = ""

    def meets(self, layer: Layer, stream: bool) -> bool:
        same = layer.kind == self.kind and self.activation in ("", layer.attributes.get("activation"))
        return same and stream in self.stream


# found by the C simulation of hls4ml 1.3.0: other numbers, and no code at all
_CATAPULT_DEPTHWISE = Lack(
    "DepthwiseConv2D", (False,),
    "hls4ml for Catapult computes other numbers in depthwise layers and averages without streams; give --stream",
)
_NO_DEPTHWISE = Lack("DepthwiseConv2D", (False, True), "hls4ml has no depthwise layers and no averages for this target")
_SIGN_OF_ZERO = Lack(
    "Activation", (False, True), "hls4ml for Quartus makes -1 of a sum at its threshold, where it has to be 1; quantize with fixed<W,I>",
    "binary_tanh",
)


@dataclass(frozen=True)
class HlsProject(Hardware):
    """A project that hls4ml's `back_end` writes, by one of `strategies`, the first unless told.

    `lacks` holds kinds of layers that it computes wrongly or not at all. `sizes` says that the bridge to its C simulation gives sizes back,
    behind the tensors. `interfaces` are those that it can be given in place of what hls4ml chooses. `vendor_header` is one that it needs
    and that only the vendor has.
    """

    back_end: str = ""
    strategies: tuple[str, ...] = ("latency", "resource")
    lacks: tuple[Lack, ...] = ()
    sizes: bool = False
    interfaces: tuple[str, ...] = ()
    vendor_header: str = ""

    def check(self, options: DesignOptions) -> None:
        super().check(options)
        if options.strategy is not None and options.strategy not in self.strategies:
            raise TapeoutError(f"--strategy {options.strategy}: target {self.name} takes {', '.join(self.strategies)}")
        if options.interface is not None and options.interface not in self.interfaces:
            able = ", ".join(h.name for h in HARDWARE if isinstance(h, HlsProject) and options.interface in h.interfaces)
            raise TapeoutError(f"--interface {options.interface}: target {self.name} has its vendor's own ports alone; {able} takes it")
        if options.interface == "axis" and options.stream is False:
            raise TapeoutError("--interface axis: AXI streams carry tensors element by element; leave out --no-stream")
        if options.strategy == "distributed-arithmetic" and (options.reuse_factor or 1) > 1:
            raise TapeoutError("--strategy distributed-arithmetic: has no multipliers to share; leave out --reuse-factor")

    def write(self, folder: Path, name: str, graph: Graph, options: DesignOptions) -> None:
        from .interface import write_interface
        from .project import write

        self.check(options)
        if options.interface == "axis":  # hls4ml gives its streams such ports
            options = replace(options, stream=True)
        planned = plan(graph)
        for layer in planned.layers:
            for lack in self.lacks:
                if lack.meets(layer, bool(options.stream)):
                    raise Unsupported(f"{layer.name}: {lack.reason}")
        write(planned, name, self.back_end, replace(options, strategy=options.strategy or self.strategies[0]), folder)
        if options.interface == "m_axi":
            ports = [(planned.result(value), graph.values[value].type.size) for value in (*graph.input_names, *graph.output_names)]
            write_interface(ports, len(graph.inputs), name, folder)


HARDWARE: tuple[Hardware, ...] = (
    HlsProject("vitis-hls", _TAKES, "Vitis", ("latency", "resource", "distributed-arithmetic"), interfaces=("axis", "m_axi")),
    HlsProject("catapult-hls", _TAKES, "Catapult", lacks=(_CATAPULT_DEPTHWISE,)),
    HlsProject("quartus-hls", _TAKES, "Quartus", ("resource",), (_NO_DEPTHWISE, _SIGN_OF_ZERO), sizes=True),
    HlsProject("oneapi-hls", _TAKES, "oneAPI", ("resource",), vendor_header="sycl/ext/intel/ac_types/ac_fixed.hpp"),
)
