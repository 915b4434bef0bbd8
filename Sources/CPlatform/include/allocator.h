#ifndef CPLATFORM_ALLOCATOR_H
#define CPLATFORM_ALLOCATOR_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

// Lets the C library's allocator make no more than so many arenas from now on. False: it refused.
bool cplatform_bound_arenas(int arenas);

#ifdef __cplusplus
}
#endif

#endif
