// LO + STEP * (how many of LEVELS constant thresholds x reaches, from above where FALLING); combinational.
//
// Thresholds are T_BITS wide, signed, the first in the lowest bits.
`default_nettype none
module count_reached #(
    parameter int unsigned WIDTH   = 8,
    parameter bit          SIGNED  = 1,
    parameter bit          FALLING = 0,
    parameter int unsigned T_BITS  = 8,
    parameter int unsigned LEVELS  = 1,
    parameter logic [LEVELS*T_BITS-1:0] THRESHOLDS = '0,
    parameter int          LO      = 0,
    parameter int          STEP    = 1,
    parameter int unsigned BITS    = 8
) (
    input  wire  [WIDTH-1:0] x,
    output logic [BITS-1:0]  code
);
  localparam int unsigned COUNT_BITS = $clog2(LEVELS + 1);
  localparam int unsigned WIDE = WIDTH + 1 > T_BITS ? WIDTH + 1 : T_BITS;

  logic signed [WIDE-1:0] wide;
  logic [LEVELS-1:0] reached;
  logic [COUNT_BITS-1:0] count;

  assign wide = WIDE'($signed({SIGNED & x[WIDTH-1], x}));
  for (genvar k = 0; k < LEVELS; k++) begin : g_level
    localparam logic signed [T_BITS-1:0] EACH = THRESHOLDS[k*T_BITS+:T_BITS];
    assign reached[k] = FALLING ? wide <= WIDE'(EACH) : wide >= WIDE'(EACH);
  end

  always_comb begin
    count = '0;
    for (int k = 0; k < LEVELS; k++) count += COUNT_BITS'(reached[k]);
  end
  assign code = BITS'(LO) + BITS'(STEP) * BITS'(count);
endmodule
`default_nettype wire
