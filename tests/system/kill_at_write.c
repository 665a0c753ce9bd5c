/* LD_PRELOAD: counts the calls that write, sync, allocate, close, make or rename a file whose path contains KILL_FILE,
 * and at the KILL_AT-th of them ends the process with SIGKILL. A write is torn: its first half is done.
 *
 *   KILL_ERRNO=N     that call and all later ones fail with errno N instead: a disk that is full from then on
 *   KILL_RANK=R      only in rank R of mpirun's job
 *   KILL_PROGRAM=N   only in processes of the program called N
 *   KILL_REMOVALS=1  files and folders that are removed are counted too, which needs no space on a disk
 *   KILL_CALLS=FILE  appends one line a call to FILE, so that they can be counted: "done close PATH" or "failed close PATH"
 *   KILL_LOG=FILE    appends one line a call to FILE, after it was done: "write PROCESS OFFSET SIZE PATH" or "sync PROCESS 0 0 PATH";
 *                    and what makes, cuts, renames and removes files: "create", "renew" (created or emptied), "allocate"
 *                    and "truncate" (SIZE: that of the file), "mkdir", "remove",
 *                    "rename PROCESS 0 LENGTH FROM TO" (LENGTH: bytes of FROM)
 *   KILL_DATA=FILE   with KILL_LOG: appends the bytes of every write to FILE, in the order of the log
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
#include <sys/file.h>
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
  const char *wanted = getenv("KILL_FILE"), *program = getenv("KILL_PROGRAM");
  if (program != NULL && strcmp(program, program_invocation_short_name) != 0) return 0;
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

/* The file, to append to; −1 where none is asked for. */
static long opened(const char* variable) {
  const char* name = getenv(variable);
  return name == NULL ? -1 : syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND, 0644);
}
static void append_to(long file, const void* bytes, size_t size) {
  if (syscall(SYS_write, file, bytes, size) != (long)size) abort();
}
static void append(const char* variable, const char* text) {
  const long file = opened(variable);
  if (file < 0) return;
  append_to(file, text, strlen(text));
  syscall(SYS_close, file);
}

/* A line is appended in one write, so that lines of several processes are in the order of what they did. */
static void done_to(const char* what, const char* path, long long offset, size_t size) {
  char line[9000];
  if (getenv("KILL_LOG") == NULL || !named(path)) return;
  snprintf(line, sizeof line, "%s %d %lld %zu %s\n", what, (int)getpid(), offset, size, path);
  append("KILL_LOG", line);
}
static void done(const char* what, int descriptor, long long offset, size_t size) {
  char path[4096];
  if (getenv("KILL_LOG") != NULL && path_of(descriptor, path)) done_to(what, path, offset, size);
}

/* A write that was done, of which `written` bytes went to `offset`. Its bytes and its line go together: a lock keeps other processes' out between. */
static void done_write(int descriptor, long long offset, const struct iovec* parts, int count, ssize_t written) {
  char path[4096];
  if (getenv("KILL_LOG") == NULL || written < 0 || !path_of(descriptor, path) || !named(path)) return;
  const long data = opened("KILL_DATA");
  if (data >= 0) {
    syscall(SYS_flock, data, LOCK_EX);
    size_t left = (size_t)written;
    for (int i = 0; i < count && left > 0; ++i) {
      const size_t size = parts[i].iov_len < left ? parts[i].iov_len : left;
      append_to(data, parts[i].iov_base, size);
      left -= size;
    }
  }
  done_to("write", path, offset, (size_t)written);
  if (data >= 0) syscall(SYS_close, data);
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
  const struct iovec part = {(void*)data, size};
  done_write(descriptor, offset, &part, 1, written);
  return written;
}
ssize_t pwrite(int descriptor, const void* data, size_t size, off_t offset) {
  return pwrite64(descriptor, data, size, offset);
}

/* Where a write began that moved the descriptor's place to its end; one that appends begins at the end of the file. */
static long long began_at(int descriptor, ssize_t written) { return lseek64(descriptor, 0, SEEK_CUR) - (written < 0 ? 0 : written); }

ssize_t write(int descriptor, const void* data, size_t size) {
  REAL(ssize_t, "write", int, const void*, size_t);
  if (due("write", descriptor) == end_here) {
    if (size > 1 && real(descriptor, data, size / 2) < 0) abort();
    return fails();
  }
  const ssize_t written = real(descriptor, data, size);
  const struct iovec part = {(void*)data, size};
  done_write(descriptor, began_at(descriptor, written), &part, 1, written);
  return written;
}

ssize_t pwritev64(int descriptor, const struct iovec* parts, int count, off64_t offset) {
  REAL(ssize_t, "pwritev64", int, const struct iovec*, int, off64_t);
  if (due("write", descriptor) == end_here) {
    real(descriptor, parts, (count + 1) / 2, offset);
    return fails();
  }
  const ssize_t written = real(descriptor, parts, count, offset);
  done_write(descriptor, offset, parts, count, written);
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
  const ssize_t written = real(descriptor, parts, count);
  done_write(descriptor, began_at(descriptor, written), parts, count, written);
  return written;
}

int fsync(int descriptor) {
  REAL(int, "fsync", int);
  if (due("sync", descriptor) == end_here) return fails();
  const int status = real(descriptor);
  if (status == 0) done("sync", descriptor, 0, 0);
  return status;
}
int fdatasync(int descriptor) {
  REAL(int, "fdatasync", int);
  if (due("sync", descriptor) == end_here) return fails();
  const int status = real(descriptor);
  if (status == 0) done("sync", descriptor, 0, 0);
  return status;
}

/* Returns the error instead of setting errno. */
int posix_fallocate64(int descriptor, off64_t offset, off64_t size) {
  REAL(int, "posix_fallocate64", int, off64_t, off64_t);
  if (due("allocate", descriptor) == end_here) {
    fails();
    return errno;
  }
  const int status = real(descriptor, offset, size);
  if (status == 0) done("allocate", descriptor, 0, (size_t)(offset + size));
  return status;
}
int posix_fallocate(int descriptor, off_t offset, off_t size) { return posix_fallocate64(descriptor, offset, size); }

int ftruncate64(int descriptor, off64_t size) {
  REAL(int, "ftruncate64", int, off64_t);
  if (due("truncate", descriptor) == end_here) return fails();
  const int status = real(descriptor, size);
  if (status == 0) done("truncate", descriptor, 0, (size_t)size);
  return status;
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
  const int status = real(from, to);
  char both[8400];
  snprintf(both, sizeof both, "%s %s", from, to);
  if (status == 0) done_to("rename", both, 0, strlen(from));
  return status;
}
int mkdir(const char* path, mode_t mode) {
  REAL(int, "mkdir", const char*, mode_t);
  if (due_at("mkdir", path) == end_here) return fails();
  const int status = real(path, mode);
  if (status == 0) done_to("mkdir", path, 0, 0);
  return status;
}

/* The path of a name in a folder that is open, as for unlinkat. */
static const char* in_folder(int folder, const char* name, char path[8400]) {
  char of_folder[4096];
  if (name[0] == '/' || folder == AT_FDCWD || !path_of(folder, of_folder)) return name;
  snprintf(path, 8400, "%s/%s", of_folder, name);
  return path;
}
/* A full disk removes files as ever. */
static int due_to_remove(const char* path) {
  return getenv("KILL_REMOVALS") == NULL ? go_on : due_at("remove", path);
}
int unlink(const char* path) {
  REAL(int, "unlink", const char*);
  if (due_to_remove(path) == end_here) return fails();
  const int status = real(path);
  if (status == 0) done_to("remove", path, 0, 0);
  return status;
}
int rmdir(const char* path) {
  REAL(int, "rmdir", const char*);
  if (due_to_remove(path) == end_here) return fails();
  const int status = real(path);
  if (status == 0) done_to("remove", path, 0, 0);
  return status;
}
int remove(const char* path) {
  REAL(int, "remove", const char*);
  if (due_to_remove(path) == end_here) return fails();
  const int status = real(path);
  if (status == 0) done_to("remove", path, 0, 0);
  return status;
}
int unlinkat(int folder, const char* name, int flags) {
  REAL(int, "unlinkat", int, const char*, int);
  char buffer[8400];
  const char* path = in_folder(folder, name, buffer);
  if (due_to_remove(path) == end_here) return fails();
  const int status = real(folder, name, flags);
  if (status == 0) done_to("remove", path, 0, 0);
  return status;
}

static int open_at(int folder, const char* path, int flags, mode_t mode) {
  if ((flags & O_CREAT) != 0 && due_at("create", path) == end_here) return fails();
  const int file = (int)syscall(SYS_openat, folder, path, flags, mode);
  if (file >= 0 && (flags & (O_CREAT | O_TRUNC)) != 0) done((flags & O_TRUNC) != 0 ? "renew" : "create", file, 0, 0);
  return file;
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

/* As streams open files: "w" empties them, "a" makes them. */
static FILE* file_at(const char* path, const char* mode, FILE* (*real)(const char*, const char*)) {
  const int makes = mode[0] == 'w' || mode[0] == 'a';
  if (makes && due_at("create", path) == end_here) {
    fails();
    return NULL;
  }
  FILE* file = real(path, mode);
  if (file != NULL && makes) done(mode[0] == 'w' ? "renew" : "create", fileno(file), 0, 0);
  return file;
}
FILE* fopen(const char* path, const char* mode) {
  REAL(FILE*, "fopen", const char*, const char*);
  return file_at(path, mode, real);
}
FILE* fopen64(const char* path, const char* mode) {
  REAL(FILE*, "fopen64", const char*, const char*);
  return file_at(path, mode, real);
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
