#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kernel_clock.h"

#include <string.h>
#include <sys/timex.h>

bool cplatform_is_clock_synchronised(void) {
    struct timex facts;
    // No mode: it reads only, and needs no privilege.
    memset(&facts, 0, sizeof facts);
    int state = adjtimex(&facts);
    return state >= 0 && state != TIME_ERROR && (facts.status & STA_UNSYNC) == 0;
}
