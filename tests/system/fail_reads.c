/* LD_PRELOAD: a disk on which one file cannot be read. Calls that read a file whose path contains READ_FILE fail with EIO, after READ_GOOD of them
 * (0) that did not. In explaind alone: programs that it starts have words of their own. Nor in its forked children, which count for themselves.
 *
 *   READ_CALLS=FILE  appends one byte a call to FILE, failing or not, so that the calls can be counted
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;
static pid_t own;
__attribute__((constructor)) static void begin(void) { own = getpid(); }

static int fails(int descriptor) {
  const char *wanted = getenv("READ_FILE"), *good = getenv("READ_GOOD"), *count = getenv("READ_CALLS");
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (wanted == NULL || length < 0 || strcmp(program_invocation_short_name, "explaind") != 0 || getpid() != own) return 0;
  path[length] = 0;
  if (strstr(path, wanted) == NULL) return 0;
  const long call = atomic_fetch_add(&calls, 1);
  if (count != NULL) {
    const long file = syscall(SYS_openat, AT_FDCWD, count, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (syscall(SYS_write, file, ".", 1) != 1) abort();
    syscall(SYS_close, file);
  }
  if (call < (good == NULL ? 0 : atol(good))) return 0;
  errno = EIO;
  return 1;
}

#define REAL(type, name, ...) type (*real)(__VA_ARGS__) = dlsym(RTLD_NEXT, name)

ssize_t read(int descriptor, void* data, size_t size) {
  REAL(ssize_t, "read", int, void*, size_t);
  return fails(descriptor) ? -1 : real(descriptor, data, size);
}
ssize_t readv(int descriptor, const struct iovec* parts, int count) {
  REAL(ssize_t, "readv", int, const struct iovec*, int);
  return fails(descriptor) ? -1 : real(descriptor, parts, count);
}
ssize_t pread64(int descriptor, void* data, size_t size, off64_t offset) {
  REAL(ssize_t, "pread64", int, void*, size_t, off64_t);
  return fails(descriptor) ? -1 : real(descriptor, data, size, offset);
}
ssize_t pread(int descriptor, void* data, size_t size, off_t offset) { return pread64(descriptor, data, size, offset); }
