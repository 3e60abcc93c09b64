// TensorFlow allocates every tensor with malloc, which returns larger ones to the system when they are freed: each step
// would then fault in all of its pages again. 32 MiB is the largest threshold that glibc allows.
// Freed memory stays in its arena, so one arena per core keeps less memory than glibc's default of eight per core.
#ifdef __linux__
#include <malloc.h>

#include <thread>

static const bool kept = mallopt(M_MMAP_THRESHOLD, 32 << 20) && mallopt(M_TRIM_THRESHOLD, 512 << 20) &&
                         mallopt(M_ARENA_MAX, static_cast<int>(std::thread::hardware_concurrency()));
#endif
