#include "CCompression.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

// 16 more than the window: gzip and nothing else.
enum { GUNZIP_WINDOW = 15 + 16 };

struct strm_expander {
    z_stream gzip;
    ZSTD_DCtx *zstd;
};

strm_expander *strm_gunzip_new(void) {
    strm_expander *expander = calloc(1, sizeof *expander);
    if (expander == NULL) return NULL;
    if (inflateInit2(&expander->gzip, GUNZIP_WINDOW) != Z_OK) {
        free(expander);
        return NULL;
    }
    return expander;
}

strm_expander *strm_unzstd_new(void) {
    strm_expander *expander = calloc(1, sizeof *expander);
    if (expander == NULL) return NULL;
    expander->zstd = ZSTD_createDCtx();
    if (expander->zstd == NULL) {
        free(expander);
        return NULL;
    }
    return expander;
}

void strm_expander_free(strm_expander *expander) {
    if (expander == NULL) return;
    if (expander->zstd != NULL) {
        ZSTD_freeDCtx(expander->zstd);
    } else {
        inflateEnd(&expander->gzip);
    }
    free(expander);
}

static bool expand_gzip(z_stream *stream, const uint8_t *input, size_t input_count, uint8_t *output,
                        size_t output_capacity, size_t *taken, size_t *made) {
    // zlib counts in 32 bits.
    const uInt in = input_count > UINT_MAX ? UINT_MAX : (uInt)input_count;
    const uInt out = output_capacity > UINT_MAX ? UINT_MAX : (uInt)output_capacity;
    stream->next_in = (Bytef *)(uintptr_t)input;
    stream->avail_in = in;
    stream->next_out = output;
    stream->avail_out = out;
    const int result = inflate(stream, Z_NO_FLUSH);
    *taken = in - stream->avail_in;
    *made = out - stream->avail_out;
    // Another member may follow.
    if (result == Z_STREAM_END) return inflateReset(stream) == Z_OK;
    return result == Z_OK || result == Z_BUF_ERROR;
}

bool strm_expand(strm_expander *expander, const uint8_t *input, size_t input_count, uint8_t *output,
                 size_t output_capacity, size_t *taken, size_t *made) {
    if (expander->zstd == NULL) {
        return expand_gzip(&expander->gzip, input, input_count, output, output_capacity, taken,
                           made);
    }
    ZSTD_inBuffer in = {input, input_count, 0};
    ZSTD_outBuffer out = {output, output_capacity, 0};
    const size_t left = ZSTD_decompressStream(expander->zstd, &out, &in);
    *taken = in.pos;
    *made = out.pos;
    return !ZSTD_isError(left);
}
