/* Preloaded into a server, moves its wall clock: by STRM_BENCH_SHIFT_SECONDS from the start on, or by
 * what the file STRM_SHIFT_FILE says at that moment (8 bytes, seconds, host order, mapped: so it must
 * be written in place).
 *
 * Only the wall clock is moved, as a time server does it. libfaketime 0.9.10 cannot be used: it moves
 * absolute timers (timerfd) and waits (pthread_cond_timedwait) of the monotonic clocks too, so that
 * Swift's sleeps never end, and with it the Swift runtime sees no command line. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static int64_t fixed;
static const volatile int64_t *seconds = &fixed;

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("STRM_BENCH_SHIFT_SECONDS");
    const char *path = getenv("STRM_SHIFT_FILE");
    fixed = text ? atoll(text) : 0;
    if (!path)
        return;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    void *map = file < 0 ? MAP_FAILED : mmap(0, sizeof fixed, PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED)
        abort();
    close(file);
    seconds = map;
}

static int is_wall(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && is_wall(clock))
        time->tv_sec += *seconds;
    return result;
}

int gettimeofday(struct timeval *time, void *zone)
{
    int result = syscall(SYS_gettimeofday, time, zone);
    if (result == 0)
        time->tv_sec += *seconds;
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

/* A time source keeps the clock, also where the machine's kernel knows of none: what the server does
 * must not depend on where it is tried. */
int adjtimex(struct timex *facts)
{
    memset(facts, 0, sizeof *facts);
    return TIME_OK;
}

/* The kernel knows the true wall clock only. glibc keeps in this bit that a condition waits by the
 * monotonic one. */
int pthread_cond_timedwait(
    pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *end)
{
    if (condition->__data.__wrefs & 2)
        return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, end);
    struct timespec moved = *end;
    moved.tv_sec -= *seconds;
    return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &moved);
}
