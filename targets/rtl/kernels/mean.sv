// The mean over TAPS elements of codes without their zero point, each of PARTS beats of PE channels: plane_sums.sv and requant.sv, whose multiplier
// holds the division.
//
// A beat a cycle comes in; the PARTS beats of means come out behind the last element.
`default_nettype none
module mean #(
    parameter int unsigned TAPS       = 1,
    parameter int unsigned PARTS      = 1,
    parameter int unsigned PE         = 1,
    parameter int unsigned X_BITS     = 8,
    parameter bit          X_SIGNED   = 1,
    parameter int          X_ZERO     = 0,
    parameter int unsigned SUM_BITS   = 16,
    parameter int unsigned Y_BITS     = 8,
    parameter int unsigned MUL_BITS   = 2,
    parameter int          MUL        = 1,
    parameter int unsigned SHIFT      = 0,
    parameter int unsigned ROUNDING   = 0,
    parameter int unsigned SECOND     = 0,
    parameter int          ZERO       = 0,
    parameter int          LO         = -128,
    parameter int          HI         = 127
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire  [PE*X_BITS-1:0] in_data,
    input  wire                  in_last,
    input  wire                  in_valid,
    output logic                 in_ready,
    output logic [PE*Y_BITS-1:0] out_data,
    output logic                 out_last,
    output logic                 out_valid,
    input  wire                  out_ready
);
  localparam int unsigned COUNT_BITS = $clog2(TAPS + 1);

  logic [PE*SUM_BITS-1:0] sums;
  logic [COUNT_BITS-1:0] count;
  logic sums_last, sums_valid, sums_ready;
  logic unused;
  assign unused = ^count;

  plane_sums #(
      .TAPS(TAPS), .PARTS(PARTS), .PE(PE), .BITS(X_BITS), .SIGNED(X_SIGNED), .OFFSET(X_ZERO), .SUM_BITS(SUM_BITS)
  ) u_sums (
      .clk(clk), .rst(rst), .in_data(in_data), .in_inside(1'b1), .in_last(in_last), .in_valid(in_valid), .in_ready(in_ready),
      .out_data(sums), .out_count(count), .out_last(sums_last), .out_valid(sums_valid), .out_ready(sums_ready)
  );

  requant #(
      .PE(PE), .X_BITS(SUM_BITS), .X_SIGNED(1'b1), .Y_BITS(Y_BITS), .MUL_BITS(MUL_BITS), .MUL(MUL), .SHIFT(SHIFT), .ROUNDING(ROUNDING),
      .SECOND(SECOND), .ZERO(ZERO), .LO(LO), .HI(HI)
  ) u_requant (
      .clk(clk), .rst(rst), .in_data(sums), .in_last(sums_last), .in_valid(sums_valid), .in_ready(sums_ready),
      .out_data(out_data), .out_last(out_last), .out_valid(out_valid), .out_ready(out_ready)
  );
endmodule
`default_nettype wire
