// The largest code of each window, clipped to LO .. HI, PE channels at a time; window.sv gives the windows.
`default_nettype none
module max_pool2d #(
    parameter int unsigned IMAGES   = 1,
    parameter int unsigned HEIGHT   = 1,
    parameter int unsigned WIDTH    = 1,
    parameter int unsigned CHANNELS = 1,
    parameter int unsigned PE       = 1,
    parameter int unsigned BITS     = 8,
    parameter bit          SIGNED   = 1,
    parameter int unsigned K_H      = 1,
    parameter int unsigned K_W      = 1,
    parameter int unsigned S_H      = 1,
    parameter int unsigned S_W      = 1,
    parameter int unsigned D_H      = 1,
    parameter int unsigned D_W      = 1,
    parameter int unsigned TOP      = 0,
    parameter int unsigned LEFT     = 0,
    parameter int unsigned OUT_H    = 1,
    parameter int unsigned OUT_W    = 1,
    parameter int          FILL     = 0,
    parameter int          LO       = -128,
    parameter int          HI       = 127
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
  localparam int unsigned PART_BITS = PARTS > 1 ? $clog2(PARTS) : 1;
  localparam int unsigned TAP_BITS = TAPS > 1 ? $clog2(TAPS) : 1;

  logic [PE*BITS-1:0] taps, largest, clipped;
  logic taps_last, taps_valid, step, take, part_end, tap_end;
  logic taps_inside, unused;
  assign unused = in_last | taps_inside;

  window #(
      .IMAGES(IMAGES), .HEIGHT(HEIGHT), .WIDTH(WIDTH), .PARTS(PARTS), .LANES(PE), .BITS(BITS), .K_H(K_H), .K_W(K_W), .S_H(S_H), .S_W(S_W), .D_H(D_H), .D_W(D_W),
      .TOP(TOP), .LEFT(LEFT), .OUT_H(OUT_H), .OUT_W(OUT_W), .FILL(FILL)
  ) u_window (
      .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid), .in_ready(in_ready),
      .out_data(taps), .out_inside(taps_inside), .out_last(taps_last), .out_valid(taps_valid), .out_ready(step)
  );

  // The largest so far of each part of the window at hand.
  logic [PE*BITS-1:0] best[PARTS];
  logic [PART_BITS-1:0] part;
  logic [TAP_BITS-1:0] tap;

  assign step     = ~out_valid | out_ready;
  assign take     = step & taps_valid;
  assign part_end = part == PART_BITS'(PARTS - 1);
  assign tap_end  = tap == TAP_BITS'(TAPS - 1);

  always_ff @(posedge clk) if (take) best[part] <= largest;

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
      if (step) out_valid <= taps_valid & tap_end;
    end

  always_ff @(posedge clk)
    if (step) begin
      out_data <= clipped;
      out_last <= taps_last;
    end

  for (genvar lane = 0; lane < PE; lane++) begin : g_lane
    logic signed [BITS:0] x, held, most;
    logic [BITS-1:0] kept;
    assign kept = best[part][lane*BITS+:BITS];
    assign x    = {SIGNED & taps[(lane+1)*BITS-1], taps[lane*BITS+:BITS]};
    assign held = {SIGNED & kept[BITS-1], kept};
    assign most = tap == '0 || x > held ? x : held;
    assign largest[lane*BITS+:BITS] = most[BITS-1:0];
    assign clipped[lane*BITS+:BITS] = most < (BITS + 1)'(LO) ? BITS'(LO) : most > (BITS + 1)'(HI) ? BITS'(HI) : most[BITS-1:0];
  end
endmodule
`default_nettype wire
