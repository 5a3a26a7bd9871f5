// A part of a tensor of three axes, the last one in beats: of LENGTH_i along an axis FIRST_i, FIRST_i + STRIDE_i, ..., LAST_i.
//
// A beat passes in the cycle in which it comes, or is dropped in it.
`default_nettype none
module slice #(
    parameter int unsigned WIDTH    = 8,
    parameter int unsigned LENGTH_0 = 1,
    parameter int unsigned FIRST_0  = 0,
    parameter int unsigned STRIDE_0 = 1,
    parameter int unsigned LAST_0   = 0,
    parameter int unsigned LENGTH_1 = 1,
    parameter int unsigned FIRST_1  = 0,
    parameter int unsigned STRIDE_1 = 1,
    parameter int unsigned LAST_1   = 0,
    parameter int unsigned LENGTH_2 = 1,
    parameter int unsigned FIRST_2  = 0,
    parameter int unsigned STRIDE_2 = 1,
    parameter int unsigned LAST_2   = 0
) (
    input  wire              clk,
    input  wire              rst,
    input  wire  [WIDTH-1:0] in_data,
    input  wire              in_last,
    input  wire              in_valid,
    output logic             in_ready,
    output logic [WIDTH-1:0] out_data,
    output logic             out_last,
    output logic             out_valid,
    input  wire              out_ready
);
  logic [2:0] chosen, at_last, at_end, step;
  logic here, pass;
  logic unused;
  assign unused = in_last | at_end[0];

  axis #(.LENGTH(LENGTH_0), .FIRST(FIRST_0), .STRIDE(STRIDE_0), .LAST(LAST_0)) u_axis_0 (
      .clk(clk), .rst(rst), .step(step[0]), .chosen(chosen[0]), .at_last(at_last[0]), .at_end(at_end[0]));
  axis #(.LENGTH(LENGTH_1), .FIRST(FIRST_1), .STRIDE(STRIDE_1), .LAST(LAST_1)) u_axis_1 (
      .clk(clk), .rst(rst), .step(step[1]), .chosen(chosen[1]), .at_last(at_last[1]), .at_end(at_end[1]));
  axis #(.LENGTH(LENGTH_2), .FIRST(FIRST_2), .STRIDE(STRIDE_2), .LAST(LAST_2)) u_axis_2 (
      .clk(clk), .rst(rst), .step(step[2]), .chosen(chosen[2]), .at_last(at_last[2]), .at_end(at_end[2]));

  assign here      = &chosen;
  assign out_valid = in_valid & here;
  assign out_data  = in_data;
  assign out_last  = &at_last;
  assign in_ready  = out_ready | ~here;
  assign pass      = in_valid & in_ready;
  assign step      = {pass, pass & at_end[2], pass & (&at_end[2:1])};
endmodule
`default_nettype wire
