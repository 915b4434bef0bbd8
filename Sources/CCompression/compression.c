#include "CCompression.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

// Level 6 is zlib's default, 3 zstd's: what `gzip` and `zstd` do without options.
enum { GZIP_LEVEL = 6, ZSTD_LEVEL = 3, GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8 };

struct strm_compressor {
    z_stream gzip;
    ZSTD_CCtx *zstd;
};

strm_compressor *strm_gzip_new(void) {
    strm_compressor *compressor = calloc(1, sizeof *compressor);
    if (compressor == NULL) return NULL;
    if (deflateInit2(&compressor->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(compressor);
        return NULL;
    }
    return compressor;
}

strm_compressor *strm_zstd_new(void) {
    strm_compressor *compressor = calloc(1, sizeof *compressor);
    if (compressor == NULL) return NULL;
    compressor->zstd = ZSTD_createCCtx();
    if (compressor->zstd == NULL
        || ZSTD_isError(ZSTD_CCtx_setParameter(compressor->zstd, ZSTD_c_compressionLevel,
                                               ZSTD_LEVEL))
        || ZSTD_isError(ZSTD_CCtx_setParameter(compressor->zstd, ZSTD_c_checksumFlag, 1))) {
        ZSTD_freeCCtx(compressor->zstd);
        free(compressor);
        return NULL;
    }
    return compressor;
}

void strm_compressor_free(strm_compressor *compressor) {
    if (compressor == NULL) return;
    if (compressor->zstd != NULL) {
        ZSTD_freeCCtx(compressor->zstd);
    } else {
        deflateEnd(&compressor->gzip);
    }
    free(compressor);
}

static bool compress_gzip(z_stream *stream, const uint8_t *input, size_t input_count, bool is_last,
                          uint8_t *output, size_t output_capacity, size_t *taken, size_t *made,
                          bool *is_done) {
    // zlib counts in 32 bits.
    const uInt in = input_count > UINT_MAX ? UINT_MAX : (uInt)input_count;
    const uInt out = output_capacity > UINT_MAX ? UINT_MAX : (uInt)output_capacity;
    stream->next_in = (Bytef *)(uintptr_t)input;
    stream->avail_in = in;
    stream->next_out = output;
    stream->avail_out = out;
    const int result = deflate(stream, is_last && in == input_count ? Z_FINISH : Z_NO_FLUSH);
    *taken = in - stream->avail_in;
    *made = out - stream->avail_out;
    *is_done = result == Z_STREAM_END;
    // Z_BUF_ERROR: nothing could be done with so little room or input, which is no failure.
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR;
}

bool strm_compress(strm_compressor *compressor, const uint8_t *input, size_t input_count,
                   bool is_last, uint8_t *output, size_t output_capacity, size_t *taken,
                   size_t *made, bool *is_done) {
    if (compressor->zstd == NULL) {
        return compress_gzip(&compressor->gzip, input, input_count, is_last, output,
                             output_capacity, taken, made, is_done);
    }
    ZSTD_inBuffer in = {input, input_count, 0};
    ZSTD_outBuffer out = {output, output_capacity, 0};
    const size_t left = ZSTD_compressStream2(compressor->zstd, &out, &in,
                                             is_last ? ZSTD_e_end : ZSTD_e_continue);
    *taken = in.pos;
    *made = out.pos;
    *is_done = is_last && left == 0;
    return !ZSTD_isError(left);
}
