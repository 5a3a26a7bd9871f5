// clip(round(x / n) + ZERO, LO, HI) of PE lanes, x unsigned, for a divisor n of each beat: LEAST .. MOST.
//
// The quotient is exact: x * ceil(2**SHIFT / n) / 2**SHIFT has the floor of x / n, as x * n < 2**SHIFT. The table RECIPROCALS has a word of SHIFT + 1 bits for each n. ROUNDING
// is that of round_shift.sv and means the quotient with ZERO. A beat a cycle; a beat comes out four cycles after it came in.
`default_nettype none
module divide #(
    parameter int unsigned PE          = 1,
    parameter int unsigned X_BITS      = 16,
    parameter int unsigned LEAST       = 1,
    parameter int unsigned MOST        = 1,
    parameter int unsigned SHIFT       = 16,
    parameter              RECIPROCALS = "",
    parameter int unsigned ROUNDING    = 0,
    parameter int unsigned Y_BITS      = 8,
    parameter int          ZERO        = 0,
    parameter int          LO          = -128,
    parameter int          HI          = 127,
    localparam int unsigned N_BITS = $clog2(MOST + 1)
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire  [PE*X_BITS-1:0] in_data,
    input  wire  [N_BITS-1:0]    in_count,
    input  wire                  in_last,
    input  wire                  in_valid,
    output logic                 in_ready,
    output logic [PE*Y_BITS-1:0] out_data,
    output logic                 out_last,
    output logic                 out_valid,
    input  wire                  out_ready
);
  localparam int unsigned HALF_UP = 1, HALF_AWAY = 2, HALF_EVEN = 3;  // 0: floor
  localparam int unsigned ROWS = MOST - LEAST + 1;
  localparam int unsigned ROW_BITS = ROWS > 1 ? $clog2(ROWS) : 1;
  localparam int unsigned STAGES = 3;
  localparam int unsigned WIDE = (X_BITS > Y_BITS ? X_BITS : Y_BITS) + 2;  // of a quotient with ZERO

  logic [SHIFT:0] reciprocals[ROWS];
  initial $readmemh(RECIPROCALS, reciprocals);

  logic step;
  logic [STAGES-1:0] valid, last;
  assign step     = ~out_valid | out_ready;
  assign in_ready = step;

  always_ff @(posedge clk)
    if (rst) {out_valid, valid} <= '0;
    else if (step) {out_valid, valid} <= {valid, in_valid};

  always_ff @(posedge clk) if (step) {out_last, last} <= {last, in_last};

  // The divisor and its reciprocal, beside the number; the divisor alone, beside the quotient and what it leaves.
  logic [SHIFT:0] reciprocal;
  logic [N_BITS-1:0] n[STAGES-1];
  always_ff @(posedge clk)
    if (step) begin
      reciprocal <= reciprocals[ROW_BITS'(in_count - N_BITS'(LEAST))];
      n[0]       <= in_count;
      n[1]       <= n[0];
    end

  for (genvar lane = 0; lane < PE; lane++) begin : g_lane
    logic [X_BITS-1:0] x, x_before, quotient, floor;
    logic [X_BITS+SHIFT:0] product;
    logic [N_BITS:0] twice;  // what the floor leaves
    logic [N_BITS-1:0] divisor;
    logic signed [WIDE-1:0] whole, rounded;
    logic more, half, up;

    assign product  = x * reciprocal;
    assign quotient = product[SHIFT+:X_BITS];
    always_ff @(posedge clk)
      if (step) begin
        x        <= in_data[lane*X_BITS+:X_BITS];
        x_before <= x;
        floor    <= quotient;
        twice    <= {N_BITS'(x_before - floor * X_BITS'(n[1])), 1'b0};
        divisor  <= n[1];
        whole    <= WIDE'($signed({1'b0, floor})) + WIDE'(ZERO);
      end

    assign more = twice > {1'b0, divisor};
    assign half = twice == {1'b0, divisor};
    assign up = ROUNDING == HALF_UP ? more | half :
                ROUNDING == HALF_AWAY ? more | (half & ~whole[WIDE-1]) :
                ROUNDING == HALF_EVEN ? more | (half & whole[0]) : 1'b0;
    assign rounded = whole + WIDE'({1'b0, up});
    always_ff @(posedge clk)
      if (step)
        out_data[lane*Y_BITS+:Y_BITS] <=
            rounded < WIDE'(LO) ? Y_BITS'(LO) : rounded > WIDE'(HI) ? Y_BITS'(HI) : rounded[Y_BITS-1:0];
    logic unused;
    assign unused = product[X_BITS+SHIFT] ^ ^product[SHIFT-1:0];
  end
endmodule
`default_nettype wire
