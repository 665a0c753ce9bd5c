/* LD_PRELOAD: counts the calls that write, sync, allocate, close, make or rename a file whose path contains KILL_FILE,
 * and at the KILL_AT-th of them ends the process with SIGKILL. A write is torn: its first half is done.
 *
 *   KILL_ERRNO=N     that call and all later ones fail with errno N instead: a disk that is full from then on
 *   KILL_RANK=R      only in rank R of mpirun's job
 *   KILL_CALLS=FILE  appends one line a call to FILE, so that they can be counted: "done close PATH" or "failed close PATH"
 *   KILL_LOG=FILE    appends one line a call to FILE, after it was done: "write PROCESS OFFSET SIZE PATH" or "sync PROCESS 0 0 PATH"
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;

/* For tests that begin again within one process. */
void kill_at_write_begin(void) { calls = 0; }
long kill_at_write_calls(void) { return calls; }

static int named(const char* path) {
  const char* wanted = getenv("KILL_FILE");
  return wanted != NULL && path != NULL && strstr(path, wanted) != NULL;
}

/* Of a descriptor; 0 where it has none. */
static int path_of(int descriptor, char path[4096]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, 4095);
  path[length < 0 ? 0 : length] = 0;
  return length >= 0;
}

static void append(const char* variable, const char* text) {
  const char* name = getenv(variable);
  if (name == NULL) return;
  const long file = syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (syscall(SYS_write, file, text, strlen(text)) < 0) abort();
  syscall(SYS_close, file);
}

/* A line is appended in one write, so that lines of several processes are in the order of what they did. */
static void done(const char* what, int descriptor, long long offset, size_t size) {
  char path[4096], line[4400];
  if (getenv("KILL_LOG") == NULL || !path_of(descriptor, path) || !named(path)) return;
  snprintf(line, sizeof line, "%s %d %lld %zu %s\n", what, (int)getpid(), offset, size, path);
  append("KILL_LOG", line);
}

enum { go_on, end_here };

/* Whether a call on a path is the one to die or fail at. */
static int due_at(const char* call_name, const char* path) {
  if (!named(path)) return go_on;
  const char *rank = getenv("KILL_RANK"), *own = getenv("OMPI_COMM_WORLD_RANK");
  if (rank != NULL && (own == NULL || strcmp(rank, own) != 0)) return go_on;
  const long call = atomic_fetch_add(&calls, 1) + 1;
  const char *at = getenv("KILL_AT"), *failure = getenv("KILL_ERRNO");
  const int ends = at != NULL && (failure == NULL ? call == atol(at) : call >= atol(at));
  char line[4400];
  snprintf(line, sizeof line, "%s %s %s\n", ends ? "failed" : "done", call_name, path);
  append("KILL_CALLS", line);
  return ends ? end_here : go_on;
}
static int due(const char* call_name, int descriptor) {
  char path[4096];
  if (getenv("KILL_FILE") == NULL || !path_of(descriptor, path)) return go_on;
  return due_at(call_name, path);
}

/* Does so. */
static int fails(void) {
  const char* failure = getenv("KILL_ERRNO");
  if (failure == NULL) kill(getpid(), SIGKILL);
  errno = atoi(failure);
  return -1;
}

#define REAL(type, name, ...) type (*real)(__VA_ARGS__) = dlsym(RTLD_NEXT, name)

ssize_t pwrite64(int descriptor, const void* data, size_t size, off64_t offset) {
  REAL(ssize_t, "pwrite64", int, const void*, size_t, off64_t);
  if (due("write", descriptor) == end_here) {
    if (size > 1) real(descriptor, data, size / 2, offset);
    return fails();
  }
  const ssize_t written = real(descriptor, data, size, offset);
  done("write", descriptor, offset, size);
  return written;
}
ssize_t pwrite(int descriptor, const void* data, size_t size, off_t offset) {
  return pwrite64(descriptor, data, size, offset);
}

ssize_t write(int descriptor, const void* data, size_t size) {
  REAL(ssize_t, "write", int, const void*, size_t);
  if (due("write", descriptor) == end_here) {
    if (size > 1 && real(descriptor, data, size / 2) < 0) abort();
    return fails();
  }
  const long long offset = lseek64(descriptor, 0, SEEK_CUR);
  const ssize_t written = real(descriptor, data, size);
  done("write", descriptor, offset, size);
  return written;
}

static size_t bytes_of(const struct iovec* parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  return size;
}

ssize_t pwritev64(int descriptor, const struct iovec* parts, int count, off64_t offset) {
  REAL(ssize_t, "pwritev64", int, const struct iovec*, int, off64_t);
  if (due("write", descriptor) == end_here) {
    real(descriptor, parts, (count + 1) / 2, offset);
    return fails();
  }
  const ssize_t written = real(descriptor, parts, count, offset);
  done("write", descriptor, offset, bytes_of(parts, count));
  return written;
}
ssize_t pwritev(int descriptor, const struct iovec* parts, int count, off_t offset) {
  return pwritev64(descriptor, parts, count, offset);
}
ssize_t writev(int descriptor, const struct iovec* parts, int count) {
  REAL(ssize_t, "writev", int, const struct iovec*, int);
  if (due("write", descriptor) == end_here) {
    if (real(descriptor, parts, (count + 1) / 2) < 0) abort();
    return fails();
  }
  const long long offset = lseek64(descriptor, 0, SEEK_CUR);
  const ssize_t written = real(descriptor, parts, count);
  done("write", descriptor, offset, bytes_of(parts, count));
  return written;
}

int fsync(int descriptor) {
  REAL(int, "fsync", int);
  if (due("sync", descriptor) == end_here) return fails();
  const int status = real(descriptor);
  done("sync", descriptor, 0, 0);
  return status;
}
int fdatasync(int descriptor) {
  REAL(int, "fdatasync", int);
  if (due("sync", descriptor) == end_here) return fails();
  const int status = real(descriptor);
  done("sync", descriptor, 0, 0);
  return status;
}

/* Returns the error instead of setting errno. */
int posix_fallocate64(int descriptor, off64_t offset, off64_t size) {
  REAL(int, "posix_fallocate64", int, off64_t, off64_t);
  if (due("allocate", descriptor) == end_here) {
    fails();
    return errno;
  }
  return real(descriptor, offset, size);
}
int posix_fallocate(int descriptor, off_t offset, off_t size) { return posix_fallocate64(descriptor, offset, size); }

int ftruncate64(int descriptor, off64_t size) {
  REAL(int, "ftruncate64", int, off64_t);
  if (due("truncate", descriptor) == end_here) return fails();
  return real(descriptor, size);
}
int ftruncate(int descriptor, off_t size) { return ftruncate64(descriptor, size); }

/* A file that was written may learn only here that there is no room. */
int close(int descriptor) {
  REAL(int, "close", int);
  const int flags = fcntl(descriptor, F_GETFL);
  const int writes = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
  if (writes && due("close", descriptor) == end_here) {
    real(descriptor);
    return fails();
  }
  return real(descriptor);
}

int rename(const char* from, const char* to) {
  REAL(int, "rename", const char*, const char*);
  if (due_at("rename", named(to) ? to : from) == end_here) return fails();
  return real(from, to);
}
int mkdir(const char* path, mode_t mode) {
  REAL(int, "mkdir", const char*, mode_t);
  if (due_at("mkdir", path) == end_here) return fails();
  return real(path, mode);
}

static int open_at(int folder, const char* path, int flags, mode_t mode) {
  if ((flags & O_CREAT) != 0 && due_at("create", path) == end_here) return fails();
  return (int)syscall(SYS_openat, folder, path, flags, mode);
}
#define MODE_OF(flags)                     \
  mode_t mode = 0;                         \
  if (((flags) & (O_CREAT | O_TMPFILE)) != 0) { \
    va_list more;                          \
    va_start(more, flags);                 \
    mode = va_arg(more, mode_t);           \
    va_end(more);                          \
  }
int open(const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_at(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_at(folder, path, flags, mode);
}

/* The path of what is mapped at an address is in /proc/self/maps. */
static int due_mapped(const char* call_name, const void* address) {
  FILE* maps = fopen("/proc/self/maps", "r");
  char line[4400], found[4400] = "";
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    unsigned long begin = 0, end = 0;
    if (sscanf(line, "%lx-%lx", &begin, &end) != 2) continue;
    const char* path = strchr(line, '/');
    if ((uintptr_t)address >= begin && (uintptr_t)address < end && path != NULL) strcpy(found, path);
  }
  if (maps != NULL) fclose(maps);
  found[strcspn(found, "\n")] = 0;
  return due_at(call_name, found);
}
int msync(void* address, size_t size, int flags) {
  REAL(int, "msync", void*, size_t, int);
  if (due_mapped("sync", address) == end_here) return fails();
  return real(address, size, flags);
}
