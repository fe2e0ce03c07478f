// How loops are compiled: for several CPUs, of which the loader picks one, and vectorised even where memory may overlap.
// Not part of the module: only the kernels' own sources include it.
#ifndef CKERNELS_COMPILE_H
#define CKERNELS_COMPILE_H

// The loader picks before the thread sanitizer, which would instrument the picking, is ready.
#if defined(__x86_64__) && defined(__gnu_linux__) && !__has_feature(thread_sanitizer)
#define CK_MULTIVERSION __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
// For loops that wait for memory anyway.
#define CK_MULTIVERSION_LIGHT __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define CK_MULTIVERSION
#define CK_MULTIVERSION_LIGHT
#endif

#define CK_INLINE static inline __attribute__((always_inline))

#define CK_PRAGMA(text) _Pragma(#text)

// An output is either apart from an input or the very same memory, element by element: never a reason not to vectorise.
#define CK_LOOP CK_PRAGMA(clang loop vectorize(assume_safety))

// For long formulas: two vectors of 16 floats (of 8 doubles) in flight, whatever the CPU's own width.
#define CK_LOOP_F32 CK_PRAGMA(clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(2))
#define CK_LOOP_F64 CK_PRAGMA(clang loop vectorize(assume_safety) vectorize_width(8) interleave_count(2))
#define CK_BLOCK_F32 32
#define CK_BLOCK_F64 16

// Without optimisation (debug builds) the loops are not vectorised, which is no mistake.
#pragma clang diagnostic ignored "-Wpass-failed"

#endif
