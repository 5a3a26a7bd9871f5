// Rows of COUNT streams one behind the other: so many beats of each as the table BEATS says, over and over. The first stream is the lowest part
// of the inputs. A beat passes in the cycle in which it comes, when its stream has its turn.
`default_nettype none
module concat #(
    parameter int unsigned COUNT     = 2,
    parameter int unsigned WIDTH     = 8,
    parameter int unsigned BEAT_BITS = 8,
    parameter              BEATS     = ""
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire  [COUNT*WIDTH-1:0] in_data,
    input  wire  [COUNT-1:0]       in_last,
    input  wire  [COUNT-1:0]       in_valid,
    output logic [COUNT-1:0]       in_ready,
    output logic [WIDTH-1:0]       out_data,
    output logic                   out_last,
    output logic                   out_valid,
    input  wire                    out_ready
);
  localparam int unsigned TURN_BITS = COUNT > 1 ? $clog2(COUNT) : 1;
  localparam logic [TURN_BITS-1:0] LAST_TURN = TURN_BITS'(COUNT - 1);

  logic [BEAT_BITS-1:0] beats[COUNT];
  initial $readmemh(BEATS, beats);

  logic [TURN_BITS-1:0] turn;
  logic [BEAT_BITS-1:0] beat;
  logic turn_end;
  assign turn_end  = beat == beats[turn] - 1'b1;
  assign out_data  = in_data[turn*WIDTH+:WIDTH];
  assign out_last  = in_last[turn] & (turn == LAST_TURN);
  assign out_valid = in_valid[turn];
  assign in_ready  = COUNT'(out_ready) << turn;

  always_ff @(posedge clk)
    if (rst) begin
      turn <= '0;
      beat <= '0;
    end else if (out_valid & out_ready) begin
      beat <= turn_end ? '0 : beat + 1'b1;
      if (turn_end) turn <= turn == LAST_TURN ? '0 : turn + 1'b1;
    end
endmodule
`default_nettype wire
