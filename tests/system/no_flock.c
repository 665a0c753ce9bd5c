/* LD_PRELOAD: a file system without flock, on a machine whose clock is wrong. flock fails with FLOCK_ERRNO where that is
 * set; the clock of the day is CLOCK_SKEW seconds ahead.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/time.h>
#include <time.h>

static long skew(void) {
  const char* value = getenv("CLOCK_SKEW");
  return value == NULL ? 0 : atol(value);
}

int flock(int descriptor, int operation) {
  const char* code = getenv("FLOCK_ERRNO");
  if (code == NULL) {
    int (*real)(int, int) = dlsym(RTLD_NEXT, "flock");
    return real(descriptor, operation);
  }
  errno = atoi(code);
  return -1;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  int (*real)(clockid_t, struct timespec*) = dlsym(RTLD_NEXT, "clock_gettime");
  const int result = real(clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += skew();
  return result;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  (void)zone;
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}
