#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// jpeglib.h needs FILE.
#include <jpeglib.h>
#include <jerror.h>

#include "cimages.h"

// The state for the library's callbacks (`client_data`). It is on the heap, because a jump leaves locals undefined.
typedef struct {
    jmp_buf escape;
    struct jpeg_error_mgr errors;
    char *message;
} trap;

static void fail(j_common_ptr info) {
    trap *t = info->client_data;
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    snprintf(t->message, CIMAGES_MESSAGE_BYTES, "%s", text);
    longjmp(t->escape, 1);
}

// Warnings are counted, not printed.
static void ignore(j_common_ptr info) { (void)info; }

static struct jpeg_error_mgr *set_trap(trap *t, char *message) {
    jpeg_std_error(&t->errors);
    t->errors.error_exit = fail;
    t->errors.output_message = ignore;
    t->message = message;
    return &t->errors;
}

static int32_t give_up(trap *t, const char *text) {
    snprintf(t->message, CIMAGES_MESSAGE_BYTES, "%s", text);
    return 1;
}

typedef struct {
    struct jpeg_decompress_struct info;
    trap trap;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    int recovers, has_ended;
    const JOCTET *repeated;
    int repeats;
    size_t count;
    JSAMPLE *line;
    const cimages_account *account;
} reader;

// An upper bound for the expansion of a byte: a bit is at least a block of 64 numbers, and colours may be doubled.
enum { MAX_SAMPLES_OF_ONE = 2048, ALWAYS_ENOUGH_SAMPLES = 1 << 20 };

// How often the last bytes are read again from the same place: more often than any block needs.
enum { MAX_REPEATS = 100000 };

static void begin_source(j_decompress_ptr info) { (void)info; }

// All data is available from the start. If the library asks for more, the unread bytes are the beginning of something that is cut
// off. As in TensorFlow, they are read again if images are to be recovered, otherwise reading stops. To recover images, an end-of-image
// marker follows the end of the data once.
static boolean fill_source(j_decompress_ptr info) {
    static const JOCTET end[] = {0xff, JPEG_EOI};
    reader *r = (reader *)info;
    if (info->src->bytes_in_buffer > 0) {
        if (info->src->next_input_byte != r->repeated) r->repeats = 0;
        r->repeated = info->src->next_input_byte;
        if (++r->repeats > MAX_REPEATS) ERREXIT(info, JERR_INPUT_EOF);
        return r->recovers ? TRUE : FALSE;
    }
    if (!r->recovers || r->has_ended) ERREXIT(info, JERR_FILE_READ);
    r->has_ended = 1;
    info->src->next_input_byte = end;
    info->src->bytes_in_buffer = sizeof(end);
    return TRUE;
}

static void skip_source(j_decompress_ptr info, long count) {
    if (count <= 0) return;
    if ((size_t)count > info->src->bytes_in_buffer) {
        info->src->bytes_in_buffer = 0;
        fill_source(info);
        return;
    }
    info->src->next_input_byte += count;
    info->src->bytes_in_buffer -= count;
}

// Called for each row, and each row of blocks of a scan.
static void watch(j_common_ptr info) {
    const cimages_account *account = ((reader *)info)->account;
    if (account && account->is_over(account->context)) ERREXIT(info, JERR_CANT_SUSPEND);
    if (((j_decompress_ptr)info)->input_scan_number > CIMAGES_MAXIMUM_SCANS) ERREXIT(info, JERR_BAD_PROGRESSION);
}

static reader *make_reader(char *message) {
    reader *r = calloc(1, sizeof(reader));
    if (!r) {
        snprintf(message, CIMAGES_MESSAGE_BYTES, "not enough memory");
        return NULL;
    }
    r->info.err = set_trap(&r->trap, message);
    r->info.client_data = &r->trap;
    return r;
}

static int32_t free_reader(reader *r, int32_t result) {
    // Safe before jpeg_create_decompress, too: the structure is zero then.
    jpeg_destroy_decompress(&r->info);
    free(r->line);
    free(r);
    return result;
}

// Reads the header. May jump.
static int32_t open_reader(reader *r, const uint8_t *data, size_t count, int recovers) {
    jpeg_create_decompress(&r->info);
    r->source = (struct jpeg_source_mgr){.next_input_byte = data,
                                         .bytes_in_buffer = count,
                                         .init_source = begin_source,
                                         .fill_input_buffer = fill_source,
                                         .skip_input_data = skip_source,
                                         .resync_to_restart = jpeg_resync_to_restart,
                                         .term_source = begin_source};
    r->info.src = &r->source;
    r->progress.progress_monitor = watch;
    r->info.progress = &r->progress;
    r->recovers = recovers;
    r->count = count;
    if (jpeg_read_header(&r->info, TRUE) != JPEG_HEADER_OK) return give_up(&r->trap, "the header ends too early");
    return 0;
}

// The blocks that the library keeps: all of them if there are several scans.
enum { BLOCK_BYTES = 64 * sizeof(JCOEF) };

static int64_t rounded_up(int64_t number, int64_t step) { return (number + step - 1) / step * step; }

// The maximum memory for reading, besides the image: the coefficients of all blocks if the image has several scans, rows of samples
// before and after scaling, and tables.
static int64_t work_bytes(struct jpeg_decompress_struct *info) {
    int keeps_all = info->progressive_mode || jpeg_has_multiple_scans(info);
    int64_t result = 48 << 10;
    for (int i = 0; i < info->num_components; i++) {
        const jpeg_component_info *component = &info->comp_info[i];
        int64_t width = rounded_up(component->width_in_blocks, component->h_samp_factor);
        int64_t height = rounded_up(component->height_in_blocks, component->v_samp_factor);
        if (keeps_all) result += width * height * BLOCK_BYTES + height * (int64_t)sizeof(void *);
        // A row of blocks, with the rows around it.
        result += width * DCTSIZE * component->v_samp_factor * (DCTSIZE + 4);
    }
    // Rows of scaled samples, and one of the image.
    int64_t row = rounded_up(info->image_width, 8 * info->max_h_samp_factor);
    return result + row * (info->num_components * (info->max_v_samp_factor + 1) + 4);
}

// Sets how the image is read, and returns its size. May jump.
static int32_t prepare(reader *r, const cimages_jpeg_reading *reading, cimages_size *size) {
    struct jpeg_decompress_struct *info = &r->info;
    int channels = reading->channels ? reading->channels : info->num_components < 3 ? info->num_components : 3;
    if (channels == 1) {
        info->out_color_space = JCS_GRAYSCALE;
    } else if (channels == 3) {
        int is_cmyk = info->jpeg_color_space == JCS_CMYK || info->jpeg_color_space == JCS_YCCK;
        info->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    } else {
        return give_up(&r->trap, "the number of channels is neither 1 nor 3");
    }
    info->do_fancy_upsampling = reading->fancy_upsampling ? TRUE : FALSE;
    info->scale_num = 1;
    info->scale_denom = reading->ratio;
    info->dct_method = reading->is_accurate ? JDCT_ISLOW : JDCT_IFAST;
    jpeg_calc_output_dimensions(info);
    *size = (cimages_size){.height = info->output_height, .width = info->output_width, .channels = channels, .work_bytes = work_bytes(info)};
    if (size->height <= 0 || size->width <= 0) return give_up(&r->trap, "the image is empty");
    int64_t samples = size->height * size->width * info->num_components;
    if (samples >= (int64_t)1 << 29) return give_up(&r->trap, "the image is too large");
    int is_whole = !reading->recovers_truncated && reading->acceptable_fraction >= 1;
    if (is_whole && samples > ALWAYS_ENOUGH_SAMPLES && samples / MAX_SAMPLES_OF_ONE > (int64_t)r->count)
        return give_up(&r->trap, "the data is too short for an image of that size");
    if (!reading->is_cropped) return 0;
    if (reading->crop_height <= 0 || reading->crop_width <= 0 || reading->crop_y < 0 || reading->crop_x < 0 ||
        (int64_t)reading->crop_y + reading->crop_height > size->height ||
        (int64_t)reading->crop_x + reading->crop_width > size->width)
        return give_up(&r->trap, "the crop window is not inside of the image");
    size->height = reading->crop_height;
    size->width = reading->crop_width;
    return 0;
}

int32_t cimages_jpeg_size(const uint8_t *data, size_t count, const cimages_jpeg_reading *reading, cimages_size *size,
                          char *message) {
    reader *r = make_reader(message);
    if (!r) return 1;
    if (setjmp(r->trap.escape)) return free_reader(r, 1);
    int32_t fault = open_reader(r, data, count, reading->recovers_truncated);
    if (!fault) fault = prepare(r, reading, size);
    return free_reader(r, fault);
}

int32_t cimages_jpeg_shape(const uint8_t *data, size_t count, cimages_size *size, char *message) {
    reader *r = make_reader(message);
    if (!r) return 1;
    if (setjmp(r->trap.escape)) return free_reader(r, 1);
    int32_t fault = open_reader(r, data, count, 0);
    if (!fault) {
        jpeg_calc_output_dimensions(&r->info);
        *size = (cimages_size){
            .height = r->info.output_height, .width = r->info.output_width, .channels = r->info.output_components};
    }
    return free_reader(r, fault);
}

// Without the marker of Adobe the numbers are not inverted.
static void rgb_of_cmyk(const JSAMPLE *from, int64_t width, int is_inverted, uint8_t *to) {
    for (int64_t i = 0; i < width; i++, from += 4, to += 3) {
        int k = from[3];
        for (int c = 0; c < 3; c++) to[c] = is_inverted ? k * from[c] / 255 : (255 - k) * (255 - from[c]) / 255;
    }
}

// Reads one row. Returns 0 at the end of the data. `skipped`: pixels before the crop. May jump.
static JDIMENSION read_row(reader *r, const cimages_size *size, int64_t skipped, uint8_t *row) {
    if (!r->line) return jpeg_read_scanlines(&r->info, &row, 1);
    JDIMENSION lines = jpeg_read_scanlines(&r->info, &r->line, 1);
    if (lines == 0) return 0;
    const JSAMPLE *from = r->line + skipped * r->info.output_components;
    if (r->info.out_color_space == JCS_CMYK)
        rgb_of_cmyk(from, size->width, r->info.saw_Adobe_marker, row);
    else
        memcpy(row, from, size->width * size->channels);
    return lines;
}

// Reads the rows, and returns their number. May jump.
static int32_t read_rows(reader *r, const cimages_jpeg_reading *reading, const cimages_size *size, uint8_t *output,
                         int64_t *rows) {
    struct jpeg_decompress_struct *info = &r->info;
    if (!jpeg_start_decompress(info)) return give_up(&r->trap, "the data ends too early");
    JDIMENSION first = 0;
    if (reading->is_cropped) {
        // The library begins and ends at whole blocks.
        JDIMENSION x = reading->crop_x, width = reading->crop_width;
        jpeg_crop_scanline(info, &x, &width);
        first = reading->crop_y;
        if (jpeg_skip_scanlines(info, first) != first) return give_up(&r->trap, "the data ends too early");
    }
    int64_t skipped = (int64_t)info->output_width - size->width;
    if (skipped < 0) return give_up(&r->trap, "the rows are too short");
    if (skipped > 0 || info->out_color_space == JCS_CMYK) {
        r->line = malloc((size_t)info->output_width * info->output_components);
        if (!r->line) return give_up(&r->trap, "not enough memory");
    } else if (info->output_components != size->channels) {
        return give_up(&r->trap, "the number of channels is not as expected");
    }
    int64_t row_bytes = size->width * size->channels;
    int64_t row = 0;
    while (row < size->height && read_row(r, size, skipped, output + row * row_bytes)) row++;
    *rows = row;
    if (row == size->height) {
        if (reading->is_cropped && info->output_scanline < info->output_height)
            jpeg_skip_scanlines(info, info->output_height - first - (JDIMENSION)size->height);
        jpeg_finish_decompress(info);
        return 0;
    }
    jpeg_abort_decompress(info);
    if (!reading->recovers_truncated) return 0;
    // The last row is repeated. Without any row, the image is black.
    for (; *rows < size->height; ++*rows) {
        uint8_t *target = output + *rows * row_bytes;
        if (*rows == 0)
            memset(target, 0, row_bytes);
        else
            memcpy(target, target - row_bytes, row_bytes);
    }
    return 0;
}

int32_t cimages_jpeg_read(const uint8_t *data, size_t count, const cimages_jpeg_reading *reading, const cimages_size *size,
                          uint8_t *output, const cimages_account *account, char *message) {
    reader *r = make_reader(message);
    if (!r) return 1;
    r->account = account;
    if (setjmp(r->trap.escape)) return free_reader(r, 1);
    cimages_size found;
    int64_t rows = 0;
    int32_t fault = open_reader(r, data, count, reading->recovers_truncated);
    if (!fault) fault = prepare(r, reading, &found);
    if (!fault && (found.height != size->height || found.width != size->width || found.channels != size->channels))
        fault = give_up(&r->trap, "the size is not as expected");
    if (!fault) fault = read_rows(r, reading, size, output, &rows);
    if (!fault) {
        float wanted = reading->acceptable_fraction < 1 ? reading->acceptable_fraction : 1;
        if ((float)rows / (float)size->height < wanted) fault = give_up(&r->trap, "the data ends too early");
        int64_t row_bytes = size->width * size->channels;
        if (!fault) memset(output + rows * row_bytes, 0, (size->height - rows) * row_bytes);
    }
    return free_reader(r, fault);
}

typedef struct {
    struct jpeg_compress_struct info;
    trap trap;
    struct jpeg_destination_mgr destination;
    struct jpeg_progress_mgr progress;
    cimages_file file;
    const cimages_account *account;
    unsigned char *marker;
} writer;

static void watch_writing(j_common_ptr info) {
    const cimages_account *account = ((writer *)info)->account;
    if (account->is_over(account->context)) ERREXIT(info, JERR_CANT_SUSPEND);
}

// Makes the file half as large again. May jump.
static boolean grow(j_compress_ptr info) {
    writer *w = (writer *)info;
    size_t capacity = w->file.capacity + w->file.capacity / 2 + 4096;
    if (!w->account->take(w->account->context, (int64_t)capacity)) ERREXIT1(info, JERR_OUT_OF_MEMORY, 1);
    uint8_t *bytes = realloc(w->file.bytes, capacity);
    w->account->take(w->account->context, -(int64_t)(bytes ? w->file.capacity : capacity));
    if (!bytes) ERREXIT1(info, JERR_OUT_OF_MEMORY, 1);
    w->destination.next_output_byte = bytes + w->file.capacity;
    w->destination.free_in_buffer = capacity - w->file.capacity;
    w->file.bytes = bytes;
    w->file.capacity = capacity;
    return TRUE;
}

static void begin_file(j_compress_ptr info) { grow(info); }

static void end_file(j_compress_ptr info) {
    writer *w = (writer *)info;
    w->file.count = w->file.capacity - w->destination.free_in_buffer;
}

static int32_t free_writer(writer *w, int32_t fault) {
    jpeg_destroy_compress(&w->info);
    if (fault) {
        free(w->file.bytes);
        w->account->take(w->account->context, -(int64_t)w->file.capacity);
    }
    free(w->marker);
    free(w);
    return fault;
}

int64_t cimages_jpeg_write_bytes(const cimages_size *size, const cimages_jpeg_writing *writing) {
    // At most two blocks wide and high is what the library rounds to.
    int64_t width = rounded_up(size->width, 2 * DCTSIZE), height = rounded_up(size->height, 2 * DCTSIZE);
    int64_t samples = width * size->channels;
    int64_t result = (48 << 10) + samples * 6 * DCTSIZE + (int64_t)writing->xmp_count;
    if (writing->is_progressive || writing->optimizes_size) result += samples * height * (int64_t)sizeof(JCOEF);
    return result;
}

// May jump.
static int32_t write_xmp(writer *w, const cimages_jpeg_writing *writing) {
    static const char name[] = "http://ns.adobe.com/xap/1.0/";
    size_t count = sizeof(name) + writing->xmp_count;
    // The library checks that it fits into a marker.
    if (count > 65533) return give_up(&w->trap, "the XMP metadata is too long");
    w->marker = malloc(count);
    if (!w->marker) return give_up(&w->trap, "not enough memory");
    memcpy(w->marker, name, sizeof(name));
    memcpy(w->marker + sizeof(name), writing->xmp, writing->xmp_count);
    jpeg_write_marker(&w->info, JPEG_APP0 + 1, w->marker, (unsigned)count);
    return 0;
}

int32_t cimages_jpeg_write(const uint8_t *pixels, const cimages_size *size, const cimages_jpeg_writing *writing,
                           cimages_file *file, const cimages_account *account, char *message) {
    writer *w = calloc(1, sizeof(writer));
    if (!w) {
        snprintf(message, CIMAGES_MESSAGE_BYTES, "not enough memory");
        return 1;
    }
    w->account = account;
    w->info.err = set_trap(&w->trap, message);
    w->info.client_data = &w->trap;
    if (setjmp(w->trap.escape)) return free_writer(w, 1);
    jpeg_create_compress(&w->info);
    w->destination = (struct jpeg_destination_mgr){
        .init_destination = begin_file, .empty_output_buffer = grow, .term_destination = end_file};
    w->info.dest = &w->destination;
    w->progress.progress_monitor = watch_writing;
    w->info.progress = &w->progress;
    w->info.image_width = (JDIMENSION)size->width;
    w->info.image_height = (JDIMENSION)size->height;
    w->info.input_components = (int)size->channels;
    w->info.in_color_space = size->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&w->info);
    if (writing->optimizes_size) w->info.optimize_coding = TRUE;
    w->info.density_unit = (UINT8)writing->density_unit;
    w->info.X_density = (UINT16)writing->x_density;
    w->info.Y_density = (UINT16)writing->y_density;
    jpeg_set_quality(&w->info, writing->quality, TRUE);
    if (writing->is_progressive) jpeg_simple_progression(&w->info);
    if (!writing->downsamples_chroma) {
        for (int i = 0; i < w->info.num_components; i++)
            w->info.comp_info[i].h_samp_factor = w->info.comp_info[i].v_samp_factor = 1;
    }
    jpeg_start_compress(&w->info, TRUE);
    if (writing->xmp_count > 0 && write_xmp(w, writing)) return free_writer(w, 1);
    while (w->info.next_scanline < w->info.image_height) {
        JSAMPROW row = (JSAMPROW)pixels + (size_t)w->info.next_scanline * size->width * size->channels;
        jpeg_write_scanlines(&w->info, &row, 1);
    }
    jpeg_finish_compress(&w->info);
    *file = w->file;
    return free_writer(w, 0);
}

void cimages_free(uint8_t *memory) { free(memory); }
