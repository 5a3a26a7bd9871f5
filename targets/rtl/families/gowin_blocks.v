// The ports of Gowin's multiplier (UG287, Gowin Digital Signal Processing), which yosys 0.23 does not know.
(* blackbox *)
module MULT18X18 (
    input  [17:0] A,
    input  [17:0] B,
    input  [17:0] SIA,
    input  [17:0] SIB,
    input         ASIGN,
    input         BSIGN,
    input         ASEL,
    input         BSEL,
    input         CE,
    input         CLK,
    input         RESET,
    output [35:0] DOUT,
    output [17:0] SOA,
    output [17:0] SOB
);
  parameter AREG = 1'b0;
  parameter BREG = 1'b0;
  parameter OUT_REG = 1'b0;
  parameter PIPE_REG = 1'b0;
  parameter ASIGN_REG = 1'b0;
  parameter BSIGN_REG = 1'b0;
  parameter SOA_REG = 1'b0;
  parameter MULT_RESET_MODE = "SYNC";
endmodule
