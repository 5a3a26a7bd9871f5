// LO + STEP * (how many of its channel's LEVELS thresholds x reaches), of PE lanes; channel `fold * PE + lane` of CHANNELS.
//
// Thresholds are T_BITS wide, signed, PE * LEVELS to a word of the table, the first in its lowest bits.
`default_nettype none
module threshold #(
    parameter int unsigned CHANNELS   = 1,
    parameter int unsigned PE         = 1,
    parameter int unsigned X_BITS     = 8,
    parameter bit          X_SIGNED   = 1,
    parameter int unsigned T_BITS     = 8,
    parameter int unsigned Y_BITS     = 8,
    parameter int unsigned LEVELS     = 1,
    parameter              THRESHOLDS = "",
    parameter int          LO         = 0,
    parameter int          STEP       = 1,
    parameter bit          LOADABLE   = 0,
    parameter int unsigned THRESHOLDS_BASE = 0
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
  localparam int unsigned COUNT_BITS = $clog2(LEVELS + 1);
  localparam int unsigned WIDE = X_BITS + 1 > T_BITS ? X_BITS + 1 : T_BITS;
  localparam int unsigned LANE = LEVELS * T_BITS;

  logic step;
  assign step     = ~out_valid | out_ready;
  assign in_ready = step;

  always_ff @(posedge clk)
    if (rst) out_valid <= 1'b0;
    else if (step) out_valid <= in_valid;

  always_ff @(posedge clk) if (step) out_last <= in_last;

  logic [PE*LANE-1:0] rows;
  channel_table #(.CHANNELS(CHANNELS), .PE(PE), .WIDTH(LANE), .FILE(THRESHOLDS), .LOADABLE(LOADABLE), .BASE(THRESHOLDS_BASE)) u_thresholds (
      .clk(clk), .rst(rst), .load(load), .next(step & in_valid), .words(rows));

  for (genvar lane = 0; lane < PE; lane++) begin : g_lane
    logic [LEVELS-1:0] reached;
    logic [COUNT_BITS-1:0] count;

    for (genvar k = 0; k < LEVELS; k++) begin : g_level
      logic signed [WIDE-1:0] x, t;
      assign x = WIDE'($signed({X_SIGNED & in_data[(lane+1)*X_BITS-1], in_data[lane*X_BITS+:X_BITS]}));
      assign t = WIDE'($signed(rows[lane*LANE+k*T_BITS+:T_BITS]));
      assign reached[k] = x >= t;
    end

    always_comb begin
      count = '0;
      for (int k = 0; k < LEVELS; k++) count += COUNT_BITS'(reached[k]);
    end
    always_ff @(posedge clk)
      if (step) out_data[lane*Y_BITS+:Y_BITS] <= Y_BITS'(LO) + Y_BITS'(STEP) * Y_BITS'(count);
  end
endmodule
`default_nettype wire
