#include "CSimdJSON.h"

#include <charconv>
#include <cstring>
#include <new>
#include <simdjson.h>

static_assert(STRM_JSON_PADDING >= simdjson::SIMDJSON_PADDING, "the promised padding is too small");

struct strm_json_parser {
    simdjson::dom::parser parser;
    size_t depth_max;
    size_t capacity;

    explicit strm_json_parser(size_t depth)
        : parser(SIZE_MAX >> 1), depth_max(depth), capacity(0) {}

    // simdjson's own sizes (dom::document::allocate): the buffers held plain text of an event.
    void wipe() {
        if (capacity == 0) { return; }
        const size_t tape_words = SIMDJSON_ROUNDUP_N(capacity + 3, 64);
        const size_t string_bytes =
            SIMDJSON_ROUNDUP_N(5 * capacity / 3 + simdjson::SIMDJSON_PADDING, 64);
        if (parser.doc.tape) {
            explicit_bzero(parser.doc.tape.get(), tape_words * sizeof(uint64_t));
        }
        if (parser.doc.string_buf) { explicit_bzero(parser.doc.string_buf.get(), string_bytes); }
    }

    simdjson::error_code reserve(size_t count) {
        if (count <= capacity) { return simdjson::SUCCESS; }
        size_t wanted = 4096;
        while (wanted < count) { wanted *= 2; }
        wipe();
        capacity = 0;
        auto error = parser.allocate(wanted, depth_max);
        if (error) { return error; }
        error = parser.doc.allocate(wanted);
        if (error) { return error; }
        capacity = wanted;
        return simdjson::SUCCESS;
    }
};

extern "C" {

strm_json_parser *strm_json_parser_new(size_t depth_max) {
    auto *made = new (std::nothrow) strm_json_parser(depth_max);
    if (made != nullptr && made->reserve(1) != simdjson::SUCCESS) {
        delete made;
        return nullptr;
    }
    return made;
}

void strm_json_parser_free(strm_json_parser *parser) {
    if (parser == nullptr) { return; }
    parser->wipe();
    delete parser;
}

int strm_json_parse(strm_json_parser *parser, const uint8_t *text, size_t count) {
    auto error = parser->reserve(count);
    if (error) { return static_cast<int>(error); }
    simdjson::dom::element root;
    error = parser->parser.parse(text, count, false).get(root);
    return static_cast<int>(error);
}

const uint64_t *strm_json_tape(const strm_json_parser *parser) {
    return parser->parser.doc.tape.get();
}

const uint8_t *strm_json_strings(const strm_json_parser *parser) {
    return parser->parser.doc.string_buf.get();
}

const char *strm_json_error_name(int code) {
    switch (code) {
    case simdjson::SUCCESS: return "SUCCESS";
    case simdjson::CAPACITY: return "CAPACITY";
    case simdjson::MEMALLOC: return "MEMALLOC";
    case simdjson::TAPE_ERROR: return "TAPE_ERROR";
    case simdjson::DEPTH_ERROR: return "DEPTH_ERROR";
    case simdjson::STRING_ERROR: return "STRING_ERROR";
    case simdjson::T_ATOM_ERROR: return "T_ATOM_ERROR";
    case simdjson::F_ATOM_ERROR: return "F_ATOM_ERROR";
    case simdjson::N_ATOM_ERROR: return "N_ATOM_ERROR";
    case simdjson::NUMBER_ERROR: return "NUMBER_ERROR";
    case simdjson::UTF8_ERROR: return "UTF8_ERROR";
    case simdjson::EMPTY: return "EMPTY";
    case simdjson::UNESCAPED_CHARS: return "UNESCAPED_CHARS";
    case simdjson::UNCLOSED_STRING: return "UNCLOSED_STRING";
    default: return "UNEXPECTED_ERROR";
    }
}

bool strm_json_error_is_depth(int code) { return code == simdjson::DEPTH_ERROR; }

bool strm_json_error_is_memory(int code) {
    return code == simdjson::MEMALLOC || code == simdjson::CAPACITY;
}

bool strm_utf8_is_valid(const uint8_t *text, size_t count) {
    return simdjson::validate_utf8(reinterpret_cast<const char *>(text), count);
}

void strm_wipe(void *bytes, size_t count) { explicit_bzero(bytes, count); }

size_t strm_double_digits(double number, char *into) {
    return static_cast<size_t>(
        std::to_chars(into, into + 32, number, std::chars_format::scientific).ptr - into);
}

size_t strm_float_digits(float number, char *into) {
    return static_cast<size_t>(
        std::to_chars(into, into + 32, number, std::chars_format::scientific).ptr - into);
}

}  // extern "C"
