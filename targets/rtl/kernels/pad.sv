// A tensor of three axes with beats of VALUE around it, the last axis in beats: LENGTH_i along an axis of the result, of which FIRST_i .. LAST_i are the tensor.
//
// A beat passes in the cycle in which it comes; beats around it are made where they belong, a beat a cycle, once the tensor's first one is there.
`default_nettype none
module pad #(
    parameter int unsigned LANES    = 1,
    parameter int unsigned BITS     = 8,
    parameter int unsigned LENGTH_0 = 1,
    parameter int unsigned FIRST_0  = 0,
    parameter int unsigned LAST_0   = 0,
    parameter int unsigned LENGTH_1 = 1,
    parameter int unsigned FIRST_1  = 0,
    parameter int unsigned LAST_1   = 0,
    parameter int unsigned LENGTH_2 = 1,
    parameter int unsigned FIRST_2  = 0,
    parameter int unsigned LAST_2   = 0,
    parameter int          VALUE    = 0
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire  [LANES*BITS-1:0] in_data,
    input  wire                   in_last,
    input  wire                   in_valid,
    output logic                  in_ready,
    output logic [LANES*BITS-1:0] out_data,
    output logic                  out_last,
    output logic                  out_valid,
    input  wire                   out_ready
);
  logic [2:0] chosen, at_last, at_end, step;
  logic here, begun, pass;
  logic unused;
  assign unused = in_last | (|at_last);

  axis #(.LENGTH(LENGTH_0), .FIRST(FIRST_0), .LAST(LAST_0)) u_axis_0 (
      .clk(clk), .rst(rst), .step(step[0]), .chosen(chosen[0]), .at_last(at_last[0]), .at_end(at_end[0]));
  axis #(.LENGTH(LENGTH_1), .FIRST(FIRST_1), .LAST(LAST_1)) u_axis_1 (
      .clk(clk), .rst(rst), .step(step[1]), .chosen(chosen[1]), .at_last(at_last[1]), .at_end(at_end[1]));
  axis #(.LENGTH(LENGTH_2), .FIRST(FIRST_2), .LAST(LAST_2)) u_axis_2 (
      .clk(clk), .rst(rst), .step(step[2]), .chosen(chosen[2]), .at_last(at_last[2]), .at_end(at_end[2]));

  assign here      = &chosen;
  assign out_valid = in_valid | (begun & ~here);
  assign out_data  = here ? in_data : {LANES{BITS'(VALUE)}};
  assign out_last  = &at_end;
  assign in_ready  = out_ready & here;
  assign pass      = out_valid & out_ready;
  assign step      = {pass, pass & at_end[2], pass & (&at_end[2:1])};

  always_ff @(posedge clk)
    if (rst | (pass & out_last)) begun <= 1'b0;
    else if (in_valid & in_ready) begun <= 1'b1;
endmodule
`default_nettype wire
