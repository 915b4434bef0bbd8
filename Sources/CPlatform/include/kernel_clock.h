#ifndef CPLATFORM_KERNEL_CLOCK_H
#define CPLATFORM_KERNEL_CLOCK_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

// True if the kernel says that its wall clock is kept by a time source. False if it says that it is
// not, or does not say, as under a filter of system calls.
bool cplatform_is_clock_synchronised(void);

#ifdef __cplusplus
}
#endif

#endif
