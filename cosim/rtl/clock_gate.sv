// The clock gate that CV32E40P asks for, always open. With a latch, as the core's own model of simulation has it, the divider and the
// square root of the floating-point unit never answer.
module cv32e40p_clock_gate (
    input  logic clk_i,
    input  logic en_i,
    input  logic scan_cg_en_i,
    output logic clk_o
);
  assign clk_o = clk_i;
endmodule
