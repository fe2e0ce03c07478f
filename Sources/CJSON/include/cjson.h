#ifndef CJSON_H
#define CJSON_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A simdjson parser, with the last parsed document.
typedef struct cjson_parser cjson_parser;

/// The result of parsing a text.
typedef enum {
    CJSON_PARSED,
    CJSON_WITHOUT_MEMORY,
    CJSON_TOO_DEEP,
    CJSON_NOT_UTF8,
    CJSON_BAD_NUMBER,
    CJSON_MALFORMED,
    /// cjson_read() left the text to cjson_parse().
    CJSON_UNREAD,
} cjson_outcome;

/// The parsed document. Valid until the parser parses again, or releases its memory.
typedef struct {
    cjson_outcome outcome;
    /// The fault of the text, in simdjson's words.
    const char *error;
    /// simdjson's tape (doc/tape.md): one word for each item, with its type in the highest byte.
    const uint64_t *tape;
    /// The strings that the tape points to: four bytes of length, then UTF-8.
    uint8_t *strings;
} cjson_document;

/// A parser for documents up to that size and nesting; NULL if there is not enough memory.
cjson_parser *cjson_create(size_t largest_bytes, size_t deepest_nesting);
void cjson_destroy(cjson_parser *parser);

/// Parses a text after which cjson_padding() bytes can be read.
cjson_document cjson_parse(cjson_parser *parser, const uint8_t *text, size_t count);
size_t cjson_padding(void);

/// Parses a text like cjson_parse(), but without simdjson: faster for long lists of numbers. The tape is the same.
/// CJSON_UNREAD without AVX2, for what is neither a list nor an object, for numbers of unusual size, for what is malformed or
/// nested too deeply, and without memory.
cjson_document cjson_read(cjson_parser *parser, const uint8_t *text, size_t count);

/// The length of text that cjson_parse() has memory for; and a function that frees that memory.
size_t cjson_capacity(const cjson_parser *parser);
void cjson_release(cjson_parser *parser);

/// The bytes of memory that cjson_read() holds: less than ten times the longest text, and 8 KiB. And a function that frees them.
size_t cjson_read_memory(const cjson_parser *parser);
void cjson_release_read(cjson_parser *parser);

/// Converts elements of a list to float32: the numbers on a tape from an index to the list's end, as long as they are integers of at
/// most 63 bits, or doubles, and stay finite. Returns the index of the first other element, or the end.
size_t cjson_copy_floats(const uint64_t *tape, size_t index, size_t end, float *place);

/// The same for elements that are lists of `size` such numbers each. Returns the index of the first other element, or the end.
size_t cjson_copy_float_rows(const uint64_t *tape, size_t index, size_t end, size_t size, float *place);

/// Write the shortest text that reads back as the same number, at most 32 bytes. Return the text's length.
size_t cjson_format_float(float value, char *text);
size_t cjson_format_double(double value, char *text);

#ifdef __cplusplus
}
#endif
#endif
