// round((x - X_ZERO) * mul / 2**SHIFT) + Y_ZERO of one number: the product in a cycle, its rounded quotient in the next, each of `step`.
//
// ROUNDING is that of round_shift.sv, or 4, TensorFlow Lite's, which rounds twice in a cycle each: half up by 2**SHIFT, then half away
// from zero by 2**(SECOND - extra). Y_BITS hold the result.
`default_nettype none
module scale #(
    parameter int unsigned X_BITS     = 8,
    parameter bit          X_SIGNED   = 1,
    parameter int          X_ZERO     = 0,
    parameter int unsigned Y_BITS     = 8,
    parameter int          Y_ZERO     = 0,
    parameter int unsigned MUL_BITS   = 2,
    parameter int unsigned SHIFT      = 0,
    parameter int unsigned ROUNDING   = 0,
    parameter int unsigned SECOND     = 0,
    parameter int unsigned EXTRA_BITS = 0,
    localparam int unsigned WORD = MUL_BITS + EXTRA_BITS
) (
    input  wire                      clk,
    input  wire                      step,
    input  wire         [X_BITS-1:0] x,
    input  wire         [WORD-1:0]   word,  // the multiplier, and above it `extra`
    output logic signed [Y_BITS-1:0] y
);
  localparam int unsigned HALF_UP = 1, HALF_AWAY = 2, TFLITE = 4;
  localparam int unsigned NUMBER = X_BITS + (X_ZERO == 0 ? 1 : 2);
  localparam int unsigned PRODUCT = NUMBER + MUL_BITS;
  localparam int unsigned ROUNDED = (PRODUCT > SHIFT ? PRODUCT - SHIFT : 1) + 1;

  logic signed [NUMBER-1:0] number;
  logic signed [PRODUCT-1:0] product;
  logic signed [ROUNDED-1:0] rounded;
  logic unused;  // upper bits of quotients, where y is narrower

  assign number = NUMBER'($signed({X_SIGNED & x[X_BITS-1], x})) - NUMBER'(X_ZERO);

  localparam int unsigned FEW = 4;  // bits of a multiplier that is a choice of shifts, as powers of two are, and worth no multiplier
  logic signed [PRODUCT-1:0] made;
  if (MUL_BITS <= FEW) begin : g_few
    always_comb begin
      made = '0;
      for (int b = 0; b < MUL_BITS; b++)
        if (word[b]) begin
          if (b == MUL_BITS - 1) made -= PRODUCT'(number) << b;
          else made += PRODUCT'(number) << b;
        end
    end
  end else begin : g_whole
    assign made = number * $signed(word[MUL_BITS-1:0]);
  end
  always_ff @(posedge clk) if (step) product <= made;

  round_shift #(.WIDTH(PRODUCT), .SHIFT(SHIFT), .ROUNDING(ROUNDING == TFLITE ? HALF_UP : ROUNDING)) u_round (.in(product), .out(rounded));

  if (ROUNDING == TFLITE) begin : g_twice
    localparam int unsigned LIFTED = ROUNDED + (1 << EXTRA_BITS) - 1;
    localparam int unsigned TWICE = (LIFTED > SECOND ? LIFTED - SECOND : 1) + 1;
    logic signed [LIFTED-1:0] lifted;
    logic signed [TWICE-1:0] twice;

    if (EXTRA_BITS == 0) begin : g_alike
      always_ff @(posedge clk) if (step) lifted <= LIFTED'(rounded);
    end else begin : g_extra
      logic [EXTRA_BITS-1:0] extra;
      always_ff @(posedge clk)
        if (step) begin
          extra  <= word[WORD-1:MUL_BITS];
          lifted <= LIFTED'(rounded) << extra;
        end
    end

    round_shift #(.WIDTH(LIFTED), .SHIFT(SECOND), .ROUNDING(HALF_AWAY)) u_second (.in(lifted), .out(twice));
    always_ff @(posedge clk) if (step) y <= Y_BITS'(twice) + Y_BITS'(Y_ZERO);
    assign unused = ^twice;
  end else begin : g_once
    always_ff @(posedge clk) if (step) y <= Y_BITS'(rounded) + Y_BITS'(Y_ZERO);
    assign unused = ^rounded;
  end
endmodule
`default_nettype wire
