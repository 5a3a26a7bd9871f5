"""A wrapper of five pins around a design that has more than its device: shift registers take its inputs in and give its outputs out.

It is there to place and route, so that every path of the design begins and ends in registers; it is nothing to run.
"""
from __future__ import annotations

import re

from .loadable import REGISTER_PORT
from .ports import Ports, PortStream

NAME = "pins"
LABEL = "design"  # of the instance in it
_OTHERS = 2  # clock and reset

_TEXT = """\
`default_nettype none
module {name} (
    input  wire clock,
    input  wire reset,
    input  wire in,
    input  wire load,
    output wire out
);
  logic resetn;
  logic [{inputs}:0] given;
  logic [{outputs}:0] taken;
  wire [{outputs}:0] made;
  always_ff @(posedge clock) begin
    resetn <= ~reset;
    given <= {{given[{inputs}-1:0], in}};
    taken <= load ? made : {{taken[{outputs}-1:0], 1'b0}};
  end
  assign out = taken[{outputs}];

  {module} {label} (
      .aclk(clock), .aresetn(resetn),
{connections});
endmodule
`default_nettype wire
"""


def pins_of(ports: Ports) -> int:
    """How many pins the design has itself."""
    return _OTHERS + sum(8 * port.bytes + 3 for port in (*ports.inputs, *ports.outputs)) + sum(b for _, _, b in _registers(ports))


def _registers(ports: Ports) -> list[tuple[str, str, int]]:
    """The signals of the register port, where there is one: direction, name, bits."""
    found = re.findall(r"(input|output) +wire (?:\[(\d+):0\] )?(\w+)", REGISTER_PORT) if ports.register_port else []
    return [(direction, name, int(high or 0) + 1) for direction, high, name in found]


def wrapper(ports: Ports) -> str:
    """SystemVerilog of the module `NAME`."""
    sizes, lines = {"given": 0, "made": 0}, []

    def bits(side: str, count: int) -> str:
        first = sizes[side]
        sizes[side] += count
        return f"{side}[{first}+:{count}]"

    def connect(port: PortStream, there: str, back: str) -> None:
        lines.append(
            f"      .{port.name}_tdata({bits(there, 8 * port.bytes)}), .{port.name}_tvalid({bits(there, 1)}), "
            f".{port.name}_tlast({bits(there, 1)}), .{port.name}_tready({bits(back, 1)})"
        )

    for port in ports.inputs:
        connect(port, "given", "made")
    for port in ports.outputs:
        connect(port, "made", "given")
    for direction, name, count in _registers(ports):
        lines.append(f"      .{name}({bits('given' if direction == 'input' else 'made', count)})")
    return _TEXT.format(
        name=NAME, label=LABEL, module=ports.module, connections=",\n".join(lines), inputs=sizes["given"] - 1, outputs=sizes["made"] - 1
    )
