#pragma once
// What kind of file system a path is on, and what whoever writes a store there should know.

#include <cstdint>
#include <filesystem>
#include <string>

namespace explaind {

/// As the kernel says it (statfs). shared: by all nodes of a cluster, as a rule.
struct FileSystem {
  std::string name;  ///< "Lustre", "ext4", …; empty: unknown
  bool shared = false;
  bool local = false;  ///< of this machine alone: a disk, or memory; neither: it may be either
  std::string advice;  ///< for a store there; may be empty
};

/// Of a magic number of statfs(2).
FileSystem file_system_of_type(long type);

/// Of a file, or, where it is not there yet, of the nearest folder above that is.
FileSystem file_system_of(const std::filesystem::path& path);

/// A line for whoever starts a job whose ranks are on so many machines and write there: "Lustre,
/// which nodes share; …". Empty where the kind is unknown.
std::string words_of(const FileSystem& files, int64_t machines);

/// Whether words_of is a warning, not only an answer.
bool worth_a_note(const FileSystem& files, int64_t machines);

}  // namespace explaind
