#include "machine/memory_limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "machine/processor_limits.hpp"
#include "unit/machine/system_tree.hpp"

namespace explaind::testing {
namespace {

using ::testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

SharedLimit least(const SystemTree& tree, const Variables& variables = {}) {
  const auto limits = memory_limits(environment_of(variables), tree.root());
  return *std::min_element(limits.begin(), limits.end(),
                           [](const auto& a, const auto& b) { return a.amount < b.amount; });
}

TEST(MemoryLimits, OfAContainerCountIdleFilesAsFree) {
  EXPECT_EQ(least(docker_v2()).amount, 4194304000.0 - 4100000000.0 + 3900000000.0);
  EXPECT_EQ(least(docker_v1()).amount, 2000000000.0 - 700000000.0 + 400000000.0);
}

TEST(MemoryLimits, OfAJobStandAboveTheTask) {
  const SharedLimit unified = least(slurm_v2());
  EXPECT_EQ(unified.amount, 4194304000.0 - 194304000.0 + 4304000.0);
  EXPECT_THAT(unified.meaning, HasSubstr("job_71 leaves"));
  const SharedLimit first = least(slurm_v1());
  EXPECT_EQ(first.amount, 3000000000.0 - 500000000.0 + 100000000.0);
  EXPECT_THAT(first.meaning, HasSubstr("/slurm_n1/uid_1000/job_5 leaves"));
}

TEST(MemoryLimits, AreWhatTheMachineHasFreeWhereNothingElseLimits) {
  const SystemTree tree(Files{{"proc/meminfo", "MemTotal: 9 kB\nMemAvailable: 7 kB\n"}});
  EXPECT_EQ(least(tree).amount, 7 * 1024);
  EXPECT_EQ(least(tree).meaning, "what this machine has free");
  EXPECT_TRUE(memory_limits(environment_of({}), SystemTree(Files()).root()).empty());
}

TEST(MemoryLimits, OfSlurmAreMebibytesOfTheNode) {
  EXPECT_EQ(least(slurm_v2(), {{"SLURM_MEM_PER_NODE", "1000"}}).amount, 1000.0 * (1 << 20));
  EXPECT_EQ(least(slurm_v2(), {{"SLURM_MEM_PER_CPU", "100"}, {"SLURM_CPUS_ON_NODE", "4"}}).amount,
            400.0 * (1 << 20));
  const double by_group = least(slurm_v2()).amount;
  EXPECT_EQ(least(slurm_v2(), {{"SLURM_MEM_PER_NODE", "0"}}).amount, by_group) << "the whole node";
  EXPECT_EQ(least(slurm_v2(), {{"SLURM_MEM_PER_CPU", "100"}}).amount, by_group);
}

TEST(MemoryLimits, AreNoneWhereAllIsUsed) {
  const SystemTree tree = docker_v2();
  tree.write("sys/fs/cgroup/memory.stat", "anon 5\n");
  tree.write("sys/fs/cgroup/memory.current", "4200000000\n");
  EXPECT_EQ(least(tree).amount, 0);
}

TEST(MemoryLimits, BeginWhereTheKernelSlowsAProcessDown) {
  const SystemTree tree = docker_v2();
  tree.write("sys/fs/cgroup/memory.high", "4150000000\n");
  EXPECT_EQ(least(tree).amount, 4150000000.0 - 4100000000.0 + 3900000000.0);
}

TEST(ProcessorLimits, AreMaskQuotaAndTask) {
  const ProcessorLimits half = processor_limits({0, 1}, environment_of({}), docker_v2().root());
  ASSERT_EQ(half.quotas.size(), 1U);
  EXPECT_EQ(half.quotas[0].amount, 0.5);
  EXPECT_EQ(half.mask.size(), 2U);
  EXPECT_EQ(half.per_task, 0);
  const SystemTree first = docker_v1();
  const auto limits =
      processor_limits({3}, environment_of({{"SLURM_CPUS_PER_TASK", "6"}}), first.root());
  ASSERT_EQ(limits.quotas.size(), 1U);
  EXPECT_EQ(limits.quotas[0].amount, 2.5);
  EXPECT_EQ(limits.per_task, 6);
  EXPECT_TRUE(processor_limits({0}, environment_of({}), slurm_v1().root()).quotas.empty());
  EXPECT_TRUE(processor_limits({0}, environment_of({}), slurm_v2().root()).quotas.empty());
}

TEST(ProcessorLimits, OfThisProcessAreThere) {
  EXPECT_FALSE(own_mask().empty());
  EXPECT_GT(processor_limits().of_machine, 0);
  EXPECT_GT(free_memory(), 0);
}

}  // namespace
}  // namespace explaind::testing
