/* LD_PRELOAD: from the FAULT_AT-th call of one kind on, the call fails in rank FAULT_RANK of mpirun's job and in no other:
 * an error that the ranks have not agreed on. Only that call, where FAULT_ONCE is set.
 *
 *   FAULT_KIND=mpi     calls of MPI that talk to other ranks, the program's and HDF5's: MPI_ERR_OTHER
 *   FAULT_KIND=open    opening a file whose path contains FAULT_FILE: EIO. What MPI opens fails along, but is not counted: a file that can be
 *                      opened until then and not in MPI_File_open leaves the other ranks waiting inside MPI
 *   FAULT_KIND=memory  memory of LibTorch's tensors: ENOMEM
 *   FAULT_CALLS=FILE   appends one line to FILE for each call of any kind in any rank, failing or not: "mpi 0"
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum kind { mpi, open_file, memory, kinds };
static const char* const names[kinds] = {"mpi", "open", "memory"};
static atomic_long calls[kinds];
static atomic_int opens_fail;

static int is_in(const void* caller, const char* library) {
  Dl_info info;
  return dladdr(caller, &info) != 0 && info.dli_fname != NULL && strstr(info.dli_fname, library) != NULL;
}

static int fails(enum kind kind) {
  const char* own = getenv("OMPI_COMM_WORLD_RANK");
  if (own == NULL) return 0;
  const long call = atomic_fetch_add(&calls[kind], 1) + 1;
  const char* list = getenv("FAULT_CALLS");
  if (list != NULL) {
    char line[64];
    const int length = snprintf(line, sizeof line, "%s %s\n", names[kind], own);
    const long file = syscall(SYS_openat, AT_FDCWD, list, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (syscall(SYS_write, file, line, length) != length) abort();
    syscall(SYS_close, file);
  }
  const char *wanted = getenv("FAULT_KIND"), *rank = getenv("FAULT_RANK"), *at = getenv("FAULT_AT");
  if (wanted == NULL || strcmp(wanted, names[kind]) != 0 || rank == NULL || strcmp(rank, own) != 0 || at == NULL) return 0;
  return getenv("FAULT_ONCE") != NULL ? call == atol(at) : call >= atol(at);
}

/* The same function under its own name: MPI's profiling interface. */
#define MPI_CALL(name, parameters, arguments)    \
  int MPI_##name parameters {                    \
    if (fails(mpi)) return MPI_ERR_OTHER;      \
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

static int open_at(const void* caller, const char* path, int flags, mode_t mode) {
  const char* wanted = getenv("FAULT_FILE");
  if (wanted != NULL && strstr(path, wanted) != NULL) {
    const int of_mpi = is_in(caller, "libmpi") || is_in(caller, "libopen-") || is_in(caller, "mca_");
    if (!of_mpi && fails(open_file)) opens_fail = 1;
    if (opens_fail) {
      errno = EIO;
      return -1;
    }
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
  return open_at(__builtin_return_address(0), path, flags, mode);
}
// On 64-bit systems both are one call.
int open64(const char* path, int flags, ...) __attribute__((alias("open")));

/* Other libraries ask as well, and some never look at what they are told. */
int posix_memalign(void** made, size_t alignment, size_t size) {
  int (*real)(void**, size_t, size_t) = dlsym(RTLD_NEXT, "posix_memalign");
  if (is_in(__builtin_return_address(0), "libc10") && fails(memory)) return ENOMEM;
  return real(made, alignment, size);
}
