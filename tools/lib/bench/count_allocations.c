/* Preloaded into a program, counts its calls of malloc and the like.
 *
 * `strm bench stages` looks for strm_allocation_count and subtracts what it was before a stage from
 * what it is after it. Releases are not counted: there are as many. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

/* One counter a thread, as long as there are no more of them than this, each in a cache line of its
 * own: a shared one would cost more than what is counted. */
enum { SLOTS = 256 };
static struct {
    _Alignas(64) atomic_ullong count;
} slots[SLOTS];
static atomic_uint threads;
/* initial-exec: any other model of thread-local storage may call malloc on first use. */
static __thread unsigned slot __attribute__((tls_model("initial-exec")));

static void count(void)
{
    if (slot == 0)
        slot = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % SLOTS + 1;
    atomic_fetch_add_explicit(&slots[slot - 1].count, 1, memory_order_relaxed);
}

unsigned long long strm_allocation_count(void)
{
    unsigned long long sum = 0;
    for (int at = 0; at < SLOTS; at++)
        sum += atomic_load_explicit(&slots[at].count, memory_order_relaxed);
    return sum;
}

void *malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    count();
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
    count();
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
    count();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
        return EINVAL;
    count();
    void *memory = __libc_memalign(alignment, size);
    if (memory == NULL)
        return ENOMEM;
    *out = memory;
    return 0;
}
