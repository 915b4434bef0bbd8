#include "allocator.h"

#include <malloc.h>

bool cplatform_bound_arenas(int arenas) {
    return mallopt(M_ARENA_MAX, arenas) == 1;
}
