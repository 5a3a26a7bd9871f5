// Any function of two codes of few bits, of PE lanes: TABLE holds its codes, that of a in the lower and b in the upper bits of the address.
//
// Stream a is the lower part of the inputs. Beats are taken in pairs, one a cycle; a pair comes out in the next.
`default_nettype none
module pair_table #(
    parameter int unsigned PE     = 1,
    parameter int unsigned A_BITS = 4,
    parameter int unsigned B_BITS = 4,
    parameter int unsigned Y_BITS = 4,
    parameter              TABLE  = ""
) (
    input  wire                           clk,
    input  wire                           rst,
    input  wire  [PE*(A_BITS+B_BITS)-1:0] in_data,
    input  wire  [1:0]                    in_last,
    input  wire  [1:0]                    in_valid,
    output logic [1:0]                    in_ready,
    output logic [PE*Y_BITS-1:0]          out_data,
    output logic                          out_last,
    output logic                          out_valid,
    input  wire                           out_ready
);
  logic [Y_BITS-1:0] codes[1<<(A_BITS+B_BITS)];
  initial $readmemh(TABLE, codes);

  logic step, both;
  assign step     = ~out_valid | out_ready;
  assign both     = &in_valid;
  assign in_ready = {2{step & both}};

  always_ff @(posedge clk)
    if (rst) out_valid <= 1'b0;
    else if (step) out_valid <= both;

  always_ff @(posedge clk) if (step) out_last <= in_last[0];

  logic unused;
  assign unused = in_last[1];

  for (genvar lane = 0; lane < PE; lane++) begin : g_lane
    always_ff @(posedge clk)
      if (step)
        out_data[lane*Y_BITS+:Y_BITS] <= codes[{in_data[PE*A_BITS+lane*B_BITS+:B_BITS], in_data[lane*A_BITS+:A_BITS]}];
  end
endmodule
`default_nettype wire
