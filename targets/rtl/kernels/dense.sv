// A fully connected layer over vectors of INPUTS, with its output stage: see output_stage.sv.
//
// Beats of SIMD codes come in, beats of PE codes go out; see matvec.sv for the folding and for BIPOLAR.
`default_nettype none
module dense #(
    parameter int unsigned INPUTS     = 1,
    parameter int unsigned OUTPUTS    = 1,
    parameter int unsigned SIMD       = 1,
    parameter int unsigned PE         = 1,
    parameter bit          BIPOLAR    = 0,
    parameter int unsigned X_BITS     = 8,
    parameter bit          X_SIGNED   = 1,
    parameter int unsigned W_BITS     = 8,
    parameter int unsigned ACC_BITS   = 32,
    parameter int unsigned Y_BITS     = 8,
    parameter              WEIGHTS    = "",
    parameter              BIASES     = "",
    parameter int unsigned STAGE      = 0,
    parameter int unsigned MUL_BITS   = 2,
    parameter int          MUL        = 1,
    parameter              MULS       = "",
    parameter int unsigned SHIFT      = 0,
    parameter int unsigned ROUNDING   = 0,
    parameter int unsigned SECOND     = 0,
    parameter int unsigned EXTRA_BITS = 0,
    parameter int          ZERO       = 0,
    parameter int          LO         = 0,
    parameter int          HI         = 0,
    parameter int unsigned LEVELS     = 1,
    parameter int          STEP       = 1,
    parameter              THRESHOLDS = "",
    parameter bit          LOADABLE        = 0,
    parameter int unsigned WEIGHTS_BASE    = 0,
    parameter int unsigned BIASES_BASE     = 0,
    parameter int unsigned MULS_BASE       = 0,
    parameter int unsigned THRESHOLDS_BASE = 0
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire  [62:0]            load = 63'b0,
    input  wire  [SIMD*X_BITS-1:0] in_data,
    input  wire                    in_last,
    input  wire                    in_valid,
    output logic                   in_ready,
    output logic [PE*Y_BITS-1:0]   out_data,
    output logic                   out_last,
    output logic                   out_valid,
    input  wire                    out_ready
);
  logic [PE*ACC_BITS-1:0] sums;
  logic sums_last, sums_valid, sums_ready;

  matvec #(
      .INPUTS(INPUTS), .OUTPUTS(OUTPUTS), .SIMD(SIMD), .PE(PE), .BIPOLAR(BIPOLAR), .X_BITS(X_BITS), .X_SIGNED(X_SIGNED),
      .W_BITS(W_BITS), .ACC_BITS(ACC_BITS), .WEIGHTS(WEIGHTS), .BIASES(BIASES),
      .LOADABLE(LOADABLE), .WEIGHTS_BASE(WEIGHTS_BASE), .BIASES_BASE(BIASES_BASE)
  ) u_matvec (
      .clk(clk), .rst(rst), .load(load), .in_data(in_data), .in_last(in_last), .in_valid(in_valid), .in_ready(in_ready),
      .out_data(sums), .out_last(sums_last), .out_valid(sums_valid), .out_ready(sums_ready)
  );

  output_stage #(
      .CHANNELS(OUTPUTS), .PE(PE), .ACC_BITS(ACC_BITS), .Y_BITS(Y_BITS), .STAGE(STAGE), .MUL_BITS(MUL_BITS), .MUL(MUL), .MULS(MULS),
      .SHIFT(SHIFT), .ROUNDING(ROUNDING), .SECOND(SECOND), .EXTRA_BITS(EXTRA_BITS), .ZERO(ZERO), .LO(LO), .HI(HI), .LEVELS(LEVELS),
      .STEP(STEP), .THRESHOLDS(THRESHOLDS),
      .LOADABLE(LOADABLE), .MULS_BASE(MULS_BASE), .THRESHOLDS_BASE(THRESHOLDS_BASE)
  ) u_stage (
      .clk(clk), .rst(rst), .load(load), .in_data(sums), .in_last(sums_last), .in_valid(sums_valid), .in_ready(sums_ready),
      .out_data(out_data), .out_last(out_last), .out_valid(out_valid), .out_ready(out_ready)
  );
endmodule
`default_nettype wire
