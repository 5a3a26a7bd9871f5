// The beats of a tensor in another order, that of a walk over four axes: SIZE_i along an axis of the result, STRIDE_i beats of the tensor apart.
//
// A memory of two frames: one is written while the other is read, a beat a cycle each. The first beat comes out two cycles after a frame's last one.
`default_nettype none
module transpose #(
    parameter int unsigned WIDTH    = 8,
    parameter int unsigned SIZE_0   = 1,
    parameter int unsigned STRIDE_0 = 1,
    parameter int unsigned SIZE_1   = 1,
    parameter int unsigned STRIDE_1 = 1,
    parameter int unsigned SIZE_2   = 1,
    parameter int unsigned STRIDE_2 = 1,
    parameter int unsigned SIZE_3   = 1,
    parameter int unsigned STRIDE_3 = 1
) (
    input  wire              clk,
    input  wire              rst,
    input  wire  [WIDTH-1:0] in_data,
    input  wire              in_last,
    input  wire              in_valid,
    output logic             in_ready,
    output logic [WIDTH-1:0] out_data,
    output logic             out_last,
    output logic             out_valid,
    input  wire              out_ready
);
  localparam int unsigned BEATS = SIZE_0 * SIZE_1 * SIZE_2 * SIZE_3;
  localparam int unsigned PLACE_BITS = BEATS > 1 ? $clog2(BEATS) : 1;
  // From the end of an axis back to its begin.
  localparam int unsigned BACK_1 = (SIZE_1 - 1) * STRIDE_1, BACK_2 = (SIZE_2 - 1) * STRIDE_2, BACK_3 = (SIZE_3 - 1) * STRIDE_3;

  logic [WIDTH-1:0] beats[2<<PLACE_BITS];
  logic [PLACE_BITS-1:0] tail, place, next;
  logic write_half, read_half;
  logic [1:0] full;  // the halves that hold a frame
  logic push, push_end, step, take, walk_end;
  logic [3:0] chosen, at_last, at_end, moves;
  logic unused;
  assign unused = in_last | (|chosen) | (|at_last);

  assign in_ready = ~full[write_half];
  assign push     = in_valid & in_ready;
  assign push_end = push & (tail == PLACE_BITS'(BEATS - 1));
  assign step     = ~out_valid | out_ready;
  assign take     = step & full[read_half];
  assign walk_end = &at_end;
  assign moves    = {take, take & at_end[3], take & (&at_end[3:2]), take & (&at_end[3:1])};

  axis #(.LENGTH(SIZE_0)) u_axis_0 (
      .clk(clk), .rst(rst), .step(moves[0]), .chosen(chosen[0]), .at_last(at_last[0]), .at_end(at_end[0]));
  axis #(.LENGTH(SIZE_1)) u_axis_1 (
      .clk(clk), .rst(rst), .step(moves[1]), .chosen(chosen[1]), .at_last(at_last[1]), .at_end(at_end[1]));
  axis #(.LENGTH(SIZE_2)) u_axis_2 (
      .clk(clk), .rst(rst), .step(moves[2]), .chosen(chosen[2]), .at_last(at_last[2]), .at_end(at_end[2]));
  axis #(.LENGTH(SIZE_3)) u_axis_3 (
      .clk(clk), .rst(rst), .step(moves[3]), .chosen(chosen[3]), .at_last(at_last[3]), .at_end(at_end[3]));

  assign next = ~at_end[3] ? place + PLACE_BITS'(STRIDE_3) :
                ~at_end[2] ? place + PLACE_BITS'(STRIDE_2) - PLACE_BITS'(BACK_3) :
                ~at_end[1] ? place + PLACE_BITS'(STRIDE_1) - PLACE_BITS'(BACK_3 + BACK_2) :
                             place + PLACE_BITS'(STRIDE_0) - PLACE_BITS'(BACK_3 + BACK_2 + BACK_1);

  always_ff @(posedge clk) if (push) beats[{write_half, tail}] <= in_data;
  always_ff @(posedge clk) if (take) out_data <= beats[{read_half, place}];
  always_ff @(posedge clk) if (take) out_last <= walk_end;

  always_ff @(posedge clk)
    if (rst) begin
      {tail, place} <= '0;
      {write_half, read_half, out_valid} <= '0;
      full <= '0;
    end else begin
      if (push) tail <= push_end ? '0 : tail + 1'b1;
      if (push_end) begin
        full[write_half] <= 1'b1;
        write_half       <= ~write_half;
      end
      if (take) place <= walk_end ? '0 : next;
      if (take & walk_end) begin
        full[read_half] <= 1'b0;
        read_half       <= ~read_half;
      end
      if (step) out_valid <= take;
    end
endmodule
`default_nettype wire
