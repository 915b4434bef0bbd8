// A C interface over simdjson's DOM parser: one handle parses one padded buffer at a time and lends
// its tape.
#ifndef STRM_CSIMDJSON_H
#define STRM_CSIMDJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Bytes that must be readable behind the text given to strm_json_parse.
#define STRM_JSON_PADDING 64

typedef struct strm_json_parser strm_json_parser;

// A parser for documents nested less than `depth_max` deep, or NULL when memory is short. Has
// buffers already.
strm_json_parser *strm_json_parser_new(size_t depth_max);

// Overwrites the parser's string buffer and tape with zeros, then frees it. NULL is allowed.
void strm_json_parser_free(strm_json_parser *parser);

// Parses `count` bytes at `text`, behind which STRM_JSON_PADDING more bytes must be readable. 0, or
// an error code for strm_json_error_name. Allocates only when `count` exceeds every earlier count.
int strm_json_parse(strm_json_parser *parser, const uint8_t *text, size_t count);

// The tape and the string buffer of the last successful parse; valid until the next parse. Never
// NULL. Layout: https://github.com/simdjson/simdjson/blob/v3.0.1/doc/tape.md
const uint64_t *strm_json_tape(const strm_json_parser *parser);
const uint8_t *strm_json_strings(const strm_json_parser *parser);

// The constant name of an error code, for example "DEPTH_ERROR".
const char *strm_json_error_name(int code);
// Whether the code says that the nesting limit was passed.
bool strm_json_error_is_depth(int code);
// Whether the code says that memory was short: the fault is not in the text.
bool strm_json_error_is_memory(int code);

// Whether `count` bytes are valid UTF-8 (no surrogates, no overlong forms).
bool strm_utf8_is_valid(const uint8_t *text, size_t count);

// Overwrites `count` bytes with zeros; never optimised away.
void strm_wipe(void *bytes, size_t count);

// Writes the shortest decimal digits that read back as the same number: scientific form
// "d.ddde±xx", at most 32 bytes, into `into`; returns the count. The number must be finite.
size_t strm_double_digits(double number, char *into);
size_t strm_float_digits(float number, char *into);

#ifdef __cplusplus
}
#endif
#endif
