"""Projects for the synthesis tools of four vendors."""
from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.ir import Graph

from ..hardware import DesignOptions, Hardware

_TAKES = frozenset({"stream", "reuse_factor", "strategy", "part", "clock_ns"})


@dataclass(frozen=True)
class Lack:
    """A kind of layers that a back end of hls4ml cannot compute in these settings of --stream, and why."""

    kind: str
    stream: tuple[bool, ...]
    reason: str


# found by the C simulation of hls4ml 1.3.0: other numbers, and no code at all
_CATAPULT_DEPTHWISE = Lack(
    "DepthwiseConv2D", (False,),
    "hls4ml for Catapult computes other numbers in depthwise layers and averages without streams; give --stream",
)
_NO_DEPTHWISE = Lack("DepthwiseConv2D", (False, True), "hls4ml has no depthwise layers and no averages for this target")


@dataclass(frozen=True)
class HlsProject(Hardware):
    """A project that hls4ml's `back_end` writes, by one of `strategies`, the first unless told.

    `lacks` holds kinds of layers that it computes wrongly or not at all. `sizes` says that the bridge to its C simulation gives sizes back,
    behind the tensors. `vendor_header` is one that it needs and that only the vendor has.
    """

    back_end: str = ""
    strategies: tuple[str, ...] = ("latency", "resource")
    lacks: tuple[Lack, ...] = ()
    sizes: bool = False
    vendor_header: str = ""

    def check(self, options: DesignOptions) -> None:
        super().check(options)
        if options.strategy is not None and options.strategy not in self.strategies:
            raise TapeoutError(f"--strategy {options.strategy}: target {self.name} takes {', '.join(self.strategies)}")
        if options.strategy == "distributed-arithmetic" and (options.reuse_factor or 1) > 1:
            raise TapeoutError("--strategy distributed-arithmetic: has no multipliers to share; leave out --reuse-factor")

    def write(self, folder: Path, name: str, graph: Graph, options: DesignOptions) -> None:
        from .layers import plan
        from .project import write

        self.check(options)
        planned = plan(graph)
        for layer in planned.layers:
            for lack in self.lacks:
                if layer.kind == lack.kind and bool(options.stream) in lack.stream:
                    raise Unsupported(f"{layer.name}: {lack.reason}")
        write(planned, name, self.back_end, replace(options, strategy=options.strategy or self.strategies[0]), folder)


HARDWARE: tuple[Hardware, ...] = (
    HlsProject("vitis-hls", _TAKES, "Vitis", ("latency", "resource", "distributed-arithmetic")),
    HlsProject("catapult-hls", _TAKES, "Catapult", lacks=(_CATAPULT_DEPTHWISE,)),
    HlsProject("quartus-hls", _TAKES, "Quartus", ("resource",), (_NO_DEPTHWISE,), sizes=True),
    HlsProject("oneapi-hls", _TAKES, "oneAPI", ("resource",), vendor_header="sycl/ext/intel/ac_types/ac_fixed.hpp"),
)
