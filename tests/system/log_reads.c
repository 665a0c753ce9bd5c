/* LD_PRELOAD: appends one line "OFFSET SIZE" to READ_LOG for each call that reads a file whose path ends in READ_FILE; SIZE is what came. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void log_read(int descriptor, long long offset, ssize_t size) {
  const char *wanted = getenv("READ_FILE"), *name = getenv("READ_LOG");
  char link[64], path[4096], line[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (wanted == NULL || name == NULL || length < (ssize_t)strlen(wanted) || size < 0) return;
  path[length] = 0;
  if (strcmp(path + length - strlen(wanted), wanted) != 0) return;
  const int file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int written = snprintf(line, sizeof line, "%lld %zd\n", offset, size);
  if (write(file, line, (size_t)written) != written) abort();
  close(file);
}

#define REAL(type, name, ...) type (*real)(__VA_ARGS__) = dlsym(RTLD_NEXT, name)

ssize_t read(int descriptor, void* data, size_t size) {
  REAL(ssize_t, "read", int, void*, size_t);
  const off_t offset = lseek(descriptor, 0, SEEK_CUR);
  const ssize_t came = real(descriptor, data, size);
  if (offset >= 0) log_read(descriptor, offset, came);
  return came;
}
ssize_t pread64(int descriptor, void* data, size_t size, off64_t offset) {
  REAL(ssize_t, "pread64", int, void*, size_t, off64_t);
  const ssize_t came = real(descriptor, data, size, offset);
  log_read(descriptor, offset, came);
  return came;
}
ssize_t pread(int descriptor, void* data, size_t size, off_t offset) { return pread64(descriptor, data, size, offset); }
