#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "process_hardening.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int cplatform_harden_process(void) {
    int failed = 0;
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) failed |= CPLATFORM_CORE_LIMIT_FAILED;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) failed |= CPLATFORM_DUMPABLE_FAILED;
    struct sigaction ignore;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    if (sigaction(SIGXFSZ, &ignore, NULL) != 0) failed |= CPLATFORM_SIGNALS_FAILED;
    if (sigaction(SIGPIPE, &ignore, NULL) != 0) failed |= CPLATFORM_SIGNALS_FAILED;
    return failed;
}

int cplatform_is_dumpable(void) {
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

size_t cplatform_raise_memlock(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return 0;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_MEMLOCK, &limit);
        if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return 0;
    }
    return (size_t)limit.rlim_cur;
}

void *cplatform_secret_map(size_t bytes, size_t *locked_bytes) {
    *locked_bytes = 0;
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return NULL;
    // Advice that an old kernel does not know is no reason to refuse: RLIMIT_CORE and
    // PR_SET_DUMPABLE stand in front of it.
    madvise(start, bytes, MADV_DONTDUMP);
#ifdef MADV_WIPEONFORK
    madvise(start, bytes, MADV_WIPEONFORK);
#endif
    const size_t step = 256 * 1024;
    while (*locked_bytes < bytes) {
        size_t rest = bytes - *locked_bytes;
        size_t part = rest < step ? rest : step;
        // On fault: a large cache takes memory as it fills, not when it is made.
        if (mlock2((char *)start + *locked_bytes, part, MLOCK_ONFAULT) != 0) break;
        *locked_bytes += part;
    }
    return start;
}

void *cplatform_secret_map_leaving(size_t bytes, size_t spare, size_t *locked_bytes) {
    void *start = cplatform_secret_map(bytes, locked_bytes);
    if (start == NULL) return NULL;
    void *probe = mmap(NULL, spare, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (probe == MAP_FAILED) return start;
    if (mlock2(probe, spare, MLOCK_ONFAULT) != 0) {
        size_t freed = spare < *locked_bytes ? spare : *locked_bytes;
        munlock((char *)start + *locked_bytes - freed, freed);
        *locked_bytes -= freed;
    }
    munmap(probe, spare);
    return start;
}

void cplatform_secret_unmap(void *start, size_t bytes) {
    if (start == NULL) return;
    explicit_bzero(start, bytes);
    munmap(start, bytes);
}

void cplatform_zeroise(void *start, size_t bytes) {
    explicit_bzero(start, bytes);
}

int cplatform_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC);
}
