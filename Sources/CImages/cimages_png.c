#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cimages.h"

// The state for the library's callbacks. It is on the heap, because a jump leaves locals undefined.
typedef struct {
    png_structp png;
    png_infop info;
    char *message;
    const uint8_t *data;
    size_t left;
    cimages_file file;
    const cimages_account *account;
    int passes;
    int is_widened;
} state;

static void fail(png_structp png, png_const_charp text) {
    state *s = png_get_error_ptr(png);
    snprintf(s->message, CIMAGES_MESSAGE_BYTES, "%s", text);
    longjmp(png_jmpbuf(png), 1);
}

static void ignore(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static int32_t give_up(state *s, const char *text) {
    snprintf(s->message, CIMAGES_MESSAGE_BYTES, "%s", text);
    return 1;
}

static void read_data(png_structp png, png_bytep target, png_size_t count) {
    state *s = png_get_io_ptr(png);
    if (count > s->left) png_error(png, "the data ends too early");
    memcpy(target, s->data, count);
    s->data += count;
    s->left -= count;
}

// The header of each block of the library's memory: its size.
enum { PREFIX_BYTES = 16 };

// All memory of the library, and of zlib below it, is counted.
static png_voidp allocate(png_structp png, png_alloc_size_t count) {
    state *s = png_get_mem_ptr(png);
    if (count > PTRDIFF_MAX - PREFIX_BYTES) return NULL;
    if (!s->account->take(s->account->context, (int64_t)(count + PREFIX_BYTES))) return NULL;
    uint8_t *memory = malloc(count + PREFIX_BYTES);
    if (!memory) {
        s->account->take(s->account->context, -(int64_t)(count + PREFIX_BYTES));
        return NULL;
    }
    *(size_t *)memory = count + PREFIX_BYTES;
    return memory + PREFIX_BYTES;
}

static void release(png_structp png, png_voidp memory) {
    state *s = png_get_mem_ptr(png);
    if (!memory) return;
    uint8_t *begin = (uint8_t *)memory - PREFIX_BYTES;
    s->account->take(s->account->context, -(int64_t) * (size_t *)begin);
    free(begin);
}

// Stops when the time is over. May jump.
static void watch(state *s) {
    if (s->account->is_over(s->account->context)) png_error(s->png, "stopped");
}

static void write_data(png_structp png, png_bytep source, png_size_t count) {
    state *s = png_get_io_ptr(png);
    if (count > s->file.capacity - s->file.count) {
        size_t capacity = s->file.capacity + s->file.capacity / 2 + count + 1024;
        if (!s->account->take(s->account->context, (int64_t)capacity)) png_error(png, "not enough memory");
        uint8_t *output = realloc(s->file.bytes, capacity);
        s->account->take(s->account->context, -(int64_t)(output ? s->file.capacity : capacity));
        if (!output) png_error(png, "not enough memory");
        s->file.bytes = output;
        s->file.capacity = capacity;
    }
    memcpy(s->file.bytes + s->file.count, source, count);
    s->file.count += count;
}

static void flush_data(png_structp png) { (void)png; }

static state *make_state(const cimages_account *account, char *message) {
    state *s = calloc(1, sizeof(state));
    if (s)
        *s = (state){.message = message, .account = account};
    else
        snprintf(message, CIMAGES_MESSAGE_BYTES, "not enough memory");
    return s;
}

static int32_t free_reader(state *s, int32_t fault) {
    png_destroy_read_struct(&s->png, &s->info, NULL);
    free(s);
    return fault;
}

// An upper bound for the expansion of a compressed byte.
enum { MAX_BYTES_OF_ONE = 1200 };

// Reads the header and sets how the image is read. May jump.
static int32_t prepare(state *s, int32_t wanted, int32_t bits, cimages_size *size) {
    png_structp png = s->png;
    size_t total = s->left;
    png_set_read_fn(png, s, read_data);
    png_read_info(png, s->info);
    png_uint_32 width, height;
    int depth, colour;
    png_get_IHDR(png, s->info, &width, &height, &depth, &colour, NULL, NULL, NULL);
    if (width == 0 || height == 0) return give_up(s, "the image is empty");
    if ((uint64_t)png_get_rowbytes(png, s->info) * height / MAX_BYTES_OF_ONE > total)
        return give_up(s, "the data is too short for an image of that size");
    int has_alpha = (colour & PNG_COLOR_MASK_ALPHA) != 0;
    int has_transparency = png_get_valid(png, s->info, PNG_INFO_tRNS) != 0;
    int channels = wanted;
    if (channels == 0) {
        channels = png_get_channels(png, s->info);
        if (colour == PNG_COLOR_TYPE_PALETTE) channels = has_transparency ? 4 : 3;
    }
    if (channels % 2 == 0) {
        if (!has_alpha && has_transparency) png_set_tRNS_to_alpha(png);
        if (!has_alpha && !has_transparency) png_set_add_alpha(png, (1u << depth) - 1, PNG_FILLER_AFTER);
    } else if (has_alpha || has_transparency) {
        png_set_strip_alpha(png);
    }
    if (depth > 8 && bits <= 8) png_set_strip_16(png);
    s->is_widened = depth <= 8 && bits == 16;
    png_set_packing(png);
    s->passes = png_set_interlace_handling(png);
    if (bits > 8) png_set_swap(png);
    if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    int is_grey = !(colour & PNG_COLOR_MASK_COLOR);
    if (is_grey && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
    if (channels < 3) {
        if (!is_grey) png_set_rgb_to_gray(png, PNG_ERROR_ACTION_NONE, 0.299, 0.587);
    } else if (is_grey) {
        png_set_gray_to_rgb(png);
    }
    png_read_update_info(png, s->info);
    *size = (cimages_size){.height = height, .width = width, .channels = channels};
    size_t row = (size_t)width * channels * (bits == 16 && !s->is_widened ? 2 : 1);
    // Rows go straight to the output: they must fit.
    if (png_get_rowbytes(png, s->info) > row) return give_up(s, "the rows are longer than expected");
    return 0;
}

// Text and other chunks without pixels may be large, and are skipped.
static void skip_notes(png_structp png) {
    static const png_byte names[] = "tEXt\0zTXt\0iTXt\0pCAL\0sCAL\0sPLT\0hIST\0oFFs\0pHYs\0tIME\0eXIf";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, (int)(sizeof(names) / 5));
}

static state *open_reader(const uint8_t *data, size_t count, const cimages_account *account, char *message) {
    state *s = make_state(account, message);
    if (!s) return NULL;
    s->data = data;
    s->left = count;
    s->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, s, fail, ignore, s, allocate, release);
    if (s->png) s->info = png_create_info_struct(s->png);
    if (s->info) {
        skip_notes(s->png);
        return s;
    }
    give_up(s, "not enough memory");
    free_reader(s, 1);
    return NULL;
}

int32_t cimages_png_size(const uint8_t *data, size_t count, int32_t channels, int32_t bits, cimages_size *size,
                         const cimages_account *account, char *message) {
    state *s = open_reader(data, count, account, message);
    if (!s) return 1;
    if (setjmp(png_jmpbuf(s->png))) return free_reader(s, 1);
    return free_reader(s, prepare(s, channels, bits, size));
}

// The rows are read as bytes, at the beginning of each row's place.
static void widen(uint8_t *row, int64_t count) {
    uint16_t *target = (uint16_t *)row;
    for (int64_t i = count - 1; i >= 0; i--) target[i] = (uint16_t)(row[i] * 257);
}

int32_t cimages_png_read(const uint8_t *data, size_t count, int32_t channels, int32_t bits, const cimages_size *size, void *output,
                         const cimages_account *account, char *message) {
    state *s = open_reader(data, count, account, message);
    if (!s) return 1;
    if (setjmp(png_jmpbuf(s->png))) return free_reader(s, 1);
    cimages_size found;
    int32_t fault = prepare(s, channels, bits, &found);
    if (fault) return free_reader(s, fault);
    if (found.height != size->height || found.width != size->width || found.channels != size->channels)
        return free_reader(s, give_up(s, "the size is not as expected"));
    size_t row_bytes = (size_t)(found.width * found.channels) * (bits / 8);
    for (int pass = 0; pass < s->passes; pass++) {
        for (int64_t y = 0; y < found.height; y++) {
            png_read_row(s->png, (png_bytep)output + y * row_bytes, NULL);
            watch(s);
        }
    }
    png_read_end(s->png, s->info);
    for (int64_t y = 0; s->is_widened && y < found.height; y++)
        widen((uint8_t *)output + y * row_bytes, found.width * found.channels);
    return free_reader(s, 0);
}

static int32_t free_writer(state *s, int32_t fault) {
    png_destroy_write_struct(&s->png, &s->info);
    if (fault) {
        free(s->file.bytes);
        s->account->take(s->account->context, -(int64_t)s->file.capacity);
    }
    free(s);
    return fault;
}

int32_t cimages_png_write(const void *pixels, const cimages_size *size, int32_t bits, int32_t compression, cimages_file *file,
                          const cimages_account *account, char *message) {
    static const int colours[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    state *s = make_state(account, message);
    if (!s) return 1;
    s->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, s, fail, ignore, s, allocate, release);
    if (s->png) s->info = png_create_info_struct(s->png);
    if (!s->info) return free_writer(s, give_up(s, "not enough memory"));
    if (setjmp(png_jmpbuf(s->png))) return free_writer(s, 1);
    png_set_write_fn(s->png, s, write_data, flush_data);
    png_set_compression_level(s->png, compression);
    png_set_compression_mem_level(s->png, 9);
    png_set_IHDR(s->png, s->info, (png_uint_32)size->width, (png_uint_32)size->height, bits, colours[size->channels - 1],
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(s->png, s->info);
    if (bits > 8) png_set_swap(s->png);
    size_t row_bytes = (size_t)(size->width * size->channels) * (bits / 8);
    for (int64_t y = 0; y < size->height; y++) {
        png_write_row(s->png, (png_const_bytep)pixels + y * row_bytes);
        watch(s);
    }
    png_write_end(s->png, NULL);
    *file = s->file;
    return free_writer(s, 0);
}
