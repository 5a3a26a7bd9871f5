// Splits each beat into PARTS beats of WIDTH bits, the lowest bits first.
`default_nettype none
module narrow #(
    parameter int unsigned WIDTH = 8,
    parameter int unsigned PARTS = 2
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire  [PARTS*WIDTH-1:0] in_data,
    input  wire                    in_last,
    input  wire                    in_valid,
    output logic                   in_ready,
    output logic [WIDTH-1:0]       out_data,
    output logic                   out_last,
    output logic                   out_valid,
    input  wire                    out_ready
);
  localparam int unsigned COUNT_BITS = $clog2(PARTS + 1);

  logic [PARTS*WIDTH-1:0] held;
  logic [COUNT_BITS-1:0] left;  // parts in `held`
  logic last;

  assign out_data  = held[WIDTH-1:0];
  assign out_valid = left != '0;
  assign out_last  = last & (left == COUNT_BITS'(1));
  assign in_ready  = (left == '0) | (out_ready & (left == COUNT_BITS'(1)));

  always_ff @(posedge clk)
    if (in_valid & in_ready) begin
      held <= in_data;
      last <= in_last;
    end else if (out_valid & out_ready) held <= held >> WIDTH;

  always_ff @(posedge clk)
    if (rst) left <= '0;
    else if (in_valid & in_ready) left <= COUNT_BITS'(PARTS);
    else if (out_valid & out_ready) left <= left - 1'b1;
endmodule
`default_nettype wire
