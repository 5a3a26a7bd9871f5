// Any function of one code, of PE lanes: TABLE holds its codes by the bits of x. A beat a cycle; a beat comes out in the next.
`default_nettype none
module lut #(
    parameter int unsigned PE     = 1,
    parameter int unsigned X_BITS = 8,
    parameter int unsigned Y_BITS = 8,
    parameter              TABLE  = ""
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
  logic [Y_BITS-1:0] codes[1<<X_BITS];
  initial $readmemh(TABLE, codes);

  logic step;
  assign step     = ~out_valid | out_ready;
  assign in_ready = step;

  always_ff @(posedge clk)
    if (rst) out_valid <= 1'b0;
    else if (step) out_valid <= in_valid;

  always_ff @(posedge clk) if (step) out_last <= in_last;

  for (genvar lane = 0; lane < PE; lane++) begin : g_lane
    always_ff @(posedge clk) if (step) out_data[lane*Y_BITS+:Y_BITS] <= codes[in_data[lane*X_BITS+:X_BITS]];
  end
endmodule
`default_nettype wire
