#pragma once
// Every MPI call goes through here: a failing one becomes an Error that names the call.

namespace explaind {

/// Throws Error with the call's name and MPI's own message unless `status` is MPI_SUCCESS.
void check_mpi(int status, const char* call);

/// False before MPI begins and after it has ended: handles must not be freed then.
bool mpi_running();

}  // namespace explaind
