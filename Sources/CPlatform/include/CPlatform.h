// What Swift cannot reach in the C library by itself, or that needs one machine instruction.
#ifndef CPLATFORM_H
#define CPLATFORM_H

#include "allocator.h"
#include "kernel_clock.h"
#include "process_hardening.h"
#include "store_platform.h"

#endif
