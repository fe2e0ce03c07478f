#include "ckernels_random_boxes.h"

#include "ckernels_philox.h"

#pragma STDC FP_CONTRACT OFF

void ck_random_corner(ck_philox from, const int64_t choices[2], int64_t corner[2]) {
    word_stream words = words_from(from);
    // The column comes first.
    for (int axis = 1; axis >= 0; axis--)
        corner[axis] = choices[axis] > 1 ? (int64_t)(next_word(&words) % (uint64_t)choices[axis]) : 0;
}

// A number from [0, n); words that would make some numbers likelier are left out.
static uint32_t below(word_stream *words, uint32_t n) {
    if ((n & (n - 1)) == 0) return next_word(words) & (n - 1);
    const uint32_t rest = UINT32_MAX % n + 1;
    uint32_t word;
    do word = next_word(words);
    while (word < rest);
    return word % n;
}

static int64_t nearest(float x) { return x > -2e9f && x < 2e9f ? (int64_t)rintf(x) : 2000000000; }

typedef struct {
    int64_t y, x, height, width;
} rectangle;

// Tries to make a part of the image of that ratio of width to height; false where there is none.
static bool try_box(word_stream *words, const ck_box_sampling *s, float ratio, rectangle *result) {
    if (s->max_area <= 0 || ratio <= 0 || s->width <= 0 || s->height <= 0 || s->min_area > s->max_area) return false;
    const float least = s->min_area * s->width * s->height, most = s->max_area * s->width * s->height;
    int64_t height = nearest(sqrtf(least / ratio)), highest = nearest(sqrtf(most / ratio));
    if (nearest(highest * ratio) > s->width) {
        const float slightly = 0.0000001f;
        highest = (int64_t)((s->width + 0.5 - slightly) / ratio);
        if (nearest(highest * ratio) > s->width) highest--;
    }
    if (highest > s->height) highest = s->height;
    if (height >= highest) height = highest;
    if (height < highest) height += below(words, (uint32_t)(highest - height + 1));
    int64_t width = nearest(height * ratio);
    float area = (float)(width * height);
    // Rounding may have made it too small, or too large, by a row.
    if (area < least) {
        width = nearest(++height * ratio);
        area = (float)(width * height);
    }
    if (area > most) {
        width = nearest(--height * ratio);
        area = (float)(width * height);
    }
    if (area < least || area > most || width > s->width || height > s->height || width <= 0 || height <= 0) return false;
    result->y = height < s->height ? below(words, (uint32_t)(s->height - height)) : 0;
    result->x = width < s->width ? below(words, (uint32_t)(s->width - width)) : 0;
    result->height = height;
    result->width = width;
    return true;
}

// The length that two stretches of an axis share.
static int64_t shared(int64_t begin, int64_t end, int64_t other_begin, int64_t other_end) {
    const int64_t first = begin > other_begin ? begin : other_begin, last = end < other_end ? end : other_end;
    return first > last ? 0 : last - first;
}

// Whether enough of one of the boxes is in the part.
static bool covers(const rectangle *part, const ck_box_sampling *s, const float *boxes, ptrdiff_t count) {
    if (part->height * part->width < 1) return false;
    for (ptrdiff_t i = 0; i < (count > 0 ? count : 1); i++) {
        int64_t y = 0, x = 0, bottom = s->height, right = s->width;
        if (count > 0) {
            const float *box = boxes + 4 * i;
            y = (int64_t)(box[0] * s->height), x = (int64_t)(box[1] * s->width);
            bottom = (int64_t)(box[2] * s->height), right = (int64_t)(box[3] * s->width);
        }
        const float area = (float)((bottom - y) * (right - x));
        if (area < 1) continue;
        const float common = (float)(shared(part->y, part->y + part->height, y, bottom) *
                                     shared(part->x, part->x + part->width, x, right));
        if (common / area >= s->min_covered) return true;
    }
    return false;
}

bool ck_sample_box(ck_philox from, const ck_box_sampling *s, const float *boxes, ptrdiff_t count, int32_t box[4]) {
    for (ptrdiff_t i = 0; i < 4 * count; i++)
        if (!(boxes[i] >= 0 && boxes[i] <= 1)) return false;
    word_stream words = words_from(from);
    rectangle result = {0, 0, s->height, s->width};
    for (int32_t attempt = 0; attempt < s->attempts; attempt++) {
        rectangle tried = {0, 0, 0, 0};
        const float ratio = unit_f32(next_word(&words)) * (s->max_ratio - s->min_ratio) + s->min_ratio;
        if (!try_box(&words, s, ratio, &tried) || !covers(&tried, s, boxes, count)) continue;
        result = tried;
        break;
    }
    box[0] = (int32_t)result.y, box[1] = (int32_t)result.x;
    box[2] = (int32_t)result.height, box[3] = (int32_t)result.width;
    return true;
}
