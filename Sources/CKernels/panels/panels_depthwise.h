// Convolutions of each channel with a filter of its own, compiled once for each level, after panels_tile.h. See ck_panels_depthwise.

// What the filter sees at some neighbouring places of the window, in the image and in the filter, and where they are in the output.
// Places that are outside of the image are left out.
typedef struct {
    const float *image, *filter;
    // Floats from one row or column of the filter to the next, in the image; from one place of the window to the next.
    int64_t row_step, column_step, place_step;
    // Floats from one row of the filter to the next.
    int64_t filter_step;
    int64_t output;
} depthwise_places;

// Some channels; those that are missing are zero.
CK_INLINE lanes some_lanes(const float *from, int64_t count) {
    lanes values = 0;
    if (count >= CK_LANES) return *(const lanes *)from;
    memcpy(&values, from, (size_t)count * sizeof(float));
    return values;
}

// A finish that is asked for at run time.
enum { FINISH_ASKED = -1 };

// Channels of `count` places, a vector or a part of one. Where places are adjacent, a pixel is read once for all that see it.
CK_INLINE void depthwise_channels(const int64_t rows, const int64_t columns, const int count, const bool adjacent, const int finish,
                                  const ck_panel_product *product, const depthwise_places *places, int64_t channel, const int64_t width) {
    const int64_t depth = product->columns;
    lanes sums[count];
#pragma clang loop unroll(full)
    for (int place = 0; place < count; place++) sums[place] = 0;
    for (int64_t y = 0; y < rows; y++) {
        const float *row = places->image + y * places->row_step + channel, *factors = places->filter + y * places->filter_step + channel;
        if (adjacent) {
            lanes line[count + 2];
#pragma clang loop unroll(full)
            for (int place = 0; place < count + 2; place++) line[place] = *(const lanes *)(row + place * places->place_step);
#pragma clang loop unroll(full)
            for (int x = 0; x < 3; x++) {
                const lanes factor = *(const lanes *)(factors + x * depth);
#pragma clang loop unroll(full)
                for (int place = 0; place < count; place++) sums[place] += factor * line[place + x];
            }
            continue;
        }
        for (int64_t x = 0; x < columns; x++) {
            const lanes factor = some_lanes(factors + x * depth, width);
            const float *pixel = row + x * places->column_step;
#pragma clang loop unroll(full)
            for (int place = 0; place < count; place++) sums[place] += factor * some_lanes(pixel + place * places->place_step, width);
        }
    }
    const lanes bias = product->bias ? some_lanes(product->bias + channel, width) : 0;
#pragma clang loop unroll(full)
    for (int place = 0; place < count; place++) {
        const int64_t to = places->output + place * depth + channel;
        lanes sum = sums[place] + bias;
        if (finish == FINISH_ASKED) {
            if (product->residual) sum += some_lanes(product->residual + to, width);
            sum = finished(product, sum);
        } else {
            sum = finish_as((ck_finish)finish, product, sum);
        }
        if (width >= CK_LANES) {
            *(lanes *)(product->output + to) = sum;
        } else {
            memcpy(product->output + to, &sum, (size_t)width * sizeof(float));
        }
    }
}

// Rows and columns are constants, and the loops over them unrolled, for filters of 3 x 3 and their parts at borders.
CK_INLINE void depthwise_group(const int64_t rows, const int64_t columns, const int count, const bool adjacent, const int finish,
                               const ck_panel_product *product, const depthwise_places *places) {
    const int64_t depth = product->columns;
    int64_t channel = 0;
    for (; channel + CK_LANES <= depth; channel += CK_LANES)
        depthwise_channels(rows, columns, count, adjacent, finish, product, places, channel, CK_LANES);
    if (channel < depth) depthwise_channels(rows, columns, count, false, FINISH_ASKED, product, places, channel, depth - channel);
}

CK_INLINE void depthwise_any(const int count, int64_t rows, int64_t columns, const ck_panel_product *product,
                             const depthwise_places *places) {
    if (rows == 3 && columns == 3) {
        depthwise_group(3, 3, count, false, FINISH_ASKED, product, places);
    } else if (rows == 2 && columns == 3) {
        depthwise_group(2, 3, count, false, FINISH_ASKED, product, places);
    } else if (rows == 3 && columns == 2) {
        depthwise_group(3, 2, count, false, FINISH_ASKED, product, places);
    } else {
        depthwise_group(rows, columns, count, false, FINISH_ASKED, product, places);
    }
}

// Places inside of the image that see a filter of 3 x 3, with the finishes that are usual there.
CK_INLINE void depthwise_inner(const int count, const bool adjacent, const ck_panel_product *product, const depthwise_places *places) {
    const ck_finish finish = product->residual ? CK_FINISH_FUNCTION : product->finish;
    switch (finish) {
        case CK_FINISH_NONE: depthwise_group(3, 3, count, adjacent, CK_FINISH_NONE, product, places); break;
        case CK_FINISH_RELU: depthwise_group(3, 3, count, adjacent, CK_FINISH_RELU, product, places); break;
        case CK_FINISH_RELU6: depthwise_group(3, 3, count, adjacent, CK_FINISH_RELU6, product, places); break;
        default: depthwise_group(3, 3, count, adjacent, FINISH_ASKED, product, places); break;
    }
}

// Which places of the filter along an axis see the image. Returns where the first one of the filter lies.
CK_INLINE int64_t seen(int64_t place, int64_t stride, int64_t padding, int64_t filter, int64_t dilation, int64_t size, int64_t *begin,
                       int64_t *end) {
    const int64_t origin = place * stride - padding;
    const int64_t first = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
    const int64_t last = size > origin ? (size - origin + dilation - 1) / dilation : 0;
    *end = last < filter ? last : filter;
    *begin = first < *end ? first : *end;
    return origin;
}

// A row of an image's output; `output` is where it begins. Up to `most` neighbouring places, a constant, are computed at a time.
CK_INLINE void depthwise_row(const int most, const ckernels_window *window, const ck_panel_product *product, const float *image,
                             int64_t row, int64_t output) {
    const int64_t depth = product->columns;
    depthwise_places places;
    places.row_step = window->dilation_height * window->width * depth;
    places.column_step = window->dilation_width * depth;
    places.place_step = window->stride_width * depth;
    places.filter_step = window->filter_width * depth;
    int64_t top, bottom, left, right;
    const int64_t y = seen(row, window->stride_height, window->padding_top, window->filter_height, window->dilation_height, window->height,
                           &top, &bottom);
    for (int64_t column = 0; column < window->output_width;) {
        // All places of a group see every column of the filter, or there is one place alone.
        int64_t count = 1;
        if (column + most <= window->output_width) {
            seen(column + most - 1, window->stride_width, window->padding_left, window->filter_width, window->dilation_width,
                 window->width, &left, &right);
            if (left == 0 && right == window->filter_width) count = most;
        }
        const int64_t x = seen(column, window->stride_width, window->padding_left, window->filter_width, window->dilation_width,
                               window->width, &left, &right);
        if (left != 0 || right != window->filter_width) count = 1;
        places.image = image + ((y + top * window->dilation_height) * window->width + x + left * window->dilation_width) * depth;
        places.filter = product->panels + (top * window->filter_width + left) * depth;
        places.output = output + column * depth;
        if (count == 1) {
            depthwise_any(1, bottom - top, right - left, product, &places);
        } else if (bottom - top == 3 && right - left == 3) {
            if (places.place_step == places.column_step) {
                depthwise_inner(most, true, product, &places);
            } else {
                depthwise_inner(most, false, product, &places);
            }
        } else {
            depthwise_any(most, bottom - top, right - left, product, &places);
        }
        column += count;
    }
    if (product->finish == CK_FINISH_FUNCTION) {
        float *line = product->output + output;
        product->function(line, line, window->output_width * depth);
    }
}

// PLACES is how many places at a time leave registers for the filter.
#define DEPTHWISE(LEVEL, PLACES) \
    PANELS_TARGET void ck_depthwise_row_##LEVEL(const ckernels_window *window, const ck_panel_product *product, const float *image, \
                                                int64_t row, int64_t output) {                                                  \
        depthwise_row(PLACES, window, product, image, row, output); \
    }
