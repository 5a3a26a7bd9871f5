// round(in / 2**SHIFT), by the roundings of compiler/fixed.py; combinational.
`default_nettype none
module round_shift #(
    parameter int unsigned WIDTH    = 8,
    parameter int unsigned SHIFT    = 0,
    parameter int unsigned ROUNDING = 0,
    localparam int unsigned OUT = (WIDTH > SHIFT ? WIDTH - SHIFT : 1) + 1
) (
    input  wire signed  [WIDTH-1:0] in,
    output logic signed [OUT-1:0]   out
);
  localparam int unsigned HALF_UP = 1, HALF_AWAY = 2, HALF_EVEN = 3;  // 0: floor

  if (SHIFT == 0) begin : g_whole
    assign out = OUT'(in);
  end else begin : g_shift
    localparam int unsigned SIZE = SHIFT + OUT - 1;
    logic signed [SIZE-1:0] wide;
    logic signed [OUT-2:0] floor;
    logic [SHIFT-1:0] below;  // what the floor leaves, without the bit of one half
    logic half, more, up;

    assign wide  = SIZE'(in);
    assign floor = wide[SIZE-1:SHIFT];
    assign half  = wide[SHIFT-1];
    assign below = wide[SHIFT-1:0] << 1;
    assign more  = |below;
    assign up = ROUNDING == HALF_UP ? half :
                ROUNDING == HALF_AWAY ? half & (more | ~in[WIDTH-1]) :
                ROUNDING == HALF_EVEN ? half & (more | floor[0]) : 1'b0;
    assign out = OUT'(floor) + OUT'({1'b0, up});
  end
endmodule
`default_nettype wire
