// TensorFlow takes every tensor from malloc, which gives larger ones back to the system when they are freed: each
// step would then fault in all of its pages anew. 32 MiB is the largest threshold that glibc allows.
// What an arena's threads have freed stays in that arena: one for each core holds less than eight for each.
#ifdef __linux__
#include <malloc.h>

#include <thread>

static const bool kept = mallopt(M_MMAP_THRESHOLD, 32 << 20) && mallopt(M_TRIM_THRESHOLD, 512 << 20) &&
                         mallopt(M_ARENA_MAX, static_cast<int>(std::thread::hardware_concurrency()));
#endif
