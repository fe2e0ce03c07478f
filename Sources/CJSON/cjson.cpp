#include "cjson.h"
#include "reader.hpp"
#include <charconv>
#include <new>
#include <simdjson.h>

struct cjson_parser {
    simdjson::dom::parser parser;
    size_t deepest_nesting;
    cjson::reader reader;
    cjson_parser(size_t largest_bytes, size_t depth) noexcept
        : parser(largest_bytes), deepest_nesting(depth), reader(depth) {}
};

extern "C" cjson_parser *cjson_create(size_t largest_bytes, size_t deepest_nesting) {
    return new (std::nothrow) cjson_parser(largest_bytes, deepest_nesting);
}

extern "C" void cjson_destroy(cjson_parser *parser) { delete parser; }

static cjson_document failed(simdjson::error_code failure) noexcept {
    cjson_outcome outcome = failure == simdjson::MEMALLOC       ? CJSON_WITHOUT_MEMORY
                            : failure == simdjson::DEPTH_ERROR  ? CJSON_TOO_DEEP
                            : failure == simdjson::UTF8_ERROR   ? CJSON_NOT_UTF8
                            : failure == simdjson::NUMBER_ERROR ? CJSON_BAD_NUMBER
                                                                : CJSON_MALFORMED;
    return {outcome, simdjson::error_message(failure), nullptr, nullptr};
}

extern "C" cjson_document cjson_parse(cjson_parser *parser, const uint8_t *text, size_t count) {
    simdjson::dom::parser &dom = parser->parser;
    // The parser allocates memory for each text. The nesting is limited here, before the parser uses its default.
    if (dom.capacity() < count || dom.max_depth() != parser->deepest_nesting) {
        size_t capacity = count < 4096 ? 4096 : count;
        simdjson::error_code failure = dom.allocate(capacity, parser->deepest_nesting);
        if (failure) return failed(failure);
    }
    simdjson::dom::element root;
    simdjson::error_code failure = dom.parse(text, count, false).get(root);
    if (failure) return failed(failure);
    return {CJSON_PARSED, nullptr, dom.doc.tape.get(), dom.doc.string_buf.get()};
}

extern "C" cjson_document cjson_read(cjson_parser *parser, const uint8_t *text, size_t count) {
    cjson::reader &reader = parser->reader;
    if (!reader.read(text, count)) return {CJSON_UNREAD, nullptr, nullptr, nullptr};
    return {CJSON_PARSED, nullptr, reader.tape(), reader.strings()};
}

extern "C" size_t cjson_read_memory(const cjson_parser *parser) { return parser->reader.memory(); }

extern "C" void cjson_release_read(cjson_parser *parser) { parser->reader.release(); }

extern "C" size_t cjson_capacity(const cjson_parser *parser) { return parser->parser.capacity(); }

extern "C" void cjson_release(cjson_parser *parser) {
    parser->parser = simdjson::dom::parser(parser->parser.max_capacity());
}

extern "C" size_t cjson_padding(void) { return simdjson::SIMDJSON_PADDING; }

extern "C" size_t cjson_format_float(float value, char *text) {
    return static_cast<size_t>(std::to_chars(text, text + 32, value).ptr - text);
}

extern "C" size_t cjson_format_double(double value, char *text) {
    return static_cast<size_t>(std::to_chars(text, text + 32, value).ptr - text);
}
