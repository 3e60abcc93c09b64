// TensorFlow takes every tensor from malloc, which gives larger ones back to the system when they are freed: each
// step would then fault in all of its pages anew. 32 MiB is the largest threshold that glibc allows.
#ifdef __linux__
#include <malloc.h>

static const bool kept = mallopt(M_MMAP_THRESHOLD, 32 << 20) && mallopt(M_TRIM_THRESHOLD, 512 << 20);
#endif
