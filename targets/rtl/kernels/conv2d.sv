// A convolution: window.sv gives the INPUTS = K_H * K_W * channels of each pixel to dense.sv, SIMD channels at a time.
`default_nettype none
module conv2d #(
    parameter int unsigned IMAGES     = 1,
    parameter int unsigned HEIGHT     = 1,
    parameter int unsigned WIDTH      = 1,
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
  logic [SIMD*X_BITS-1:0] taps;
  logic taps_last, taps_valid, taps_ready;
  logic taps_inside, unused;
  assign unused = in_last | taps_inside;

  window #(
      .IMAGES(IMAGES), .HEIGHT(HEIGHT), .WIDTH(WIDTH), .PARTS(INPUTS / (K_H * K_W * SIMD)), .LANES(SIMD), .BITS(X_BITS), .K_H(K_H), .K_W(K_W),
      .S_H(S_H), .S_W(S_W), .D_H(D_H), .D_W(D_W), .TOP(TOP), .LEFT(LEFT), .OUT_H(OUT_H), .OUT_W(OUT_W), .FILL(FILL)
  ) u_window (
      .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid), .in_ready(in_ready),
      .out_data(taps), .out_inside(taps_inside), .out_last(taps_last), .out_valid(taps_valid), .out_ready(taps_ready)
  );

  dense #(
      .INPUTS(INPUTS), .OUTPUTS(OUTPUTS), .SIMD(SIMD), .PE(PE), .BIPOLAR(BIPOLAR), .X_BITS(X_BITS), .X_SIGNED(X_SIGNED),
      .W_BITS(W_BITS), .ACC_BITS(ACC_BITS), .Y_BITS(Y_BITS), .WEIGHTS(WEIGHTS), .BIASES(BIASES), .STAGE(STAGE), .MUL_BITS(MUL_BITS),
      .MUL(MUL), .MULS(MULS), .SHIFT(SHIFT), .ROUNDING(ROUNDING), .SECOND(SECOND), .EXTRA_BITS(EXTRA_BITS), .ZERO(ZERO), .LO(LO),
      .HI(HI), .LEVELS(LEVELS), .STEP(STEP), .THRESHOLDS(THRESHOLDS),
      .LOADABLE(LOADABLE), .WEIGHTS_BASE(WEIGHTS_BASE), .BIASES_BASE(BIASES_BASE), .MULS_BASE(MULS_BASE), .THRESHOLDS_BASE(THRESHOLDS_BASE)
  ) u_dense (
      .clk(clk), .rst(rst), .load(load), .in_data(taps), .in_last(taps_last), .in_valid(taps_valid), .in_ready(taps_ready),
      .out_data(out_data), .out_last(out_last), .out_valid(out_valid), .out_ready(out_ready)
  );
endmodule
`default_nettype wire
