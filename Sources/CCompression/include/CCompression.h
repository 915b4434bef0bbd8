// Streaming compression by zlib and zstd behind one C interface; the same input gives the same
// bytes, so that an export that is repeated writes the same object.
#ifndef STRM_CCOMPRESSION_H
#define STRM_CCOMPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct strm_compressor strm_compressor;

// One stream of gzip (RFC 1952, no name, no time) or of zstd (RFC 8878, with a checksum of the
// content). NULL: no memory.
strm_compressor *strm_gzip_new(void);
strm_compressor *strm_zstd_new(void);
void strm_compressor_free(strm_compressor *compressor);

// Takes input and gives output, as much as there is room for. `*taken` bytes of the input are used,
// `*made` bytes of the output are filled. With `is_last` the stream is ended: call it, with the rest
// of the input, until `*is_done`. False: it failed, and the compressor is good for nothing more.
bool strm_compress(strm_compressor *compressor, const uint8_t *input, size_t input_count,
                   bool is_last, uint8_t *output, size_t output_capacity, size_t *taken,
                   size_t *made, bool *is_done);

typedef struct strm_expander strm_expander;

// The way back, for one or more gzip members or zstd frames behind each other. NULL: no memory.
strm_expander *strm_gunzip_new(void);
strm_expander *strm_unzstd_new(void);
void strm_expander_free(strm_expander *expander);

// As strm_compress. False: the input is not of the format; the expander is good for nothing more.
bool strm_expand(strm_expander *expander, const uint8_t *input, size_t input_count, uint8_t *output,
                 size_t output_capacity, size_t *taken, size_t *made);

#endif
