// The windows of IMAGES images to a frame, one after another, each tap by tap: rows, columns, then PARTS beats of channels; with
// BY_PART the parts, and of each its rows and columns. Outside of the image lanes hold FILL, and `out_inside` is 0.
//
// An image comes in row by row into a ring of lines: those that a row of windows reaches, and the S_H that the next one needs besides.
// A tap a cycle, save for the few cycles behind each row of windows in which lines are given up; the first tap comes when its line is there.
`default_nettype none
module window #(
    parameter int unsigned IMAGES  = 1,
    parameter int unsigned HEIGHT  = 1,
    parameter int unsigned WIDTH   = 1,
    parameter int unsigned PARTS   = 1,
    parameter int unsigned LANES   = 1,
    parameter int unsigned BITS    = 8,
    parameter int unsigned K_H     = 1,
    parameter int unsigned K_W     = 1,
    parameter int unsigned S_H     = 1,
    parameter int unsigned S_W     = 1,
    parameter int unsigned D_H     = 1,
    parameter int unsigned D_W     = 1,
    parameter int unsigned TOP     = 0,
    parameter int unsigned LEFT    = 0,
    parameter int unsigned OUT_H   = 1,
    parameter int unsigned OUT_W   = 1,
    parameter int          FILL    = 0,
    parameter bit          BY_PART = 0
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire  [LANES*BITS-1:0] in_data,
    input  wire                   in_valid,
    output logic                  in_ready,
    output logic [LANES*BITS-1:0] out_data,
    output logic                  out_inside,
    output logic                  out_last,
    output logic                  out_valid,
    input  wire                   out_ready
);
  localparam int unsigned REACH_H = (K_H - 1) * D_H;  // from the first tap to the last
  localparam int unsigned REACH_W = (K_W - 1) * D_W;
  localparam int unsigned LINES = REACH_H + 1 + S_H;
  localparam int unsigned LINE = WIDTH * PARTS;  // beats
  localparam int unsigned LONGEST = (HEIGHT > WIDTH ? HEIGHT : WIDTH) + REACH_H + REACH_W + 2 + S_H + S_W + TOP + LEFT;
  localparam int unsigned N = $clog2(LONGEST) + 2;  // bits of a row or column, with its sign
  localparam logic [N-1:0] FIRST_TOP = N'(0) - N'(TOP);  // yosys reads -N'(TOP) as a cast to -N bits
  localparam logic [N-1:0] FIRST_LEFT = N'(0) - N'(LEFT);
  localparam int unsigned PART_BITS = PARTS > 1 ? $clog2(PARTS) : 1;
  localparam int unsigned LINE_BITS = LINE > 1 ? $clog2(LINE) : 1;
  localparam int unsigned PLACE_BITS = $clog2(LINES * LINE);

  logic [LANES*BITS-1:0] beats[LINES*LINE];

  // Writing: the line and the beat in it. `filled` counts whole lines that are kept.
  logic [PLACE_BITS-1:0] tail;
  logic [LINE_BITS-1:0] beat;
  logic signed [N-1:0] filled;
  logic push, line_end, release_line;

  assign in_ready = filled != N'(LINES);
  assign push     = in_valid & in_ready;
  assign line_end = push & (beat == LINE_BITS'(LINE - 1));

  always_ff @(posedge clk) if (push) beats[tail] <= in_data;

  always_ff @(posedge clk)
    if (rst) begin
      tail   <= '0;
      beat   <= '0;
      filled <= '0;
    end else begin
      if (push) begin
        tail <= tail == PLACE_BITS'(LINES * LINE - 1) ? '0 : tail + 1'b1;
        beat <= line_end ? '0 : beat + 1'b1;
      end
      filled <= filled + N'($signed({1'b0, line_end})) - N'($signed({1'b0, release_line}));
    end

  // A row of windows begins when a line of its image is there, though the window may lie beside the image.
  // Reading: the corner of the window, the tap, the part. `first` is the row of the image in the oldest line, `slot`.
  logic signed [N-1:0] first, slot, top, left, tap_y, tap_x, row, column, line;
  logic [PART_BITS-1:0] part;
  logic covered, step, take, part_step, part_end, x_step, x_end, y_end, window_end, row_end, frame_end, clean;

  assign row        = top + tap_y;
  assign column     = left + tap_x;
  assign covered    = row >= 0 && row < N'(HEIGHT) && column >= 0 && column < N'(WIDTH);
  assign line       = slot + row - first >= N'(LINES) ? slot + row - first - N'(LINES) : slot + row - first;
  assign step       = ~out_valid | out_ready;
  assign take       = step & ~clean & (filled != '0) & (~covered | (row - first < filled));
  assign part_end   = part == PART_BITS'(PARTS - 1);
  assign x_step     = BY_PART | part_end;
  assign x_end      = x_step & (tap_x == N'(REACH_W));
  assign y_end      = x_end & (tap_y == N'(REACH_H));
  assign part_step  = ~BY_PART | y_end;
  assign window_end = y_end & part_end;
  assign row_end    = window_end & (left == N'((OUT_W - 1) * S_W) - N'(LEFT));
  assign frame_end  = row_end & (top == N'((OUT_H - 1) * S_H) - N'(TOP));

  // After a row of windows the lines that no window reads any more are given up, after the last one all that are left.
  logic over, spare;
  assign spare        = first < top && first != N'(HEIGHT - 1);
  assign release_line = clean & (filled != '0) & (over | spare);

  always_ff @(posedge clk)
    if (rst) begin
      {first, slot, tap_y, tap_x} <= '0;
      {part, clean, over} <= '0;
      top  <= FIRST_TOP;
      left <= FIRST_LEFT;
    end else if (take) begin
      if (part_step) part <= part_end ? '0 : part + 1'b1;
      if (x_step) tap_x <= x_end ? '0 : tap_x + N'(D_W);
      if (x_end) tap_y <= y_end ? '0 : tap_y + N'(D_H);
      if (window_end) left <= row_end ? FIRST_LEFT : left + N'(S_W);
      if (row_end) begin
        top   <= frame_end ? FIRST_TOP : top + N'(S_H);
        over  <= frame_end;
        clean <= 1'b1;
      end
    end else if (release_line) begin
      slot  <= slot == N'(LINES - 1) ? '0 : slot + 1'b1;
      first <= over & (first == N'(HEIGHT - 1)) ? '0 : first + 1'b1;
      if (over & (first == N'(HEIGHT - 1))) {clean, over} <= '0;
    end else if (clean & ~over & ~spare) clean <= 1'b0;

  // Which of the frame's images it is.
  logic images_end;
  if (IMAGES > 1) begin : g_images
    localparam int unsigned IMAGE_BITS = $clog2(IMAGES);
    logic [IMAGE_BITS-1:0] image;
    assign images_end = image == IMAGE_BITS'(IMAGES - 1);
    always_ff @(posedge clk)
      if (rst) image <= '0;
      else if (take & frame_end) image <= images_end ? '0 : image + 1'b1;
  end else begin : g_image
    assign images_end = 1'b1;
  end

  // line * LINE + column * PARTS + part, without a multiplier
  logic [PLACE_BITS-1:0] place;
  always_comb begin
    place = PLACE_BITS'(part);
    for (int b = 0; b < N - 1; b++) begin
      if (line[b]) place += PLACE_BITS'(LINE) << b;
      if (column[b]) place += PLACE_BITS'(PARTS) << b;
    end
  end

  logic [LANES*BITS-1:0] read;
  always_ff @(posedge clk) if (step) read <= beats[covered ? place : '0];
  always_ff @(posedge clk)
    if (step) begin
      out_inside <= covered;
      out_last   <= frame_end & images_end;
    end
  always_ff @(posedge clk)
    if (rst) out_valid <= 1'b0;
    else if (step) out_valid <= take;
  assign out_data = out_inside ? read : {LANES{BITS'(FILL)}};
endmodule
`default_nettype wire
