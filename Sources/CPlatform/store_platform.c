#include "store_platform.h"

#include <string.h>
#include <sys/prctl.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

// The reflected polynomial of RFC 3720, appendix B.4.
static const uint32_t polynomial = 0x82F63B78u;

static uint32_t table[256];

// Filled before main: readers need no lock.
__attribute__((constructor)) static void fill_table(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (polynomial & (0u - (crc & 1u)));
        }
        table[byte] = crc;
    }
}

uint32_t strm_crc32c_table(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    crc = ~crc;
    for (size_t index = 0; index < count; index++) {
        crc = (crc >> 8) ^ table[(crc ^ next[index]) & 0xFF];
    }
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"), no_sanitize("thread"))) static uint32_t crc32c_instruction(
    uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    uint64_t wide = (uint32_t)~crc;
    while (count >= 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        wide = _mm_crc32_u64(wide, word);
        next += 8;
        count -= 8;
    }
    uint32_t narrow = (uint32_t)wide;
    while (count > 0) {
        narrow = _mm_crc32_u8(narrow, *next);
        next += 1;
        count -= 1;
    }
    return ~narrow;
}

uint32_t strm_crc32c(uint32_t crc, const void *bytes, size_t count) {
    if (__builtin_cpu_supports("sse4.2")) {
        return crc32c_instruction(crc, bytes, count);
    }
    return strm_crc32c_table(crc, bytes, count);
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

uint32_t strm_crc32c(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    crc = ~crc;
    while (count >= 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        crc = __crc32cd(crc, word);
        next += 8;
        count -= 8;
    }
    while (count > 0) {
        crc = __crc32cb(crc, *next);
        next += 1;
        count -= 1;
    }
    return ~crc;
}

#else

uint32_t strm_crc32c(uint32_t crc, const void *bytes, size_t count) {
    return strm_crc32c_table(crc, bytes, count);
}

#endif

#if defined(__x86_64__) || defined(__ARM_FEATURE_CRC32)

// RocksDB's own CRC-32C, rocksdb::crc32c::Extend(uint32_t, const char *, size_t), under the name
// that its C++ compiler gave it: the dynamic linker prefers this one to the library's. Only where we
// have the instruction. Not watched by the thread sanitizer, which does not see RocksDB's own
// synchronisation.
uint32_t strm_engine_crc32c(uint32_t crc, const char *bytes, size_t count)
    __asm__("_ZN7rocksdb6crc32c6ExtendEjPKcm");

__attribute__((visibility("default"), used, no_sanitize("thread"))) uint32_t strm_engine_crc32c(
    uint32_t crc, const char *bytes, size_t count) {
#if defined(__x86_64__)
    // It may be called before our own constructors have run.
    __builtin_cpu_init();
#endif
    return strm_crc32c(crc, bytes, count);
}

#endif

void strm_name_thread(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}
