// Sums over TAPS pixels of codes without OFFSET, of PARTS beats of PE channels each: a beat a cycle comes in, PARTS beats of sums go out behind
// the last pixel, each in the cycle after its last code. `out_count` is the number of pixels that are `in_inside`.
`default_nettype none
module plane_sums #(
    parameter int unsigned TAPS     = 1,
    parameter int unsigned PARTS    = 1,
    parameter int unsigned PE       = 1,
    parameter int unsigned BITS     = 8,
    parameter bit          SIGNED   = 1,
    parameter int          OFFSET   = 0,
    parameter int unsigned SUM_BITS = 16,
    localparam int unsigned COUNT_BITS = $clog2(TAPS + 1)
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire  [PE*BITS-1:0]     in_data,
    input  wire                    in_inside,
    input  wire                    in_last,
    input  wire                    in_valid,
    output logic                   in_ready,
    output logic [PE*SUM_BITS-1:0] out_data,
    output logic [COUNT_BITS-1:0]  out_count,
    output logic                   out_last,
    output logic                   out_valid,
    input  wire                    out_ready
);
  localparam int unsigned PART_BITS = PARTS > 1 ? $clog2(PARTS) : 1;
  localparam int unsigned TAP_BITS = TAPS > 1 ? $clog2(TAPS) : 1;

  logic [PE*SUM_BITS-1:0] sums[PARTS];
  logic [PE*SUM_BITS-1:0] held, total;
  logic [PART_BITS-1:0] part;
  logic [TAP_BITS-1:0] tap;
  logic [COUNT_BITS-1:0] count, counted;
  logic step, take, first, part_end, tap_end;

  assign step     = ~out_valid | out_ready;
  assign in_ready = step;
  assign take     = step & in_valid;
  assign first    = tap == '0;
  assign part_end = part == PART_BITS'(PARTS - 1);
  assign tap_end  = tap == TAP_BITS'(TAPS - 1);
  assign held     = sums[part];
  assign counted  = (first ? '0 : count) + COUNT_BITS'(in_inside);  // with the pixel at hand

  always_ff @(posedge clk) if (take) sums[part] <= total;

  always_ff @(posedge clk)
    if (rst) begin
      part      <= '0;
      tap       <= '0;
      out_valid <= 1'b0;
    end else begin
      if (take) begin
        part <= part_end ? '0 : part + 1'b1;
        if (part_end) tap <= tap_end ? '0 : tap + 1'b1;
      end
      if (step) out_valid <= in_valid & tap_end;
    end

  always_ff @(posedge clk) if (take & part_end) count <= counted;
  always_ff @(posedge clk)
    if (step) begin
      out_data  <= total;
      out_count <= counted;
      out_last  <= in_last;
    end

  for (genvar lane = 0; lane < PE; lane++) begin : g_lane
    logic [SUM_BITS-1:0] number;
    assign number = SUM_BITS'($signed({SIGNED & in_data[(lane+1)*BITS-1], in_data[lane*BITS+:BITS]})) - SUM_BITS'(OFFSET);
    assign total[lane*SUM_BITS+:SUM_BITS] = (first ? '0 : held[lane*SUM_BITS+:SUM_BITS]) + number;
  end
endmodule
`default_nettype wire
