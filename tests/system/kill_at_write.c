/* LD_PRELOAD: ends the process with SIGKILL at the KILL_AT-th call that writes, syncs or allocates a file whose path
 * contains KILL_FILE. A write is torn: its first half is done. With KILL_COUNT=FILE it appends one byte a call to FILE
 * instead, so that the calls can be counted.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;

static int concerns(int descriptor) {
  char link[64], path[4096];
  const char* wanted = getenv("KILL_FILE");
  if (wanted == NULL) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, wanted) != NULL;
}

/* 1 where this is the call to die at. */
static int due(int descriptor) {
  if (!concerns(descriptor)) return 0;
  const long call = atomic_fetch_add(&calls, 1) + 1;
  const char* count = getenv("KILL_COUNT");
  if (count != NULL) {
    const int file = open(count, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (syscall(SYS_write, file, ".", 1) != 1) abort();
    close(file);
  }
  const char* at = getenv("KILL_AT");
  return at != NULL && call == atol(at);
}

static void die(void) { kill(getpid(), SIGKILL); }

ssize_t pwrite64(int descriptor, const void* data, size_t size, off64_t offset) {
  ssize_t (*real)(int, const void*, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
  if (!due(descriptor)) return real(descriptor, data, size, offset);
  real(descriptor, data, size / 2, offset);
  die();
  return -1;
}
ssize_t pwrite(int descriptor, const void* data, size_t size, off_t offset) {
  return pwrite64(descriptor, data, size, offset);
}

ssize_t write(int descriptor, const void* data, size_t size) {
  ssize_t (*real)(int, const void*, size_t) = dlsym(RTLD_NEXT, "write");
  if (!due(descriptor)) return real(descriptor, data, size);
  real(descriptor, data, size / 2);
  die();
  return -1;
}

ssize_t pwritev64(int descriptor, const struct iovec* parts, int count, off64_t offset) {
  ssize_t (*real)(int, const struct iovec*, int, off64_t) = dlsym(RTLD_NEXT, "pwritev64");
  if (!due(descriptor)) return real(descriptor, parts, count, offset);
  real(descriptor, parts, (count + 1) / 2, offset);
  die();
  return -1;
}
ssize_t pwritev(int descriptor, const struct iovec* parts, int count, off_t offset) {
  return pwritev64(descriptor, parts, count, offset);
}
ssize_t writev(int descriptor, const struct iovec* parts, int count) {
  ssize_t (*real)(int, const struct iovec*, int) = dlsym(RTLD_NEXT, "writev");
  if (!due(descriptor)) return real(descriptor, parts, count);
  real(descriptor, parts, (count + 1) / 2);
  die();
  return -1;
}

int fsync(int descriptor) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
  if (due(descriptor)) die();
  return real(descriptor);
}
int fdatasync(int descriptor) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
  if (due(descriptor)) die();
  return real(descriptor);
}
int posix_fallocate(int descriptor, off_t offset, off_t size) {
  int (*real)(int, off_t, off_t) = dlsym(RTLD_NEXT, "posix_fallocate");
  if (due(descriptor)) die();
  return real(descriptor, offset, size);
}
