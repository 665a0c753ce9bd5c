#include "machine/file_system.hpp"

#include <sys/vfs.h>

#include <map>

namespace explaind {
namespace {

namespace fs = std::filesystem;

FileSystem shared(const char* name, const char* advice = "") {
  return {.name = name, .shared = true, .advice = advice};
}

FileSystem local(const char* name, const char* advice = "") {
  return {.name = name, .local = true, .advice = advice};
}

/// Numbers of statfs(2) and of the file systems' own sources.
const std::map<unsigned long, FileSystem>& kinds() {
  static const std::map<unsigned long, FileSystem> all{
      {0x0BD00BD0, shared("Lustre",
                          "a store of many GB is written faster in stripes: lfs setstripe -c 8 "
                          "FOLDER, before it is made")},
      {0x19830326, shared("BeeGFS",
                          "a store of many GB is written faster in stripes: beegfs-ctl "
                          "--setpattern --numtargets=8 FOLDER, before it is made")},
      {0x47504653, shared("GPFS")},
      {0x00C36400, shared("Ceph")},
      {0x6969, shared("NFS",
                      "ranks on several nodes write one file there slowly; one node writes to "
                      "its own disk, and the store is moved whole (configs/clusters.md)")},
      {0xFE534D42, shared("SMB", "it has no locks that nodes share")},
      {0xFF534D42, shared("CIFS", "it has no locks that nodes share")},
      {0xEF53, local("ext4")},
      {0x58465342, local("XFS")},
      {0x9123683E, local("Btrfs")},
      {0x2FC12FC1, local("ZFS")},
      {0xF2F52010, local("F2FS")},
      {0x794C7630, local("overlay", "what a container writes there may go with it")},
      {0x01021994, local("tmpfs", "it is memory: what is written there counts as used")},
      {0x858458F6, local("ramfs", "it is memory: what is written there counts as used")}};
  return all;
}

}  // namespace

FileSystem file_system_of_type(long type) {
  const auto found = kinds().find(static_cast<unsigned long>(type) & 0xFFFFFFFFUL);
  return found == kinds().end() ? FileSystem{} : found->second;
}

FileSystem file_system_of(const fs::path& path) {
  std::error_code none;
  fs::path there = fs::absolute(path, none);
  while (!fs::exists(there, none) && there.has_relative_path()) there = there.parent_path();
  struct statfs found {};
  return statfs(there.c_str(), &found) == 0 ? file_system_of_type(found.f_type) : FileSystem{};
}

std::string words_of(const FileSystem& files, int64_t machines) {
  if (files.name.empty()) return "";
  std::string words = files.name;
  if (files.shared) words += ", which nodes share";
  if (files.local && machines > 1) {
    words += ", a disk of the first rank's machine, and ranks are on " + std::to_string(machines) +
             ": give a folder that all of them share";
  } else if (files.local) {
    words += ", of this machine alone";
  }
  return files.advice.empty() ? words : words + "; " + files.advice;
}

bool worth_a_note(const FileSystem& files, int64_t machines) {
  return (files.local && machines > 1) || (machines > 1 && !files.advice.empty());
}

}  // namespace explaind
