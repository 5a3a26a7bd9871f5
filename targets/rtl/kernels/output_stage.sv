// What a layer makes of its sums, channel `fold * PE + lane` of CHANNELS: STAGE 0 the whole sum, 1 requant.sv, 2 threshold.sv.
//
// A beat a cycle; no cycle later for whole sums, else as late as the module's own.
`default_nettype none
module output_stage #(
    parameter int unsigned CHANNELS   = 1,
    parameter int unsigned PE         = 1,
    parameter int unsigned ACC_BITS   = 32,
    parameter int unsigned Y_BITS     = 8,
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
    parameter int unsigned MULS_BASE       = 0,
    parameter int unsigned THRESHOLDS_BASE = 0
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire  [62:0]            load = 63'b0,
    input  wire  [PE*ACC_BITS-1:0] in_data,
    input  wire                    in_last,
    input  wire                    in_valid,
    output logic                   in_ready,
    output logic [PE*Y_BITS-1:0]   out_data,
    output logic                   out_last,
    output logic                   out_valid,
    input  wire                    out_ready
);
  localparam int unsigned REQUANT = 1, THRESHOLD = 2;

  if (STAGE == REQUANT) begin : g_requant
    requant #(
        .CHANNELS(CHANNELS), .PE(PE), .X_BITS(ACC_BITS), .X_SIGNED(1'b1), .Y_BITS(Y_BITS), .MUL_BITS(MUL_BITS), .MUL(MUL), .MULS(MULS),
        .SHIFT(SHIFT), .ROUNDING(ROUNDING), .SECOND(SECOND), .EXTRA_BITS(EXTRA_BITS), .ZERO(ZERO), .LO(LO), .HI(HI),
        .LOADABLE(LOADABLE), .MULS_BASE(MULS_BASE)
    ) u_requant (
        .clk(clk), .rst(rst), .load(load), .in_data(in_data), .in_last(in_last), .in_valid(in_valid), .in_ready(in_ready),
        .out_data(out_data), .out_last(out_last), .out_valid(out_valid), .out_ready(out_ready)
    );
  end else if (STAGE == THRESHOLD) begin : g_threshold
    threshold #(
        .CHANNELS(CHANNELS), .PE(PE), .X_BITS(ACC_BITS), .X_SIGNED(1'b1), .T_BITS(ACC_BITS), .Y_BITS(Y_BITS), .LEVELS(LEVELS),
        .THRESHOLDS(THRESHOLDS), .LO(LO), .STEP(STEP),
        .LOADABLE(LOADABLE), .THRESHOLDS_BASE(THRESHOLDS_BASE)
    ) u_threshold (
        .clk(clk), .rst(rst), .load(load), .in_data(in_data), .in_last(in_last), .in_valid(in_valid), .in_ready(in_ready),
        .out_data(out_data), .out_last(out_last), .out_valid(out_valid), .out_ready(out_ready)
    );
  end else begin : g_sums
    for (genvar lane = 0; lane < PE; lane++) begin : g_lane
      assign out_data[lane*Y_BITS+:Y_BITS] = Y_BITS'($signed(in_data[lane*ACC_BITS+:ACC_BITS]));
    end
    assign out_last  = in_last;
    assign out_valid = in_valid;
    assign in_ready  = out_ready;
    logic unused;
    assign unused = ^{clk, rst, load, LOADABLE, MULS_BASE, THRESHOLDS_BASE};
  end
endmodule
`default_nettype wire
