#pragma once
// Compiles a function once per vector width and picks the widest the processor has at load time.
// Results are the same bit for bit on one kind of processor; between kinds they may differ by the
// rounding of fused multiply-adds.

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define EXPLAIND_VECTOR_CLONES \
  __attribute__((target_clones("default", "arch=haswell", "arch=skylake-avx512")))
#else
#define EXPLAIND_VECTOR_CLONES
#endif
