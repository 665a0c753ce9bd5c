#include "machine/control_groups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/machine/system_tree.hpp"

namespace explaind::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> names(const SystemTree& tree, Controller controller) {
  std::vector<std::string> found;
  for (const ControlGroup& group : control_groups(controller, tree.root())) {
    found.push_back(group.name);
  }
  return found;
}

TEST(ControlGroups, OfAContainerBeginAtItsOwn) {
  EXPECT_THAT(names(docker_v2(), Controller::memory), ElementsAre("/"));
  EXPECT_THAT(names(docker_v1(), Controller::memory), ElementsAre("/"));
}

TEST(ControlGroups, OfAJobAreAllAroundItsTask) {
  EXPECT_THAT(names(slurm_v2(), Controller::memory),
              ElementsAre("/system.slice/slurmstepd.scope/job_71/step_0/user/task_1",
                          "/system.slice/slurmstepd.scope/job_71/step_0/user",
                          "/system.slice/slurmstepd.scope/job_71/step_0",
                          "/system.slice/slurmstepd.scope/job_71", "/system.slice/slurmstepd.scope",
                          "/system.slice", "/"));
  EXPECT_THAT(names(slurm_v1(), Controller::processors), ElementsAre("/system.slice", "/"));
}

TEST(ControlGroups, HaveTheVersionOfTheirHierarchy) {
  const SystemTree mixed = slurm_v1(), unified = slurm_v2();
  EXPECT_EQ(control_groups(Controller::memory, mixed.root()).front().version, 1);
  EXPECT_EQ(control_groups(Controller::memory, unified.root()).front().version, 2);
}

TEST(ControlGroups, OfAnotherNamespaceAreWhatIsMounted) {
  const SystemTree tree(
      {{"proc/self/cgroup", "0::/../../elsewhere\n"},
       {"proc/self/mountinfo", "29 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"},
       {"sys/fs/cgroup/memory.max", "max\n"}});
  EXPECT_THAT(names(tree, Controller::memory), ElementsAre("/"));
}

TEST(ControlGroups, AreFoundWhereverTheyAreMounted) {
  const SystemTree tree(Files{{"proc/self/cgroup", "0::/a b/c\n"},
                              {"proc/self/mountinfo",
                               "28 24 0:26 /other /elsewhere rw - cgroup2 cgroup2 rw\n"
                               "29 24 0:26 / /my\\040groups rw - cgroup2 cgroup2 rw\n"
                               "30 24 0:26 /a\\040b /inner rw - cgroup2 cgroup2 rw\n"},
                              {"my groups/a b/c/memory.max", "1\n"},
                              {"elsewhere/memory.max", "2\n"}});
  EXPECT_THAT(names(tree, Controller::memory), ElementsAre("/a b/c", "/a b", "/"));
}

TEST(ControlGroups, NeedNotBeThere) {
  EXPECT_THAT(control_groups(Controller::memory, SystemTree(Files()).root()), IsEmpty());
  const SystemTree no_mount(Files{{"proc/self/cgroup", "0::/x\n"}});
  EXPECT_THAT(control_groups(Controller::memory, no_mount.root()), IsEmpty());
}

TEST(ControlGroups, AreOneByWhateverPathTheyAreSeen) {
  const SystemTree tree(
      Files{{"proc/self/cgroup", "0::/job/task\n"},
            {"proc/self/mountinfo", "29 24 0:26 / /groups rw - cgroup2 cgroup2 rw\n"},
            {"groups/job/task/memory.max", "1\n"}});
  const auto as_task = control_groups(Controller::memory, tree.root());
  tree.write("proc/self/cgroup", "0::/job\n");
  const auto as_job = control_groups(Controller::memory, tree.root());
  ASSERT_EQ(as_task.size(), 3U);
  ASSERT_EQ(as_job.size(), 2U);
  EXPECT_EQ(as_task[1].identity, as_job[0].identity);
  EXPECT_NE(as_task[0].identity, as_job[0].identity);
}

}  // namespace
}  // namespace explaind::testing
