// clip(round((x - X_ZERO) * mul / 2**SHIFT) + ZERO, LO, HI) of PE lanes; channel `fold * PE + lane` of CHANNELS.
//
// A beat a cycle; a beat comes out three cycles after it came in, or four with the two roundings of TensorFlow Lite: see scale.sv. The table MULS holds
// PE multipliers with their `extra` for each fold, or is empty where all are MUL, whose extra is 0.
`default_nettype none
module requant #(
    parameter int unsigned CHANNELS   = 1,
    parameter int unsigned PE         = 1,
    parameter int unsigned X_BITS     = 8,
    parameter bit          X_SIGNED   = 1,
    parameter int          X_ZERO     = 0,
    parameter int unsigned Y_BITS     = 8,
    parameter int unsigned MUL_BITS   = 2,
    parameter int          MUL        = 1,
    parameter              MULS       = "",
    parameter int unsigned SHIFT      = 0,
    parameter int unsigned ROUNDING   = 0,
    parameter int unsigned SECOND     = 0,
    parameter int unsigned EXTRA_BITS = 0,
    parameter int          ZERO       = 0,
    parameter int          LO         = -128,
    parameter int          HI         = 127,
    parameter bit          LOADABLE   = 0,
    parameter int unsigned MULS_BASE  = 0
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire  [62:0]          load = 63'b0,
    input  wire  [PE*X_BITS-1:0] in_data,
    input  wire                  in_last,
    input  wire                  in_valid,
    output logic                 in_ready,
    output logic [PE*Y_BITS-1:0] out_data,
    output logic                 out_last,
    output logic                 out_valid,
    input  wire                  out_ready
);
  localparam int unsigned TFLITE = 4;
  localparam int unsigned STAGES = ROUNDING == TFLITE ? 3 : 2;  // of scale.sv
  localparam int unsigned PRODUCT = X_BITS + (X_ZERO == 0 ? 1 : 2) + MUL_BITS;
  localparam int unsigned ROUNDED = (PRODUCT > SHIFT ? PRODUCT - SHIFT : 1) + 1;
  // Wide enough for the quotient as well as for ZERO, LO and HI, which fit the output's bits and one for the sign.
  localparam int unsigned WIDE = (ROUNDED > Y_BITS + 1 ? ROUNDED : Y_BITS + 1) + 1;
  localparam int unsigned WORD = MUL_BITS + EXTRA_BITS;

  logic step;
  logic [STAGES-1:0] valid, last;
  assign step     = ~out_valid | out_ready;
  assign in_ready = step;

  always_ff @(posedge clk)
    if (rst) {out_valid, valid} <= '0;
    else if (step) {out_valid, valid} <= {valid, in_valid};

  always_ff @(posedge clk) if (step) {out_last, last} <= {last, in_last};

  logic [PE*WORD-1:0] words;
  if (MULS == "") begin : g_one
    assign words = {PE{WORD'(MUL_BITS'(MUL))}};
    logic unused;
    assign unused = ^{rst, load, LOADABLE, MULS_BASE};
  end else begin : g_many
    channel_table #(.CHANNELS(CHANNELS), .PE(PE), .WIDTH(WORD), .FILE(MULS), .LOADABLE(LOADABLE), .BASE(MULS_BASE)) u_muls (
        .clk(clk), .rst(rst), .load(load), .next(step & in_valid), .words(words));
  end

  for (genvar lane = 0; lane < PE; lane++) begin : g_lane
    logic signed [WIDE-1:0] moved;
    logic [Y_BITS-1:0] code;

    scale #(
        .X_BITS(X_BITS), .X_SIGNED(X_SIGNED), .X_ZERO(X_ZERO), .Y_BITS(WIDE), .Y_ZERO(ZERO), .MUL_BITS(MUL_BITS), .SHIFT(SHIFT),
        .ROUNDING(ROUNDING), .SECOND(SECOND), .EXTRA_BITS(EXTRA_BITS)
    ) u_scale (
        .clk(clk), .step(step), .x(in_data[lane*X_BITS+:X_BITS]), .word(words[lane*WORD+:WORD]), .y(moved)
    );

    assign code = moved < WIDE'(LO) ? Y_BITS'(LO) : moved > WIDE'(HI) ? Y_BITS'(HI) : moved[Y_BITS-1:0];
    always_ff @(posedge clk) if (step) out_data[lane*Y_BITS+:Y_BITS] <= code;
  end
endmodule
`default_nettype wire
