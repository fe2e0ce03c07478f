#ifndef CMEMORY_H
#define CMEMORY_H

#include <malloc.h>

/// Returns freed memory that malloc retains to the operating system. Does nothing with another malloc.
static inline void cmemory_trim(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

#endif
