#pragma once
// Memory that this process, with those it shares a limit with, may still take.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "machine/environment.hpp"
#include "machine/shared_limit.hpp"

namespace explaind {

/// Bytes left by each limit: what the kernel calls available on this machine, every control group's
/// limit less what its processes hold, and what Slurm gave the job on this node. Pages of files
/// that were not used lately count as free, as the kernel gives them back before it ends a process.
///
/// root, environment: in tests others than this machine's.
std::vector<SharedLimit> memory_limits(const Environment& environment = std::getenv,
                                       const std::filesystem::path& root = "/");

/// Bytes that a process alone may take: the least of its limits. 0 where none is known.
int64_t free_memory();

/// This machine's kernel, the same in all its containers; where it is hidden, the host's name. A
/// word that holders' names begin with.
std::string machine_identity(const std::filesystem::path& root = "/");

}  // namespace explaind
