#include "CRE2.h"

#include <cstring>
#include <new>
#include <re2/re2.h>

struct strm_re2 {
    RE2 expression;
    strm_re2(re2::StringPiece pattern, const RE2::Options &options)
        : expression(pattern, options) {}
};

static void put_error(const char *text, size_t count, char *error, size_t capacity) {
    if (error == nullptr || capacity == 0) { return; }
    const size_t kept = count < capacity - 1 ? count : capacity - 1;
    memcpy(error, text, kept);
    error[kept] = 0;
}

static bool matches(const strm_re2 *e, const uint8_t *text, size_t count, RE2::Anchor anchor) {
    // No submatches are asked for, so that RE2 stays in its automaton and does not allocate
    // captures.
    const re2::StringPiece piece(count == 0 ? "" : reinterpret_cast<const char *>(text), count);
    return e->expression.Match(piece, 0, count, anchor, nullptr, 0);
}

extern "C" {

strm_re2 *strm_re2_new(const uint8_t *pattern, size_t count, char *error, size_t error_capacity) {
    if (count > STRM_RE2_PATTERN_BYTES_MAX) {
        static const char text[] = "pattern too long";
        put_error(text, sizeof(text) - 1, error, error_capacity);
        return nullptr;
    }
    RE2::Options options;
    options.set_max_mem(STRM_RE2_MEMORY_BYTES_MAX);
    options.set_log_errors(false);
    options.set_never_capture(true);
    auto *made = new (std::nothrow)
        strm_re2(re2::StringPiece(reinterpret_cast<const char *>(pattern), count), options);
    if (made == nullptr) {
        static const char text[] = "out of memory";
        put_error(text, sizeof(text) - 1, error, error_capacity);
        return nullptr;
    }
    if (!made->expression.ok()) {
        const std::string &reason = made->expression.error();
        put_error(reason.data(), reason.size(), error, error_capacity);
        delete made;
        return nullptr;
    }
    return made;
}

void strm_re2_free(strm_re2 *expression) { delete expression; }

const char *strm_re2_pattern(const strm_re2 *expression) {
    return expression->expression.pattern().c_str();
}

size_t strm_re2_program_size(const strm_re2 *expression) {
    const int size = expression->expression.ProgramSize();
    return size < 0 ? 0 : static_cast<size_t>(size);
}

bool strm_re2_matches_whole(const strm_re2 *expression, const uint8_t *text, size_t count) {
    return matches(expression, text, count, RE2::ANCHOR_BOTH);
}

bool strm_re2_matches_part(const strm_re2 *expression, const uint8_t *text, size_t count) {
    return matches(expression, text, count, RE2::UNANCHORED);
}

}  // extern "C"
