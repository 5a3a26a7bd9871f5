// Gives each beat to all of COUNT readers, each when it is ready.
`default_nettype none
module fork_stream #(
    parameter int unsigned COUNT = 2
) (
    input  wire              clk,
    input  wire              rst,
    input  wire              in_valid,
    output logic             in_ready,
    output logic [COUNT-1:0] out_valid,
    input  wire  [COUNT-1:0] out_ready
);
  logic [COUNT-1:0] done;  // readers that have this beat already

  assign out_valid = {COUNT{in_valid}} & ~done;
  assign in_ready  = &(done | out_ready);

  always_ff @(posedge clk)
    if (rst | (in_valid & in_ready)) done <= '0;
    else if (in_valid) done <= done | out_ready;
endmodule
`default_nettype wire
