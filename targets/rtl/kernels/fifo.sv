// A queue between two nodes: DEPTH beats of WIDTH bits. Neither handshake depends on the other within a cycle.
//
// A beat a cycle; a beat comes out in the cycle after it came in, or two cycles after where the queue is as deep as to be a block RAM, whose
// register at the output holds one beat more.
`default_nettype none
module fifo #(
    parameter int unsigned WIDTH = 8,
    parameter int unsigned DEPTH = 2
) (
    input  wire              clk,
    input  wire              rst,
    input  wire  [WIDTH-1:0] in_data,
    input  wire              in_valid,
    output logic             in_ready,
    output logic [WIDTH-1:0] out_data,
    output logic             out_valid,
    input  wire              out_ready
);
  localparam int unsigned COUNT_BITS = $clog2(DEPTH + 1);
  localparam int unsigned PLACE_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam logic [PLACE_BITS-1:0] LAST_PLACE = PLACE_BITS'(DEPTH - 1);
  localparam logic [COUNT_BITS-1:0] FULL = COUNT_BITS'(DEPTH);

  logic [WIDTH-1:0] beats[DEPTH];
  logic [PLACE_BITS-1:0] head, tail;
  logic [COUNT_BITS-1:0] count;
  logic push, pop;

  assign in_ready = count != FULL;
  assign push     = in_valid & in_ready;

  localparam int unsigned SHALLOW = 32;  // in tables of logic, which are read at once
  if (DEPTH <= SHALLOW) begin : g_shallow
    assign out_valid = count != '0;
    assign out_data  = beats[head];
    assign pop       = out_valid & out_ready;
  end else begin : g_deep
    assign pop = (count != '0) & (~out_valid | out_ready);
    always_ff @(posedge clk) if (pop) out_data <= beats[head];
    always_ff @(posedge clk)
      if (rst) out_valid <= 1'b0;
      else if (pop | out_ready) out_valid <= pop;
  end

  always_ff @(posedge clk) if (push) beats[tail] <= in_data;

  always_ff @(posedge clk)
    if (rst) begin
      head  <= '0;
      tail  <= '0;
      count <= '0;
    end else begin
      if (push) tail <= tail == LAST_PLACE ? '0 : tail + 1'b1;
      if (pop) head <= head == LAST_PLACE ? '0 : head + 1'b1;
      count <= count + COUNT_BITS'(push) - COUNT_BITS'(pop);
    end
endmodule
`default_nettype wire
