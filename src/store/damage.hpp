#pragma once
// Damage that HDF5 does not survive, found out in a process that may crash.

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "store/structure_walk.hpp"

namespace explaind {

/// What the child does: walk_structure, or what a test puts in its place.
using WalkOfFile = std::function<std::string(
    const std::filesystem::path& file, const std::function<void(const std::string& object)>& at)>;

/// What is said of a file in whose structure HDF5 crashes, goes round for ever, or finds what
/// cannot be true. Nothing where a child process has walked it (structure_walk.hpp), and where it
/// is no file of HDF5's: errors that HDF5 reports are said by whoever reads it.
///
/// The child is a fork, so that a healthy file costs milliseconds: called before the process has
/// threads or MPI. `patience`: how long the child may take for one object.
std::optional<DataError> damage_of(const std::filesystem::path& file,
                                   std::chrono::milliseconds patience = std::chrono::seconds(30),
                                   const WalkOfFile& walk = walk_structure);

}  // namespace explaind
