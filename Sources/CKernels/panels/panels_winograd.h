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

// One dimension of the transform of the input, from and to numbers `step` apart.
CK_INLINE void input_4(const lanes *d, lanes *t, const int step) {
    const lanes d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    const lanes even = d4 - 2 * d2, odd = (d3 - 2 * d1) * HALF_ROOT, far = d4 - 0.5f * d2, cross = (d3 - 0.5f * d1) * ROOT;
    t[0] = d0 - 2.5f * d2 + d4;
    t[step] = even + odd;
    t[2 * step] = even - odd;
    t[3 * step] = far + cross;
    t[4 * step] = far - cross;
    t[5 * step] = d1 - 2.5f * d3 + d5;
}

CK_INLINE void output_4(const lanes *m, lanes *y, const int step, const int to) {
    const lanes m0 = m[0], m1 = m[step], m2 = m[2 * step], m3 = m[3 * step], m4 = m[4 * step], m5 = m[5 * step];
    const lanes near = m1 + m2, near_odd = m1 - m2, far = m3 + m4, far_odd = m3 - m4;
    y[0] = m0 + near + far;
    y[to] = HALF_ROOT * near_odd + ROOT * far_odd;
    y[2 * to] = 0.5f * near + 2 * far;
    y[3 * to] = 0.5f * HALF_ROOT * near_odd + 2 * ROOT * far_odd + m5;
}

CK_INLINE void input_2(const lanes *d, lanes *t, const int step) {
    const lanes d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
    t[0] = d0 - d2;
    t[step] = d1 + d2;
    t[2 * step] = d2 - d1;
    t[3 * step] = d3 - d1;
}

CK_INLINE void output_2(const lanes *m, lanes *y, const int step, const int to) {
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

CK_INLINE void transform_input(const int size, const ck_winograd *winograd, const float *images, int64_t first, int64_t count,
                               int64_t stride, const float *zeros, float *transformed) {
    const int side = size + 2;
    const ckernels_window *window = &winograd->window;
    const int64_t channels = winograd->channels;
    for (int64_t number = 0; number < count; number++) {
        const tile_place at = tile_at(window, size, first + number);
        const float *image = images + at.image * window->height * window->width * channels;
        const float *pixels[side * side];
        for (int row = 0; row < side; row++)
            for (int column = 0; column < side; column++) {
                const int64_t y = at.y + row - window->padding_top, x = at.x + column - window->padding_left;
                const bool inside = y >= 0 && y < window->height && x >= 0 && x < window->width;
                pixels[row * side + column] = inside ? image + (y * window->width + x) * channels : NULL;
            }
        for (int64_t channel = 0; channel < channels; channel += CK_LANES) {
            const int64_t width = channels - channel;
            lanes values[side * side];
            for (int place = 0; place < side * side; place++)
                values[place] = channels_at(pixels[place] ? pixels[place] + channel : zeros, width);
            for (int row = 0; row < side; row++)
                size == 4 ? input_4(values + row * side, values + row * side, 1) : input_2(values + row * side, values + row * side, 1);
            for (int column = 0; column < side; column++)
                size == 4 ? input_4(values + column, values + column, side) : input_2(values + column, values + column, side);
            float *target = transformed + number * channels + channel;
            for (int place = 0; place < side * side; place++)
                put_channels(target + place * stride * channels, values[place], width);
        }
    }
}

CK_INLINE lane_bits larger(lane_bits a, lane_bits b) { return __builtin_elementwise_max(a, b); }

CK_INLINE bool is_near(int32_t most, int32_t seen) {
    float largest, smallest;
    memcpy(&largest, &most, sizeof most);
    memcpy(&smallest, &seen, sizeof seen);
    return largest <= CK_WINOGRAD_RANGE * smallest;
}

// Whether all results of a tile of 4 see pixels of about the size of its largest one. Sizes are compared as the bits of floats without sign.
CK_INLINE bool is_even(const ck_winograd *winograd, const float *images, int64_t number) {
    enum { SIDE = 6, SIZE = 4, INFINITE = 0x7f800000 };
    const ckernels_window *window = &winograd->window;
    const int64_t channels = winograd->channels;
    const tile_place at = tile_at(window, SIZE, number);
    const float *image = images + at.image * window->height * window->width * channels;
    lane_bits pixels[SIDE][SIDE], columns[SIZE][SIDE];
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column < SIDE; column++) {
            const int64_t y = at.y + row - window->padding_top, x = at.x + column - window->padding_left;
            lane_bits most = 0;
            if (y >= 0 && y < window->height && x >= 0 && x < window->width) {
                const float *pixel = image + (y * window->width + x) * channels;
                for (int64_t channel = 0; channel < channels; channel += CK_LANES)
                    most = larger(most, (lane_bits)channels_at(pixel + channel, channels - channel) & 0x7fffffff);
            }
            pixels[row][column] = most;
        }
    for (int row = 0; row < SIZE; row++)
        for (int column = 0; column < SIDE; column++)
            columns[row][column] = larger(larger(pixels[row][column], pixels[row + 1][column]), pixels[row + 2][column]);
    const int64_t rows = window->output_height - at.y, width = window->output_width - at.x;
    lane_bits all = 0, each = INT32_MAX;
    for (int row = 0; row < SIZE && row < rows; row++)
        for (int column = 0; column < SIZE && column < width; column++) {
            const lane_bits seen = larger(larger(columns[row][column], columns[row][column + 1]), columns[row][column + 2]);
            all = larger(all, seen);
            each = __builtin_elementwise_min(each, seen);
            pixels[row][column] = seen;
        }
    const int32_t most = __builtin_reduce_max(all);
    if (most >= INFINITE) return false;
    // What all results see in the same channels is seldom too little.
    if (is_near(most, __builtin_reduce_max(each))) return true;
    for (int row = 0; row < SIZE && row < rows; row++)
        for (int column = 0; column < SIZE && column < width; column++)
            if (!is_near(most, __builtin_reduce_max(pixels[row][column]))) return false;
    return true;
}

CK_INLINE void transform_output(const int size, const ck_winograd *winograd, const ck_panel_product *product, const float *products,
                                int64_t first, int64_t count, int64_t stride) {
    const int side = size + 2;
    const ckernels_window *window = &winograd->window;
    const int64_t outputs = winograd->outputs;
    for (int64_t number = 0; number < count; number++) {
        const tile_place at = tile_at(window, size, first + number);
        const int64_t rows = window->output_height - at.y < size ? window->output_height - at.y : size;
        const int64_t columns = window->output_width - at.x < size ? window->output_width - at.x : size;
        const int64_t corner = ((at.image * window->output_height + at.y) * window->output_width + at.x) * outputs;
        for (int64_t channel = 0; channel < outputs; channel += CK_LANES) {
            const int64_t width = outputs - channel;
            const float *source = products + number * outputs + channel;
            lanes values[side * side], half[size * side], results[size * size];
            for (int place = 0; place < side * side; place++) values[place] = channels_at(source + place * stride * outputs, width);
            for (int row = 0; row < side; row++)
                size == 4 ? output_4(values + row * side, half + row * size, 1, 1) : output_2(values + row * side, half + row * size, 1, 1);
            for (int column = 0; column < size; column++)
                size == 4 ? output_4(half + column, results + column, size, size) : output_2(half + column, results + column, size, size);
            const lanes bias = product->bias ? channels_at(product->bias + channel, width) : (lanes)0;
            for (int64_t row = 0; row < rows; row++)
                for (int64_t column = 0; column < columns; column++) {
                    const int64_t place = corner + (row * window->output_width + column) * outputs + channel;
                    lanes sum = results[row * size + column] + bias;
                    if (product->residual) sum += channels_at(product->residual + place, width);
                    put_channels(product->output + place, finished(product, sum), width);
                }
        }
        if (product->finish != CK_FINISH_FUNCTION) continue;
        for (int64_t row = 0; row < rows; row++) {
            float *line = product->output + corner + row * window->output_width * outputs;
            product->function(line, line, columns * outputs);
        }
    }
}

CK_INLINE void transform_filter(const winograd_filter *task, int64_t first, int64_t count) {
    const int64_t outputs = task->outputs, plane = task->channels * outputs;
    for (int64_t channel = first; channel < first + count; channel++)
        for (int64_t column = 0; column < outputs; column += task->width) {
            const int64_t used = outputs - column < task->width ? outputs - column : task->width;
            const int64_t step = (used + CK_LANES - 1) / CK_LANES * CK_LANES;
            float *row = task->panels + task->channels * column + channel * step;
            for (int64_t place = 0; place < step; place += CK_LANES) {
                lanes taps[9];
                for (int tap = 0; tap < 9; tap++)
                    taps[tap] = channels_at(task->filter + tap * plane + channel * outputs + column + place, used - place);
                for (int position = 0; position < task->positions; position++) {
                    lanes sum = 0;
                    for (int tap = 0; tap < 9; tap++) sum += task->factors[position][tap] * taps[tap];
                    *(lanes *)(row + position * task->panel_count + place) = sum;
                }
            }
        }
}

#define WINOGRAD(LEVEL)                                                                                                          \
    PANELS_TARGET bool ck_winograd_even_##LEVEL(const ck_winograd *winograd, const float *images, int64_t number) {              \
        return is_even(winograd, images, number);                                                                                \
    }                                                                                                                            \
    PANELS_TARGET void ck_winograd_filter_##LEVEL(const winograd_filter *task, int64_t first, int64_t count) {                   \
        transform_filter(task, first, count);                                                                                    \
    }                                                                                                                            \
    PANELS_TARGET void ck_winograd_input_##LEVEL(const ck_winograd *winograd, const float *images, int64_t first, int64_t count,  \
                                                 int64_t stride, const float *zeros, float *transformed) {                       \
        if (winograd->size == 4) {                                                                                               \
            transform_input(4, winograd, images, first, count, stride, zeros, transformed);                                      \
        } else {                                                                                                                 \
            transform_input(2, winograd, images, first, count, stride, zeros, transformed);                                      \
        }                                                                                                                        \
    }                                                                                                                            \
    PANELS_TARGET void ck_winograd_output_##LEVEL(const ck_winograd *winograd, const ck_panel_product *product,                  \
                                                  const float *products, int64_t first, int64_t count, int64_t stride) {         \
        if (winograd->size == 4) {                                                                                               \
            transform_output(4, winograd, product, products, first, count, stride);                                              \
        } else {                                                                                                                 \
            transform_output(2, winograd, product, products, first, count, stride);                                              \
        }                                                                                                                        \
    }
