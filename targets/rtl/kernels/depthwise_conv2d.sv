// A depthwise convolution: window.sv gives the K_H * K_W taps of PE channels of each pixel to depthwise_sums.sv, which makes MULTIPLIER
// outputs of each channel; output_stage.sv makes codes of the sums.
//
// Beats of PE codes come in, beats of PE * MULTIPLIER codes go out, one for each K_H * K_W cycles.
`default_nettype none
module depthwise_conv2d #(
    parameter int unsigned IMAGES     = 1,
    parameter int unsigned HEIGHT     = 1,
    parameter int unsigned WIDTH      = 1,
    parameter int unsigned CHANNELS   = 1,
    parameter int unsigned K_H        = 1,
    parameter int unsigned K_W        = 1,
    parameter int unsigned S_H        = 1,
    parameter int unsigned S_W        = 1,
    parameter int unsigned D_H        = 1,
    parameter int unsigned D_W        = 1,
    parameter int unsigned TOP        = 0,
    parameter int unsigned LEFT       = 0,
    parameter int unsigned OUT_H      = 1,
    parameter int unsigned OUT_W      = 1,
    parameter int          FILL       = 0,
    parameter int unsigned PE         = 1,
    parameter int unsigned MULTIPLIER = 1,
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
    parameter int unsigned THRESHOLDS_BASE = 0,
    localparam int unsigned LANES = PE * MULTIPLIER
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire  [62:0]             load = 63'b0,
    input  wire  [PE*X_BITS-1:0]    in_data,
    input  wire                     in_last,
    input  wire                     in_valid,
    output logic                    in_ready,
    output logic [LANES*Y_BITS-1:0] out_data,
    output logic                    out_last,
    output logic                    out_valid,
    input  wire                     out_ready
);
  logic [PE*X_BITS-1:0] taps;
  logic taps_last, taps_valid, taps_ready;
  logic [LANES*ACC_BITS-1:0] sums;
  logic sums_last, sums_valid, sums_ready;
  logic taps_inside, unused;
  assign unused = in_last | taps_inside;

  window #(
      .IMAGES(IMAGES), .HEIGHT(HEIGHT), .WIDTH(WIDTH), .PARTS(CHANNELS / PE), .LANES(PE), .BITS(X_BITS), .K_H(K_H), .K_W(K_W), .S_H(S_H), .S_W(S_W),
      .D_H(D_H), .D_W(D_W), .TOP(TOP), .LEFT(LEFT), .OUT_H(OUT_H), .OUT_W(OUT_W), .FILL(FILL), .BY_PART(1'b1)
  ) u_window (
      .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid), .in_ready(in_ready),
      .out_data(taps), .out_inside(taps_inside), .out_last(taps_last), .out_valid(taps_valid), .out_ready(taps_ready)
  );

  depthwise_sums #(
      .TAPS(K_H * K_W), .PARTS(CHANNELS / PE), .PE(PE), .MULTIPLIER(MULTIPLIER), .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .W_BITS(W_BITS),
      .ACC_BITS(ACC_BITS), .WEIGHTS(WEIGHTS), .BIASES(BIASES), .LOADABLE(LOADABLE), .WEIGHTS_BASE(WEIGHTS_BASE), .BIASES_BASE(BIASES_BASE)
  ) u_sums (
      .clk(clk), .rst(rst), .load(load), .in_data(taps), .in_last(taps_last), .in_valid(taps_valid), .in_ready(taps_ready),
      .out_data(sums), .out_last(sums_last), .out_valid(sums_valid), .out_ready(sums_ready)
  );

  output_stage #(
      .CHANNELS(CHANNELS * MULTIPLIER), .PE(LANES), .ACC_BITS(ACC_BITS), .Y_BITS(Y_BITS), .STAGE(STAGE), .MUL_BITS(MUL_BITS), .MUL(MUL),
      .MULS(MULS), .SHIFT(SHIFT), .ROUNDING(ROUNDING), .SECOND(SECOND), .EXTRA_BITS(EXTRA_BITS), .ZERO(ZERO), .LO(LO), .HI(HI),
      .LEVELS(LEVELS), .STEP(STEP), .THRESHOLDS(THRESHOLDS),
      .LOADABLE(LOADABLE), .MULS_BASE(MULS_BASE), .THRESHOLDS_BASE(THRESHOLDS_BASE)
  ) u_stage (
      .clk(clk), .rst(rst), .load(load), .in_data(sums), .in_last(sums_last), .in_valid(sums_valid), .in_ready(sums_ready),
      .out_data(out_data), .out_last(out_last), .out_valid(out_valid), .out_ready(out_ready)
  );
endmodule
`default_nettype wire
