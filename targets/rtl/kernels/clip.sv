// min(max(x, LO), HI) of PE lanes. A beat a cycle; a beat comes out in the next.
`default_nettype none
module clip #(
    parameter int unsigned PE     = 1,
    parameter int unsigned BITS   = 8,
    parameter bit          SIGNED = 1,
    parameter int          LO     = -128,
    parameter int          HI     = 127
) (
    input  wire                clk,
    input  wire                rst,
    input  wire  [PE*BITS-1:0] in_data,
    input  wire                in_last,
    input  wire                in_valid,
    output logic               in_ready,
    output logic [PE*BITS-1:0] out_data,
    output logic               out_last,
    output logic               out_valid,
    input  wire                out_ready
);
  logic step;
  assign step     = ~out_valid | out_ready;
  assign in_ready = step;

  always_ff @(posedge clk)
    if (rst) out_valid <= 1'b0;
    else if (step) out_valid <= in_valid;

  always_ff @(posedge clk) if (step) out_last <= in_last;

  for (genvar lane = 0; lane < PE; lane++) begin : g_lane
    logic signed [BITS:0] x;
    assign x = {SIGNED & in_data[(lane+1)*BITS-1], in_data[lane*BITS+:BITS]};
    always_ff @(posedge clk)
      if (step)
        out_data[lane*BITS+:BITS] <= x < (BITS + 1)'(LO) ? BITS'(LO) : x > (BITS + 1)'(HI) ? BITS'(HI) : x[BITS-1:0];
  end
endmodule
`default_nettype wire
