// Where a walk along an axis of LENGTH is, after each `step`: whether at one of FIRST, FIRST + STRIDE, ..., LAST, which are `chosen`; at the last of these;
// at the end, after which it begins anew.
`default_nettype none
module axis #(
    parameter int unsigned LENGTH = 1,
    parameter int unsigned FIRST  = 0,
    parameter int unsigned STRIDE = 1,
    parameter int unsigned LAST   = 0
) (
    input  wire  clk,
    input  wire  rst,
    input  wire  step,
    output logic chosen,
    output logic at_last,
    output logic at_end
);
  localparam int unsigned BITS = LENGTH > 1 ? $clog2(LENGTH) : 1;

  logic [BITS-1:0] place, wanted;
  assign chosen  = place == wanted;
  assign at_last = place == BITS'(LAST);
  assign at_end  = place == BITS'(LENGTH - 1);

  always_ff @(posedge clk)
    if (rst | (step & at_end)) begin
      place  <= '0;
      wanted <= BITS'(FIRST);
    end else if (step) begin
      place <= place + 1'b1;
      if (chosen & ~at_last) wanted <= wanted + BITS'(STRIDE);
    end
endmodule
`default_nettype wire
