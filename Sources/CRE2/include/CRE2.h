// A C interface over RE2: regular expressions that match in time linear in the text, whatever the
// pattern.
#ifndef STRM_CRE2_H
#define STRM_CRE2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Longest pattern in bytes, which also a translation from another dialect must keep, and the memory in bytes that one compiled expression and its automata
// may use.
#define STRM_RE2_PATTERN_BYTES_MAX (64 << 10)
#define STRM_RE2_MEMORY_BYTES_MAX (1 << 20)

typedef struct strm_re2 strm_re2;

// Compiles UTF-8 `pattern`. NULL if it is refused: then a NUL-terminated reason (cut to
// `error_capacity`) is in `error`.
strm_re2 *strm_re2_new(const uint8_t *pattern, size_t count, char *error, size_t error_capacity);
void strm_re2_free(strm_re2 *expression);

// The pattern, NUL-terminated; lives as long as the expression.
const char *strm_re2_pattern(const strm_re2 *expression);

// Instructions of the compiled program: what compiling cost, and running may cost in memory.
size_t strm_re2_program_size(const strm_re2 *expression);

// Whether the whole text matches, and whether some part of it does. Safe to call from many threads
// at once.
bool strm_re2_matches_whole(const strm_re2 *expression, const uint8_t *text, size_t count);
bool strm_re2_matches_part(const strm_re2 *expression, const uint8_t *text, size_t count);

#ifdef __cplusplus
}
#endif
#endif
