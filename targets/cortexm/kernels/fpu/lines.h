/* The pixels of an output along lines, its rows or its columns, so that several neighbours whose windows lie evenly apart are computed
 * together. Python's side of it: lines.py. */
#ifndef TAPEOUT_LINES_H
#define TAPEOUT_LINES_H

#include "window.h"

/* The lines of an image: its rows, or its columns if `down`; `places` of a line, of which `first` to `last` - 1 have windows without
 * padding at the line's ends. `in` and `out` are the distances of one place to the next. */
typedef struct {
    int32_t down, count, places, first, last;
    int32_t in, out;
} image_lines;

typedef struct {
    int32_t batch, line, place;
} line_place;

static inline image_lines lines_of(const window_params *g, int32_t down)
{
    const int32_t stride = down ? g->stride_h : g->stride_w, pad = down ? g->pad_top : g->pad_left;
    const int32_t reach = down ? (g->k_h - 1) * g->dilation_h + 1 : (g->k_w - 1) * g->dilation_w + 1;
    const int32_t room = (down ? g->in_h : g->in_w) + pad - reach, places = down ? g->out_h : g->out_w;
    const int32_t last = room < 0 ? 0 : room / stride + 1;
    return (image_lines){
        down, down ? g->out_w : g->out_h, places, (pad + stride - 1) / stride, last < places ? last : places,
        stride * (down ? g->in_row : g->in_pixel), down ? g->out_row : g->out_pixel,
    };
}

/* How many places from this one on, at most so many, are computed together. */
static inline int32_t pixels_at(const image_lines *lines, int32_t place, int32_t most)
{
    const int32_t whole = place < lines->first ? 1 : lines->last - place;
    return whole < 1 ? 1 : whole < most ? whole : most;
}

static inline void next_place(const image_lines *lines, line_place *at, int32_t pixels)
{
    at->place += pixels;
    if (at->place == lines->places) {
        at->place = 0;
        at->line++;
    }
    if (at->line == lines->count) {
        at->line = 0;
        at->batch++;
    }
}

static inline window window_of(const window_params *g, const image_lines *lines, const line_place *at)
{
    return window_at(g, at->batch * g->out_h + (lines->down ? at->place : at->line), lines->down ? at->line : at->place);
}

/* The index of the output's pixel. */
static inline int32_t output_of(const window_params *g, const image_lines *lines, const line_place *at)
{
    const int32_t row = at->batch * g->out_h + (lines->down ? at->place : at->line);
    return row * g->out_row + (lines->down ? at->line : at->place) * g->out_pixel;
}

#endif
