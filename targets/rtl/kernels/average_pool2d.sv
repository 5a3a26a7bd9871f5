// The mean of each window's codes, PE channels at a time: window.sv gives the windows, plane_sums.sv sums them, divide.sv divides by how many
// pixels lie in the image, or by all of them where PADS count. With WHOLE a window is the image itself, which comes in as it is.
//
// A beat a cycle; the CHANNELS / PE beats of a pixel come out behind the last tap of its window.
`default_nettype none
module average_pool2d #(
    parameter int unsigned IMAGES      = 1,
    parameter int unsigned HEIGHT      = 1,
    parameter int unsigned WIDTH       = 1,
    parameter int unsigned CHANNELS    = 1,
    parameter int unsigned PE          = 1,
    parameter int unsigned BITS        = 8,
    parameter bit          SIGNED      = 1,
    parameter bit          WHOLE       = 0,
    parameter int unsigned K_H         = 1,
    parameter int unsigned K_W         = 1,
    parameter int unsigned S_H         = 1,
    parameter int unsigned S_W         = 1,
    parameter int unsigned D_H         = 1,
    parameter int unsigned D_W         = 1,
    parameter int unsigned TOP         = 0,
    parameter int unsigned LEFT        = 0,
    parameter int unsigned OUT_H       = 1,
    parameter int unsigned OUT_W       = 1,
    parameter int          FILL        = 0,
    parameter bit          PADS        = 0,
    parameter int          LEAST_CODE  = 0,
    parameter int unsigned SUM_BITS    = 16,
    parameter int unsigned LEAST       = 1,
    parameter int unsigned SHIFT       = 16,
    parameter              RECIPROCALS = "",
    parameter int unsigned ROUNDING    = 0,
    parameter int          LO          = -128,
    parameter int          HI          = 127
) (
    input  wire                clk,
    input  wire                rst,
    input  wire  [PE*BITS-1:0] in_data,
    input  wire                in_last,
    input  wire                in_valid,
    output logic               in_ready,
    output logic [PE*BITS-1:0] out_data,
    output logic               out_last,
    output logic               out_valid,
    input  wire                out_ready
);
  localparam int unsigned PARTS = CHANNELS / PE;
  localparam int unsigned TAPS = K_H * K_W;
  localparam int unsigned COUNT_BITS = $clog2(TAPS + 1);

  logic [PE*BITS-1:0] taps;
  logic taps_inside, taps_last, taps_valid, taps_ready;
  logic [PE*SUM_BITS-1:0] sums;
  logic [COUNT_BITS-1:0] count;
  logic sums_last, sums_valid, sums_ready;

  if (WHOLE) begin : g_whole
    assign taps        = in_data;
    assign taps_inside = 1'b1;
    assign taps_last   = in_last;
    assign taps_valid  = in_valid;
    assign in_ready    = taps_ready;
  end else begin : g_window
    window #(
        .IMAGES(IMAGES), .HEIGHT(HEIGHT), .WIDTH(WIDTH), .PARTS(PARTS), .LANES(PE), .BITS(BITS), .K_H(K_H), .K_W(K_W), .S_H(S_H),
        .S_W(S_W), .D_H(D_H), .D_W(D_W), .TOP(TOP), .LEFT(LEFT), .OUT_H(OUT_H), .OUT_W(OUT_W), .FILL(FILL)
    ) u_window (
        .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid), .in_ready(in_ready),
        .out_data(taps), .out_inside(taps_inside), .out_last(taps_last), .out_valid(taps_valid), .out_ready(taps_ready)
    );
    logic unused;
    assign unused = in_last;
  end

  plane_sums #(
      .TAPS(TAPS), .PARTS(PARTS), .PE(PE), .BITS(BITS), .SIGNED(SIGNED), .OFFSET(LEAST_CODE), .SUM_BITS(SUM_BITS)
  ) u_sums (
      .clk(clk), .rst(rst), .in_data(taps), .in_inside(taps_inside | PADS), .in_last(taps_last), .in_valid(taps_valid),
      .in_ready(taps_ready), .out_data(sums), .out_count(count), .out_last(sums_last), .out_valid(sums_valid), .out_ready(sums_ready)
  );

  divide #(
      .PE(PE), .X_BITS(SUM_BITS), .LEAST(LEAST), .MOST(TAPS), .SHIFT(SHIFT), .RECIPROCALS(RECIPROCALS), .ROUNDING(ROUNDING),
      .Y_BITS(BITS), .ZERO(LEAST_CODE), .LO(LO), .HI(HI)
  ) u_divide (
      .clk(clk), .rst(rst), .in_data(sums), .in_count(count), .in_last(sums_last), .in_valid(sums_valid), .in_ready(sums_ready),
      .out_data(out_data), .out_last(out_last), .out_valid(out_valid), .out_ready(out_ready)
  );
endmodule
`default_nettype wire
