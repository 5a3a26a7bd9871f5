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

  // Reading: the tap and the part of the window at hand, the row and column of the image there, and of the window's corner. `first` is the row
  // of the image in the oldest line; `ahead` and `top_ahead` say how many lines after that one `row` and `top` are.
  logic signed [N-1:0] first, top, left, row, column, ahead, top_ahead, tap_y, tap_x;
  logic [PART_BITS-1:0] part;
  logic covered, step, take, part_step, part_end, x_step, x_end, y_end, window_end, row_end, frame_end, clean;

  // A row of windows begins when a line of its image is there, though the window may lie beside the image.
  assign covered    = row >= 0 && row < N'(HEIGHT) && column >= 0 && column < N'(WIDTH);
  assign step       = ~out_valid | out_ready;
  assign take       = step & ~clean & (filled != '0) & (~covered | (ahead < filled));
  assign part_end   = part == PART_BITS'(PARTS - 1);
  assign x_step     = BY_PART | part_end;
  assign x_end      = x_step & (tap_x == N'(REACH_W));
  assign y_end      = x_end & (tap_y == N'(REACH_H));
  assign part_step  = ~BY_PART | y_end;
  assign window_end = y_end & part_end;
  assign row_end    = window_end & (left == N'((OUT_W - 1) * S_W) - N'(LEFT));
  assign frame_end  = row_end & (top == N'((OUT_H - 1) * S_H) - N'(TOP));

  // After a row of windows the lines that no window reads any more are given up, after the last one all that are left.
  logic over, spare, renew;
  assign spare        = top_ahead > 0 && first != N'(HEIGHT - 1);
  assign release_line = clean & (filled != '0) & (over | spare);
  assign renew        = release_line & over & (first == N'(HEIGHT - 1));

  always_ff @(posedge clk)
    if (rst) begin
      {first, tap_y, tap_x} <= '0;
      {part, clean, over} <= '0;
      {row, top, ahead, top_ahead} <= {4{FIRST_TOP}};
      {column, left} <= {2{FIRST_LEFT}};
    end else if (take) begin
      if (part_step) part <= part_end ? '0 : part + 1'b1;
      if (x_step) begin
        tap_x  <= x_end ? '0 : tap_x + N'(D_W);
        column <= x_end ? left : column + N'(D_W);
      end
      if (x_end) begin
        tap_y <= y_end ? '0 : tap_y + N'(D_H);
        row   <= y_end ? top : row + N'(D_H);
        ahead <= y_end ? top_ahead : ahead + N'(D_H);
      end
      if (window_end) {left, column} <= row_end ? {2{FIRST_LEFT}} : {2{left + N'(S_W)}};
      if (row_end) begin
        {top, row} <= frame_end ? {2{FIRST_TOP}} : {2{top + N'(S_H)}};
        {top_ahead, ahead} <= {2{top_ahead + N'(S_H)}};
        over  <= frame_end;
        clean <= 1'b1;
      end
    end else if (release_line) begin
      first <= renew ? '0 : first + 1'b1;
      {top_ahead, ahead} <= renew ? {2{FIRST_TOP}} : {2{top_ahead - 1'b1}};
      if (renew) {clean, over} <= '0;
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

  // Places in the ring: of the beat at hand, of the first tap in its row, of the window's corner, of that of the first window in the
  // row. Each follows from one of them by a constant, around the ring; taps beside the image have places too, which are not used.
  localparam int unsigned RING = LINES * LINE;
  localparam int unsigned BACK = (OUT_H - 1) * S_H;  // from a frame's last row of windows to its first
  localparam int unsigned NEXT = (HEIGHT + BACK * (LINES - 1)) % LINES * LINE;
  localparam int unsigned CORNER = ((LINES - TOP % LINES) * LINE + (RING - LEFT * PARTS % RING)) % RING;

  logic [PLACE_BITS-1:0] place, tap_row, corner, row_corner;
  logic [PLACE_BITS-1:0] tap_next, tap_row_next, part_next, corner_next, row_corner_next, place_next;

  function automatic [PLACE_BITS-1:0] around(input [PLACE_BITS-1:0] from, input [31:0] by);
    around = from >= PLACE_BITS'(RING - by) ? from - PLACE_BITS'(RING - by) : from + PLACE_BITS'(by);
  endfunction

  if (BY_PART) begin : g_by_part
    logic [PLACE_BITS-1:0] part_corner;  // of the part at hand
    assign tap_next  = around(place, D_W * PARTS % RING);
    assign part_next = around(part_corner, 1);
    always_ff @(posedge clk)
      if (rst) part_corner <= PLACE_BITS'(CORNER);
      else if (take & y_end) part_corner <= place_next;
  end else begin : g_by_tap
    assign tap_next  = part_end ? around(place, ((D_W - 1) * PARTS + 1) % RING) : around(place, 1);
    assign part_next = corner_next;
  end
  assign tap_row_next    = around(tap_row, D_H * LINE % RING);
  assign corner_next     = around(corner, S_W * PARTS % RING);
  assign row_corner_next = frame_end ? around(row_corner, NEXT) : around(row_corner, S_H * LINE % RING);
  assign place_next = row_end ? row_corner_next : window_end ? corner_next : y_end ? part_next : x_end ? tap_row_next : tap_next;

  always_ff @(posedge clk)
    if (rst) {place, tap_row, corner, row_corner} <= {4{PLACE_BITS'(CORNER)}};
    else if (take) begin
      place <= place_next;
      if (x_end) tap_row <= place_next;
      if (window_end) corner <= place_next;
      if (row_end) row_corner <= place_next;
    end

  logic [LANES*BITS-1:0] read;
  always_ff @(posedge clk) if (step) read <= beats[place];
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
