/* LD_PRELOAD: from the FAULT_AT-th call of one kind on, the call fails in rank FAULT_RANK of mpirun's job and in no other:
 * an error that the ranks have not agreed on. Only that call, where FAULT_ONCE is set.
 *
 *   FAULT_KIND=mpi     calls of MPI that talk to other ranks, the program's and HDF5's: MPI_ERR_OTHER
 *   FAULT_KIND=open    opening a file whose path contains FAULT_FILE: EIO
 *   FAULT_KIND=memory  allocations of 64 bytes or more on a boundary, as LibTorch's are: ENOMEM
 *   FAULT_COUNT=FILE   appends one byte a call to FILE, so that the calls can be counted
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long calls;

static int fails(const char* kind) {
  const char *wanted = getenv("FAULT_KIND"), *rank = getenv("FAULT_RANK"), *own = getenv("OMPI_COMM_WORLD_RANK");
  if (wanted == NULL || rank == NULL || own == NULL || strcmp(wanted, kind) != 0 || strcmp(rank, own) != 0) return 0;
  const long call = atomic_fetch_add(&calls, 1) + 1;
  const char* count = getenv("FAULT_COUNT");
  if (count != NULL) {
    const long file = syscall(SYS_openat, AT_FDCWD, count, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (syscall(SYS_write, file, ".", 1) != 1) abort();
    syscall(SYS_close, file);
  }
  const char* at = getenv("FAULT_AT");
  if (at == NULL) return 0;
  return getenv("FAULT_ONCE") != NULL ? call == atol(at) : call >= atol(at);
}

/* The same function under its own name: MPI's profiling interface. */
#define MPI_CALL(name, parameters, arguments)    \
  int MPI_##name parameters {                    \
    if (fails("mpi")) return MPI_ERR_OTHER;      \
    return PMPI_##name arguments;                \
  }
MPI_CALL(Comm_dup, (MPI_Comm comm, MPI_Comm* made), (comm, made))
MPI_CALL(Comm_split, (MPI_Comm comm, int colour, int key, MPI_Comm* made), (comm, colour, key, made))
MPI_CALL(Comm_split_type, (MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm* made), (comm, type, key, info, made))
MPI_CALL(Barrier, (MPI_Comm comm), (comm))
MPI_CALL(Ibarrier, (MPI_Comm comm, MPI_Request* request), (comm, request))
MPI_CALL(Bcast, (void* data, int n, MPI_Datatype type, int root, MPI_Comm comm), (data, n, type, root, comm))
MPI_CALL(Allgather, (const void* mine, int n, MPI_Datatype type, void* all, int each, MPI_Datatype all_type, MPI_Comm comm),
         (mine, n, type, all, each, all_type, comm))
MPI_CALL(Allgatherv,
         (const void* mine, int n, MPI_Datatype type, void* all, const int* counts, const int* places, MPI_Datatype all_type, MPI_Comm comm),
         (mine, n, type, all, counts, places, all_type, comm))
MPI_CALL(Alltoall, (const void* mine, int n, MPI_Datatype type, void* all, int each, MPI_Datatype all_type, MPI_Comm comm),
         (mine, n, type, all, each, all_type, comm))
MPI_CALL(Allreduce, (const void* mine, void* all, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm), (mine, all, n, type, op, comm))
MPI_CALL(Iallreduce, (const void* mine, void* all, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm, MPI_Request* request),
         (mine, all, n, type, op, comm, request))
MPI_CALL(Send, (const void* data, int n, MPI_Datatype type, int to, int tag, MPI_Comm comm), (data, n, type, to, tag, comm))
MPI_CALL(Isend, (const void* data, int n, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request* request),
         (data, n, type, to, tag, comm, request))
MPI_CALL(Irecv, (void* data, int n, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Request* request),
         (data, n, type, from, tag, comm, request))
MPI_CALL(Mrecv, (void* data, int n, MPI_Datatype type, MPI_Message* message, MPI_Status* status), (data, n, type, message, status))
MPI_CALL(File_open, (MPI_Comm comm, const char* path, int mode, MPI_Info info, MPI_File* file), (comm, path, mode, info, file))
MPI_CALL(File_sync, (MPI_File file), (file))
MPI_CALL(File_set_view, (MPI_File file, MPI_Offset at, MPI_Datatype type, MPI_Datatype view, const char* form, MPI_Info info),
         (file, at, type, view, form, info))

static int open_at(const char* path, int flags, mode_t mode) {
  const char* wanted = getenv("FAULT_FILE");
  if (wanted != NULL && strstr(path, wanted) != NULL && fails("open")) {
    errno = EIO;
    return -1;
  }
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  return open_at(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  return open_at(path, flags, mode);
}

int posix_memalign(void** memory, size_t alignment, size_t size) {
  int (*real)(void**, size_t, size_t) = dlsym(RTLD_NEXT, "posix_memalign");
  if (alignment >= 64 && size >= 64 && fails("memory")) return ENOMEM;
  return real(memory, alignment, size);
}
