#pragma once
// The files of /proc and /sys by which Linux says what a process may take, as they were seen in
// containers and in jobs.

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "unit/temporary_folder.hpp"

namespace explaind::testing {

/// Files by path ("proc/self/cgroup") and content.
using Files = std::map<std::string, std::string>;

/// A machine's files in a folder.
class SystemTree {
 public:
  explicit SystemTree(const Files& files);
  [[nodiscard]] std::filesystem::path root() const { return folder_.path(); }
  void write(const std::string& path, const std::string& content) const;

 private:
  TemporaryFolder folder_;
};

/// Docker, cgroup v2, with a namespace of its own: the container sees its group as the root.
SystemTree docker_v2();
/// Docker, cgroup v1 and the host's namespace: the path is the host's, its mount shows the inside.
SystemTree docker_v1();
/// A step of Slurm, cgroup v2: the job's limit stands above the step's and the task's groups.
SystemTree slurm_v2();
/// A step of Slurm, cgroup v1: a hierarchy for each controller.
SystemTree slurm_v1();

/// Variables as std::getenv finds them.
std::function<const char*(const char*)> environment_of(
    std::map<std::string, std::string> variables);

}  // namespace explaind::testing
