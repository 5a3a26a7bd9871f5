// The place of the largest of CHANNELS codes, the first of several: one code a beat in, one place behind the last of them.
`default_nettype none
module argmax #(
    parameter int unsigned CHANNELS = 2,
    parameter int unsigned X_BITS   = 8,
    parameter bit          X_SIGNED = 1,
    parameter int unsigned Y_BITS   = 1
) (
    input  wire               clk,
    input  wire               rst,
    input  wire  [X_BITS-1:0] in_data,
    input  wire               in_last,
    input  wire               in_valid,
    output logic              in_ready,
    output logic [Y_BITS-1:0] out_data,
    output logic              out_last,
    output logic              out_valid,
    input  wire               out_ready
);
  logic [Y_BITS-1:0] place, winner;
  logic signed [X_BITS:0] x, largest;
  logic ends, wins, step;

  assign step     = ~out_valid | out_ready;
  assign in_ready = step;
  assign x        = $signed({X_SIGNED & in_data[X_BITS-1], in_data});
  assign ends     = place == Y_BITS'(CHANNELS - 1);
  assign wins     = place == '0 | x > largest;

  always_ff @(posedge clk)
    if (rst) place <= '0;
    else if (step & in_valid) place <= ends ? '0 : place + 1'b1;

  always_ff @(posedge clk)
    if (step & in_valid & wins) begin
      largest <= x;
      winner  <= place;
    end

  always_ff @(posedge clk)
    if (rst) out_valid <= 1'b0;
    else if (step) out_valid <= in_valid & ends;

  always_ff @(posedge clk)
    if (step) begin
      out_data <= wins ? place : winner;
      out_last <= in_last;
    end
endmodule
`default_nettype wire
