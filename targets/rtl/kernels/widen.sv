// Joins PARTS beats of WIDTH bits into one, the first beat in its lowest bits.
`default_nettype none
module widen #(
    parameter int unsigned WIDTH = 8,
    parameter int unsigned PARTS = 2
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire  [WIDTH-1:0]       in_data,
    input  wire                    in_last,
    input  wire                    in_valid,
    output logic                   in_ready,
    output logic [PARTS*WIDTH-1:0] out_data,
    output logic                   out_last,
    output logic                   out_valid,
    input  wire                    out_ready
);
  localparam int unsigned COUNT_BITS = $clog2(PARTS + 1);

  logic [COUNT_BITS-1:0] count;  // parts in `out_data`

  assign out_valid = count == COUNT_BITS'(PARTS);
  assign in_ready  = ~out_valid | out_ready;

  always_ff @(posedge clk)
    if (in_valid & in_ready) begin
      out_data <= {in_data, out_data[PARTS*WIDTH-1:WIDTH]};
      out_last <= in_last;
    end

  always_ff @(posedge clk)
    if (rst) count <= '0;
    else if (in_valid & in_ready) count <= out_valid ? COUNT_BITS'(1) : count + 1'b1;
    else if (out_valid & out_ready) count <= '0;
endmodule
`default_nettype wire
