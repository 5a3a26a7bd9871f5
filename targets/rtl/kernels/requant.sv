// clip(round((x - X_ZERO) * mul / 2**SHIFT) + ZERO, LO, HI) of PE lanes; channel `fold * PE + lane` of CHANNELS.
//
// Three stages: the product, its rounded quotient, the code. The table MULS holds a word of PE multipliers for each fold, or is empty where all are MUL.
`default_nettype none
module requant #(
    parameter int unsigned CHANNELS = 1,
    parameter int unsigned PE       = 1,
    parameter int unsigned X_BITS   = 8,
    parameter bit          X_SIGNED = 1,
    parameter int          X_ZERO   = 0,
    parameter int unsigned Y_BITS   = 8,
    parameter int unsigned MUL_BITS = 2,
    parameter int          MUL      = 1,
    parameter              MULS     = "",
    parameter int unsigned SHIFT    = 0,
    parameter int unsigned ROUNDING = 0,
    parameter int          ZERO     = 0,
    parameter int          LO       = -128,
    parameter int          HI       = 127,
    parameter bit          LOADABLE = 0,
    parameter int unsigned MULS_BASE = 0
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire  [62:0]          load,
    input  wire  [PE*X_BITS-1:0] in_data,
    input  wire                  in_last,
    input  wire                  in_valid,
    output logic                 in_ready,
    output logic [PE*Y_BITS-1:0] out_data,
    output logic                 out_last,
    output logic                 out_valid,
    input  wire                  out_ready
);
  localparam int unsigned NUMBER = X_BITS + (X_ZERO == 0 ? 1 : 2);
  localparam int unsigned PRODUCT = NUMBER + MUL_BITS;
  localparam int unsigned ROUNDED = (PRODUCT > SHIFT ? PRODUCT - SHIFT : 1) + 1;
  // Wide enough for the quotient as well as for ZERO, LO and HI, which fit the output's bits and one for the sign.
  localparam int unsigned WIDE = (ROUNDED > Y_BITS + 1 ? ROUNDED : Y_BITS + 1) + 1;

  logic step;
  logic [1:0] valid, last;
  assign step     = ~out_valid | out_ready;
  assign in_ready = step;

  always_ff @(posedge clk)
    if (rst) {out_valid, valid} <= '0;
    else if (step) {out_valid, valid} <= {valid, in_valid};

  always_ff @(posedge clk) if (step) {out_last, last} <= {last, in_last};

  logic [PE*MUL_BITS-1:0] muls;
  if (MULS == "") begin : g_one
    assign muls = {PE{MUL_BITS'(MUL)}};
    logic unused;
    assign unused = rst ^ ^load;
  end else begin : g_many
    channel_table #(.CHANNELS(CHANNELS), .PE(PE), .WIDTH(MUL_BITS), .FILE(MULS), .LOADABLE(LOADABLE), .BASE(MULS_BASE)) u_muls (
        .clk(clk), .rst(rst), .load(load), .next(step & in_valid), .words(muls));
  end

  for (genvar lane = 0; lane < PE; lane++) begin : g_lane
    logic signed [NUMBER-1:0] x;
    logic signed [PRODUCT-1:0] product;
    logic signed [ROUNDED-1:0] rounded;
    logic signed [WIDE-1:0] moved;
    logic [Y_BITS-1:0] code;

    assign x = NUMBER'($signed({X_SIGNED & in_data[(lane+1)*X_BITS-1], in_data[lane*X_BITS+:X_BITS]})) - NUMBER'(X_ZERO);
    always_ff @(posedge clk) if (step) product <= x * $signed(muls[lane*MUL_BITS+:MUL_BITS]);

    round_shift #(.WIDTH(PRODUCT), .SHIFT(SHIFT), .ROUNDING(ROUNDING)) u_round (.in(product), .out(rounded));

    always_ff @(posedge clk) if (step) moved <= WIDE'(rounded) + WIDE'(ZERO);
    assign code  = moved < WIDE'(LO) ? Y_BITS'(LO) : moved > WIDE'(HI) ? Y_BITS'(HI) : moved[Y_BITS-1:0];
    always_ff @(posedge clk) if (step) out_data[lane*Y_BITS+:Y_BITS] <= code;
  end
endmodule
`default_nettype wire
