// clip(round(sum / 2**SHIFT), LOW, HIGH) + ZERO, of a sum to which one half, 2**(SHIFT-1), was added already unless ROUNDING is 0; combinational.
//
// So the floor rounds a half up, and roundings that do otherwise correct the ties, of which the lowest SHIFT bits are 0. Bounds that no sum
// reaches are told by CLIP_LOW and CLIP_HIGH of 0.
`default_nettype none
module round_clip #(
    parameter int unsigned WIDTH     = 8,
    parameter bit          SIGNED    = 1,
    parameter int unsigned SHIFT     = 0,
    parameter int unsigned ROUNDING  = 0,
    parameter int          LOW       = 0,
    parameter int          HIGH      = 1,
    parameter bit          CLIP_LOW  = 1,
    parameter bit          CLIP_HIGH = 1,
    parameter int          ZERO      = 0,
    parameter int unsigned BITS      = 8
) (
    input  wire  [WIDTH-1:0] sum,
    output logic [BITS-1:0]  code
);
  localparam int unsigned HALF_AWAY = 2, HALF_EVEN = 3;  // as round_shift.sv numbers them
  localparam int unsigned WHOLE = (WIDTH > SHIFT ? WIDTH - SHIFT : 1) + 2;
  // Wide enough for the quotient, the bounds and ZERO.
  localparam int unsigned WIDE = WHOLE > BITS + 2 ? WHOLE : BITS + 2;
  localparam logic signed [WIDE-1:0] FIRST = WIDE'(LOW), LAST = WIDE'(HIGH);

  logic signed [SHIFT+WIDE-1:0] full;
  logic signed [WIDE-1:0] floor, rounded;
  logic tie, under, over;

  assign full  = $signed({{(SHIFT + WIDE - WIDTH) {SIGNED & sum[WIDTH-1]}}, sum});
  assign floor = full[SHIFT+WIDE-1:SHIFT];

  if (SHIFT == 0) begin : g_whole
    assign tie = 1'b0;
  end else begin : g_tie
    assign tie = ~|full[SHIFT-1:0];
  end

  if (ROUNDING == HALF_EVEN) begin : g_even
    assign rounded = {floor[WIDE-1:1], floor[0] & ~tie};
  end else if (ROUNDING == HALF_AWAY) begin : g_away
    assign rounded = floor - WIDE'(tie & (floor <= 0));
  end else begin : g_up
    logic unused;
    assign unused  = tie;
    assign rounded = floor;
  end

  // Where the bounds are powers of two the bits above tell, without a comparison.
  localparam int unsigned PLACES = $clog2(HIGH + 1);
  if (HIGH > 0 && HIGH == 2 ** PLACES - 1) begin : g_high
    assign over = ~rounded[WIDE-1] & |rounded[WIDE-2:PLACES];
  end else begin : g_compare_high
    assign over = rounded > LAST;
  end
  if (LOW == -HIGH - 1 && HIGH > 0 && HIGH == 2 ** PLACES - 1) begin : g_low
    assign under = rounded[WIDE-1] & ~&rounded[WIDE-2:PLACES];
  end else begin : g_compare_low
    assign under = rounded < FIRST;
  end
  assign code = CLIP_LOW & under ? BITS'(LOW + ZERO) : CLIP_HIGH & over ? BITS'(HIGH + ZERO) : BITS'(rounded + WIDE'(ZERO));
endmodule
`default_nettype wire
