// The transforms of Winograd's convolutions, compiled once for each level, after panels_tile.h. See ckernels_winograd.h.
#include "panels_levels.h"

// Some channels of a pixel; those that are missing are zero.
CK_INLINE lanes channels_at(const float *pixel, int64_t count) {
    lanes values = 0;
    if (count >= CK_LANES) return *(const lanes *)pixel;
    memcpy(&values, pixel, (size_t)count * sizeof(float));
    return values;
}

CK_INLINE void put_channels(float *pixel, lanes values, int64_t count) {
    if (count >= CK_LANES) {
        *(lanes *)pixel = values;
    } else {
        memcpy(pixel, &values, (size_t)count * sizeof(float));
    }
}

#define ROOT 1.41421356237309515f
#define HALF_ROOT 0.707106781186547573f

// One dimension of the transform of the input, from numbers `step` apart to numbers `to` apart.
CK_INLINE void input_6(const lanes *d, lanes *t, const int step, const int to) {
    const lanes d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    const lanes even = d4 - 2 * d2, odd = (d3 - 2 * d1) * HALF_ROOT, far = d4 - 0.5f * d2, cross = (d3 - 0.5f * d1) * ROOT;
    t[0] = d0 - 2.5f * d2 + d4;
    t[to] = even + odd;
    t[2 * to] = even - odd;
    t[3 * to] = far + cross;
    t[4 * to] = far - cross;
    t[5 * to] = d1 - 2.5f * d3 + d5;
}

// One dimension of the transform of the products, from numbers `step` apart to numbers `to` apart.
CK_INLINE void output_6(const int size, const lanes *m, lanes *y, const int step, const int to) {
    const lanes m0 = m[0], m1 = m[step], m2 = m[2 * step], m3 = m[3 * step], m4 = m[4 * step], m5 = m[5 * step];
    const lanes near = m1 + m2, near_odd = m1 - m2, far = m3 + m4, far_odd = m3 - m4;
    const lanes odd = HALF_ROOT * near_odd + ROOT * far_odd;
    y[0] = m0 + near + far;
    y[to] = size == 2 ? odd + m5 : odd;
    if (size == 2) return;
    y[2 * to] = 0.5f * near + 2 * far;
    y[3 * to] = 0.5f * HALF_ROOT * near_odd + 2 * ROOT * far_odd + m5;
}

CK_INLINE void input_4(const lanes *d, lanes *t, const int step, const int to) {
    const lanes d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
    t[0] = d0 - d2;
    t[to] = d1 + d2;
    t[2 * to] = d2 - d1;
    t[3 * to] = d3 - d1;
}

CK_INLINE void output_4(const lanes *m, lanes *y, const int step, const int to) {
    y[0] = m[0] + m[step] + m[2 * step];
    y[to] = m[step] - m[2 * step] + m[3 * step];
}

typedef struct {
    int64_t image, y, x;
} tile_place;

CK_INLINE tile_place tile_at(const ckernels_window *window, int64_t size, int64_t number) {
    const int64_t columns = (window->output_width + size - 1) / size, rows = (window->output_height + size - 1) / size;
    const int64_t inner = number % (rows * columns);
    return (tile_place){number / (rows * columns), inner / columns * size, inner % columns * size};
}

// The pixels of a tile, row by row; zeros stand for those outside of the image.
CK_INLINE void find_pixels(const int side, const ckernels_window *window, int64_t channels, const float *images, tile_place at,
                           const float *zeros, const float **pixels) {
    const float *image = images + at.image * window->height * window->width * channels;
    for (int row = 0; row < side; row++) {
        const int64_t y = at.y + row - window->padding_top, left = at.x - window->padding_left;
        const bool inside = y >= 0 && y < window->height;
        const float *line = image + y * window->width * channels;
        for (int column = 0; column < side; column++) {
            const int64_t x = left + column;
            pixels[row * side + column] = inside && x >= 0 && x < window->width ? line + x * channels : zeros;
        }
    }
}

// Transforms some channels of a tile; `whole` is a constant wherever this is inlined.
CK_INLINE void transform_pixels(const int side, const bool whole, const float *const *pixels, int64_t channel, int64_t channels, float *target) {
    lanes values[side * side];
#pragma clang loop unroll(full)
    for (int column = 0; column < side; column++) {
        lanes line[side];
#pragma clang loop unroll(full)
        for (int row = 0; row < side; row++)
            line[row] = channels_at(pixels[row * side + column] + channel, whole ? CK_LANES : channels - channel);
        side == 6 ? input_6(line, values + column, 1, side) : input_4(line, values + column, 1, side);
    }
#pragma clang loop unroll(full)
    for (int row = 0; row < side; row++) {
        lanes line[side];
        side == 6 ? input_6(values + row * side, line, 1, 1) : input_4(values + row * side, line, 1, 1);
#pragma clang loop unroll(full)
        for (int column = 0; column < side; column++)
            put_channels(target + (row * side + column) * channels + channel, line[column], whole ? CK_LANES : channels - channel);
    }
}

CK_INLINE void transform_input(const int side, const ck_winograd *winograd, const float *images, int64_t first, int64_t count,
                               ptrdiff_t step, const float *zeros, float *transformed) {
    const int64_t channels = winograd->channels;
    for (int64_t number = 0; number < count; number++) {
        const float *pixels[side * side];
        find_pixels(side, &winograd->window, channels, images, tile_at(&winograd->window, winograd->size, first + number), zeros,
                    pixels);
        float *target = transformed + number * step;
        int64_t channel = 0;
        for (; channel + CK_LANES <= channels; channel += CK_LANES) transform_pixels(side, true, pixels, channel, channels, target);
        if (channel < channels) transform_pixels(side, false, pixels, channel, channels, target);
    }
}

typedef int32_t lane_bits_at __attribute__((ext_vector_type(16), aligned(4), may_alias));

CK_INLINE lane_bits larger(lane_bits a, lane_bits b) { return __builtin_elementwise_max(a, b); }

CK_INLINE bool is_near(int32_t most, int32_t seen) {
    float largest, smallest;
    memcpy(&largest, &most, sizeof most);
    memcpy(&smallest, &seen, sizeof seen);
    return largest <= CK_WINOGRAD_RANGE * smallest;
}

// The largest of `taps` neighbours.
CK_INLINE lane_bits largest(const int taps, const lane_bits *values, const int step) {
    lane_bits most = values[0];
#pragma clang loop unroll(full)
    for (int tap = 1; tap < taps; tap++) most = larger(most, values[tap * step]);
    return most;
}

CK_INLINE lane_bits largest_channels(const float *pixel, int64_t channels) {
    lane_bits most = 0;
    int64_t channel = 0;
    for (; channel + CK_LANES <= channels; channel += CK_LANES) most = larger(most, *(const lane_bits_at *)(pixel + channel) & 0x7fffffff);
    return channel < channels ? larger(most, (lane_bits)channels_at(pixel + channel, channels - channel) & 0x7fffffff) : most;
}

// Whether all results of a tile see pixels of about the size of its largest one. Sizes are compared as the bits of floats without sign.
CK_INLINE bool is_even(const int taps, const ck_winograd *winograd, const float *images, int64_t number) {
    enum { SIDE = 6, INFINITE = 0x7f800000 };
    const int size = SIDE + 1 - taps;
    const ckernels_window *window = &winograd->window;
    const int64_t channels = winograd->channels;
    const tile_place at = tile_at(window, size, number);
    const float *image = images + at.image * window->height * window->width * channels;
    lane_bits pixels[SIDE * SIDE], columns[SIDE * SIDE];
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column < SIDE; column++) {
            const int64_t y = at.y + row - window->padding_top, x = at.x + column - window->padding_left;
            const bool inside = y >= 0 && y < window->height && x >= 0 && x < window->width;
            pixels[row * SIDE + column] = inside ? largest_channels(image + (y * window->width + x) * channels, channels) : (lane_bits)0;
        }
    for (int row = 0; row < size; row++)
        for (int column = 0; column < SIDE; column++) columns[row * SIDE + column] = largest(taps, pixels + row * SIDE + column, SIDE);
    const int64_t rows = window->output_height - at.y, width = window->output_width - at.x;
    lane_bits all = 0, each = INT32_MAX;
    for (int row = 0; row < size && row < rows; row++)
        for (int column = 0; column < size && column < width; column++) {
            const lane_bits seen = largest(taps, columns + row * SIDE + column, 1);
            all = larger(all, seen);
            each = __builtin_elementwise_min(each, seen);
            pixels[row * SIDE + column] = seen;
        }
    const int32_t most = __builtin_reduce_max(all);
    if (most >= INFINITE) return false;
    // What all results see in the same channels is seldom too little.
    if (is_near(most, __builtin_reduce_max(each))) return true;
    for (int row = 0; row < size && row < rows; row++)
        for (int column = 0; column < size && column < width; column++)
            if (!is_near(most, __builtin_reduce_max(pixels[row * SIDE + column]))) return false;
    return true;
}

// Transforms some channels of a tile back, and writes what is in the image; `whole` is a constant wherever this is inlined.
CK_INLINE void transform_products(const int side, const int size, const bool whole, const ck_panel_product *product, const float *source, int64_t channel,
                                  int64_t rows, int64_t columns, int64_t corner, int64_t line_step) {
    const int64_t outputs = product->columns, width = whole ? CK_LANES : outputs - channel;
    lanes half[size * side];
#pragma clang loop unroll(full)
    for (int column = 0; column < side; column++) {
        lanes line[side];
#pragma clang loop unroll(full)
        for (int row = 0; row < side; row++) line[row] = channels_at(source + (row * side + column) * outputs + channel, width);
        side == 6 ? output_6(size, line, half + column, 1, side) : output_4(line, half + column, 1, side);
    }
    const lanes bias = product->bias ? channels_at(product->bias + channel, width) : (lanes)0;
#pragma clang loop unroll(full)
    for (int row = 0; row < size; row++) {
        if (row >= rows) return;
        lanes results[size];
        side == 6 ? output_6(size, half + row * side, results, 1, 1) : output_4(half + row * side, results, 1, 1);
        const int64_t start = corner + row * line_step + channel;
#pragma clang loop unroll(full)
        for (int column = 0; column < size; column++) {
            if (column >= columns) break;
            const int64_t place = start + column * outputs;
            lanes sum = results[column] + bias;
            if (product->residual) sum += channels_at(product->residual + place, width);
            put_channels(product->output + place, finished(product, sum), width);
        }
    }
}

CK_INLINE void transform_output(const int side, const int size, const ck_winograd *winograd, const ck_panel_product *product,
                                const float *products, int64_t first, int64_t count, ptrdiff_t step) {
    const ckernels_window *window = &winograd->window;
    const int64_t outputs = winograd->outputs, line_step = window->output_width * outputs;
    for (int64_t number = 0; number < count; number++) {
        const tile_place at = tile_at(window, size, first + number);
        const int64_t rows = window->output_height - at.y < size ? window->output_height - at.y : size;
        const int64_t columns = window->output_width - at.x < size ? window->output_width - at.x : size;
        const int64_t corner = (at.image * window->output_height + at.y) * line_step + at.x * outputs;
        const float *source = products + number * step;
        int64_t channel = 0;
        for (; channel + CK_LANES <= outputs; channel += CK_LANES)
            transform_products(side, size, true, product, source, channel, rows, columns, corner, line_step);
        if (channel < outputs) transform_products(side, size, false, product, source, channel, rows, columns, corner, line_step);
        if (product->finish != CK_FINISH_FUNCTION) continue;
        for (int64_t row = 0; row < rows; row++) {
            float *line = product->output + corner + row * line_step;
            product->function(line, line, columns * outputs);
        }
    }
}

CK_INLINE void transform_filter(const ck_winograd_filter *task, const winograd_factors *factors, const float *filter, int64_t panel_width,
                                int64_t first, int64_t count, float *panels) {
    const int64_t outputs = task->outputs, plane = task->channels * outputs;
    for (int64_t channel = first; channel < first + count; channel++)
        for (int64_t column = 0; column < outputs; column += panel_width) {
            const int64_t used = outputs - column < panel_width ? outputs - column : panel_width;
            const int64_t step = (used + CK_LANES - 1) / CK_LANES * CK_LANES;
            float *row = panels + task->channels * column + channel * step;
            for (int64_t place = 0; place < step; place += CK_LANES) {
                lanes taps[CK_WINOGRAD_TAPS];
                for (int tap = 0; tap < factors->taps; tap++)
                    taps[tap] = channels_at(filter + tap * plane + channel * outputs + column + place, used - place);
                for (int position = 0; position < factors->positions; position++) {
                    lanes sum = 0;
                    for (int tap = 0; tap < factors->taps; tap++) sum += factors->factors[position][tap] * taps[tap];
                    *(lanes *)(row + position * task->panel_count + place) = sum;
                }
            }
        }
}

#define WINOGRAD(LEVEL)                                                                                                          \
    PANELS_TARGET bool ck_winograd_even_##LEVEL(const ck_winograd *winograd, const float *images, int64_t number) {              \
        return winograd->window.filter_height == 5 ? is_even(5, winograd, images, number) : is_even(3, winograd, images, number);\
    }                                                                                                                            \
    PANELS_TARGET void ck_winograd_filter_##LEVEL(const ck_winograd_filter *task, const winograd_factors *factors,               \
                                                  const float *filter, int64_t first, int64_t count, float *panels) {            \
        transform_filter(task, factors, filter, PANELS_VECTORS * CK_LANES, first, count, panels);                                \
    }                                                                                                                            \
    PANELS_TARGET void ck_winograd_input_##LEVEL(const ck_winograd *winograd, const float *images, int64_t first, int64_t count,  \
                                                 ptrdiff_t step, const float *zeros, float *transformed) {                       \
        if (winograd->size + winograd->window.filter_height == 7) {                                                              \
            transform_input(6, winograd, images, first, count, step, zeros, transformed);                                        \
        } else {                                                                                                                 \
            transform_input(4, winograd, images, first, count, step, zeros, transformed);                                        \
        }                                                                                                                        \
    }                                                                                                                            \
    PANELS_TARGET void ck_winograd_output_##LEVEL(const ck_winograd *winograd, const ck_panel_product *product,                  \
                                                  const float *products, int64_t first, int64_t count, ptrdiff_t step) {         \
        if (winograd->size == 4) {                                                                                               \
            transform_output(6, 4, winograd, product, products, first, count, step);                                             \
        } else if (winograd->window.filter_height == 5) {                                                                        \
            transform_output(6, 2, winograd, product, products, first, count, step);                                             \
        } else {                                                                                                                 \
            transform_output(4, 2, winograd, product, products, first, count, step);                                             \
        }                                                                                                                        \
    }
