#ifndef CPLATFORM_PROCESS_HARDENING_H
#define CPLATFORM_PROCESS_HARDENING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Steps of cplatform_harden_process that failed, as a bit mask.
enum {
    CPLATFORM_CORE_LIMIT_FAILED = 1,
    CPLATFORM_DUMPABLE_FAILED = 2,
    CPLATFORM_SIGNALS_FAILED = 4
};

// No core files, no ptrace or /proc/PID/mem by other processes of the user, SIGXFSZ and SIGPIPE
// ignored (their errors come back as EFBIG and EPIPE). Returns 0 or the mask of what failed.
int cplatform_harden_process(void);

// 1 if the process may be dumped or traced, 0 if not, -1 if the kernel does not say.
int cplatform_is_dumpable(void);

// Raises the soft limit of lockable memory to the hard limit. Returns the limit in bytes.
size_t cplatform_raise_memlock(void);

// Maps zeroed pages for secrets: kept out of core files and of children. Locks as many bytes from
// the front as the limit allows (in steps of 256 KiB) and stores how many in *locked_bytes.
// NULL if the pages cannot be mapped.
void *cplatform_secret_map(size_t bytes, size_t *locked_bytes);

// The same for memory so large that it could use up the limit: leaves `spare` bytes of it, a multiple
// of the page size, for secrets that come later and matter more.
void *cplatform_secret_map_leaving(size_t bytes, size_t spare, size_t *locked_bytes);

// Overwrites and unmaps what cplatform_secret_map gave, with the same size.
void cplatform_secret_unmap(void *start, size_t bytes);

// pipe2 with O_CLOEXEC: no child started by another thread inherits an end that will carry a key.
int cplatform_pipe(int ends[2]);

// memset to zero that the compiler may not drop.
void cplatform_zeroise(void *start, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
