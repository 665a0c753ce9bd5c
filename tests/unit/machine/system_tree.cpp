#include "unit/machine/system_tree.hpp"

#include <fstream>
#include <memory>
#include <utility>

namespace explaind::testing {
namespace {

const char* const boot = "7f1c2ad0-95e4-4b4e-a6a9-0d4c16a5c001\n";
const char* const large_machine =
    "MemTotal:       528280000 kB\nMemFree:        11280000 kB\nMemAvailable:   500000000 kB\n";
const char* const none_v1 = "9223372036854771712\n";

Files with(Files files) {
  files.emplace("proc/sys/kernel/random/boot_id", boot);
  files.emplace("proc/meminfo", large_machine);
  return files;
}

}  // namespace

SystemTree::SystemTree(const Files& files) {
  for (const auto& [path, content] : files) write(path, content);
}

void SystemTree::write(const std::string& path, const std::string& content) const {
  const std::filesystem::path file = folder_.path() / path;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << content;
}

SystemTree docker_v2() {
  return SystemTree(with({
      {"proc/self/cgroup", "0::/\n"},
      {"proc/self/mountinfo",
       "1493 1487 0:146 / / rw,relatime master:511 - overlay overlay "
       "rw,lowerdir=/a:/b,upperdir=/c\n"
       "1496 1494 0:150 / /dev/pts rw,nosuid,noexec - devpts devpts rw,gid=5\n"
       "1499 1497 0:28 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw\n"},
      {"sys/fs/cgroup/memory.max", "4194304000\n"},
      {"sys/fs/cgroup/memory.high", "max\n"},
      {"sys/fs/cgroup/memory.current", "4100000000\n"},
      {"sys/fs/cgroup/memory.stat", "anon 90000000\nfile 4000000000\ninactive_file 3900000000\n"},
      {"sys/fs/cgroup/cpu.max", "50000 100000\n"},
  }));
}

SystemTree docker_v1() {
  return SystemTree(with({
      {"proc/self/cgroup",
       "12:cpu,cpuacct:/docker/4b2f\n11:memory:/docker/4b2f\n1:name=systemd:/docker/4b2f\n0::/x\n"},
      {"proc/self/mountinfo",
       "733 732 0:30 /docker/4b2f /sys/fs/cgroup/systemd ro - cgroup cgroup rw,xattr,name=systemd\n"
       "740 732 0:37 /docker/4b2f /sys/fs/cgroup/memory ro,nosuid shared:19 - cgroup cgroup "
       "rw,memory\n"
       "741 732 0:38 /docker/4b2f /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"},
      {"sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000000\n"},
      {"sys/fs/cgroup/memory/memory.usage_in_bytes", "700000000\n"},
      {"sys/fs/cgroup/memory/memory.stat",
       "cache 500000000\ninactive_file 1\ntotal_cache 500000000\ntotal_inactive_file 400000000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"},
  }));
}

SystemTree slurm_v2() {
  const std::string groups = "sys/fs/cgroup/system.slice/slurmstepd.scope/";
  return SystemTree(with({
      {"proc/self/cgroup", "0::/system.slice/slurmstepd.scope/job_71/step_0/user/task_1\n"},
      {"proc/self/mountinfo",
       "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
       "29 24 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 "
       "rw\n"},
      {groups + "memory.max", "max\n"},
      {groups + "memory.current", "90000000000\n"},
      {groups + "job_71/memory.max", "4194304000\n"},
      {groups + "job_71/memory.current", "194304000\n"},
      {groups + "job_71/memory.stat", "inactive_file 4304000\n"},
      {groups + "job_71/step_0/memory.max", "8194304000\n"},
      {groups + "job_71/step_0/memory.current", "150000000\n"},
      {groups + "job_71/step_0/user/memory.max", "max\n"},
      {groups + "job_71/step_0/user/memory.current", "100000000\n"},
      {groups + "job_71/step_0/user/task_1/memory.max", "max\n"},
      {groups + "job_71/step_0/user/task_1/memory.current", "50000000\n"},
      {groups + "job_71/cpu.max", "max 100000\n"},
  }));
}

SystemTree slurm_v1() {
  return SystemTree(with({
      {"proc/self/cgroup",
       "9:memory:/slurm_n1/uid_1000/job_5/step_0/task_0\n"
       "8:cpuset:/slurm_n1/uid_1000/job_5/step_0\n4:cpu,cpuacct:/system.slice\n"},
      {"proc/self/mountinfo",
       "30 25 0:26 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw\n"
       "36 25 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n"
       "38 25 0:33 / /sys/fs/cgroup/memory rw shared:12 - cgroup cgroup rw,memory\n"},
      {"sys/fs/cgroup/memory/memory.limit_in_bytes", none_v1},
      {"sys/fs/cgroup/memory/memory.usage_in_bytes", "60000000000\n"},
      {"sys/fs/cgroup/memory/slurm_n1/uid_1000/job_5/memory.limit_in_bytes", "3000000000\n"},
      {"sys/fs/cgroup/memory/slurm_n1/uid_1000/job_5/memory.usage_in_bytes", "500000000\n"},
      {"sys/fs/cgroup/memory/slurm_n1/uid_1000/job_5/memory.stat",
       "total_inactive_file 100000000\n"},
      {"sys/fs/cgroup/memory/slurm_n1/uid_1000/job_5/step_0/task_0/memory.limit_in_bytes", none_v1},
      {"sys/fs/cgroup/memory/slurm_n1/uid_1000/job_5/step_0/task_0/memory.usage_in_bytes", "7\n"},
      {"sys/fs/cgroup/cpu,cpuacct/system.slice/cpu.cfs_quota_us", "-1\n"},
      {"sys/fs/cgroup/cpu,cpuacct/system.slice/cpu.cfs_period_us", "100000\n"},
  }));
}

std::function<const char*(const char*)> environment_of(
    std::map<std::string, std::string> variables) {
  const auto kept =
      std::make_shared<const std::map<std::string, std::string>>(std::move(variables));
  return [kept](const char* name) -> const char* {
    const auto found = kept->find(name);
    return found == kept->end() ? nullptr : found->second.c_str();
  };
}

}  // namespace explaind::testing
