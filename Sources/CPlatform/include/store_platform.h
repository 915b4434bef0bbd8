// CRC-32C for records and the watermark; the name of a thread.
#ifndef STORE_PLATFORM_H
#define STORE_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

// The CRC-32C (Castagnoli) of `count` bytes appended to what `crc` covers; start with 0. Uses the
// processor's instruction where there is one, a table elsewhere; the value is the same.
uint32_t strm_crc32c(uint32_t crc, const void *bytes, size_t count);

// The same, always by the table: for the test that both agree.
uint32_t strm_crc32c_table(uint32_t crc, const void *bytes, size_t count);

// The file that defines it also takes the place of RocksDB's function of the same purpose. Debian
// builds RocksDB for the oldest processors of the architecture, so its own goes by table: that was a
// fifth of the commit thread's work. The value is the same, so are the files.

// Names the calling thread, as the kernel's tools show it; cut after 15 characters.
void strm_name_thread(const char *name);

#endif
