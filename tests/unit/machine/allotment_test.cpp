// What ranks may take of what they share: memory by limit, processors by mask and quota.

#include "machine/allotment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/machine/system_tree.hpp"

namespace explaind::testing {
namespace {

using ::testing::HasSubstr;

MachineLimits limits_of(const std::string& machine, const std::vector<int>& mask, double bytes) {
  MachineLimits limits{.memory = {{bytes, machine + " memory", "what this machine has free"}},
                       .processors = {}};
  for (const int each : mask) {
    limits.processors.mask.push_back({1, machine + " " + std::to_string(each), {}});
  }
  limits.processors.of_machine = 8;
  return limits;
}

/// Of every rank, with all of them.
std::vector<Allotment> allotments(const std::vector<MachineLimits>& ranks) {
  std::vector<std::vector<std::string>> holders;
  for (const MachineLimits& each : ranks) holders.push_back(holders_of(each));
  std::vector<Allotment> all;
  for (const MachineLimits& each : ranks) all.push_back(allotment(each, holders));
  return all;
}

TEST(Allotment, DividesAMachineAmongItsOwnRanksAlone) {
  const MachineLimits a = limits_of("a", {0, 1, 2, 3}, 900), b = limits_of("b", {0, 1, 2, 3}, 900);
  const auto all = allotments({a, b, a, a});
  EXPECT_EQ(all[0].bytes, 300);
  EXPECT_EQ(all[1].bytes, 900);
  EXPECT_EQ(all[0].threads, 1);
  EXPECT_EQ(all[1].threads, 4);
  EXPECT_THAT(all[0].bytes_limit, HasSubstr("for 3 ranks"));
  EXPECT_THAT(all[1].threads_limit, HasSubstr("4 processors of this machine's 8"));
}

TEST(Allotment, DividesMasksOnlyWhereTheyOverlap) {
  const auto apart = allotments({limits_of("a", {0, 1, 2, 3}, 1), limits_of("a", {4, 5, 6, 7}, 1)});
  EXPECT_EQ(apart[0].threads, 4);
  EXPECT_EQ(apart[1].threads, 4);
  const auto overlapping =
      allotments({limits_of("a", {0, 1, 2, 3}, 1), limits_of("a", {2, 3, 4, 5}, 1)});
  EXPECT_EQ(overlapping[0].threads, 3);
  const MachineLimits third = limits_of("a", {0, 1, 2}, 1);
  EXPECT_EQ(allotments({third, third, third})[0].threads, 1) << "three thirds are one";
}

TEST(Allotment, NeverHasNoThread) {
  const MachineLimits one = limits_of("a", {0}, 1);
  EXPECT_EQ(allotments({one, one, one})[2].threads, 1);
  MachineLimits half = limits_of("a", {0, 1, 2, 3}, 1);
  half.processors.quotas = {{0.5, "a quota 1", "the processor quota"}};
  const Allotment share = allotments({half})[0];
  EXPECT_EQ(share.threads, 1);
  EXPECT_EQ(share.threads_limit, "the processor quota");
}

TEST(Allotment, DividesAQuotaAmongThoseWhoShareIt) {
  MachineLimits first = limits_of("a", {0, 1, 2, 3, 4, 5}, 1), second = first;
  first.processors.quotas = {{4, "a quota 1", "the processor quota"}};
  second.processors.quotas = {{4, "a quota 2", "the processor quota"}};
  EXPECT_EQ(allotments({first, second})[0].threads, 3) << "the masks overlap, the quotas do not";
  EXPECT_EQ(allotments({first, first})[0].threads, 2);
}

TEST(Allotment, TakesSlurmsProcessorsOfATaskAsThoseOfARank) {
  MachineLimits task = limits_of("a", {0, 1, 2, 3, 4, 5, 6, 7}, 1);
  task.processors.per_task = 2;
  EXPECT_EQ(allotments({task, task})[0].threads, 2);
  EXPECT_EQ(allotments({task, task})[0].threads_limit, "SLURM_CPUS_PER_TASK");
  EXPECT_EQ(allotments({task, task, task, task, task, task, task, task})[0].threads, 1);
}

TEST(Allotment, TakesTheLeastOfAllLimitsOfMemory) {
  MachineLimits first = limits_of("a", {0}, 1000), second = first;
  first.memory.push_back({600, "a memory 1", "the limit of group 1"});
  second.memory.push_back({600, "a memory 2", "the limit of group 2"});
  EXPECT_EQ(allotments({first, second})[0].bytes, 500) << "a container a rank";
  EXPECT_EQ(allotments({first, first})[0].bytes, 300) << "a container for both";
  EXPECT_THAT(allotments({first, first})[0].bytes_limit, HasSubstr("group 1, for 2 ranks"));
  EXPECT_EQ(allotment({.memory = {}, .processors = {}}, {{}}).bytes, 0) << "nothing is known";
}

TEST(Allotment, OfAPlanIsThatOfRanksOnThisMachine) {
  EXPECT_EQ(allotment_of_alike(limits_of("a", {0, 1, 2, 3}, 1000), 2).bytes, 500);
  EXPECT_EQ(allotment_of_alike(limits_of("a", {0, 1, 2, 3}, 1000), 2).threads, 2);
}

TEST(Threads, AreThoseAskedForOrNamedOrAllotted) {
  const Allotment share = allotments({limits_of("a", {0, 1, 2}, 1)})[0];
  EXPECT_EQ(threads_of(5, share, environment_of({{"OMP_NUM_THREADS", "2"}})), 5);
  EXPECT_EQ(threads_of(0, share, environment_of({{"OMP_NUM_THREADS", "2,4"}})), 2);
  EXPECT_EQ(threads_of(0, share, environment_of({{"OMP_NUM_THREADS", "many"}})), 3);
  EXPECT_EQ(threads_of(0, share, environment_of({})), 3);
}

TEST(Threads, ThatDoNotSuitTheProcessorsAreTold) {
  const Allotment bound = allotments({limits_of("a", {3}, 1)})[0];
  const auto mpirun = environment_of({{"OMPI_COMM_WORLD_SIZE", "1"}});
  EXPECT_THAT(advice_on_threads(0, bound, mpirun), HasSubstr("--bind-to none"));
  EXPECT_EQ(advice_on_threads(0, bound, environment_of({})), "") << "who bound it knows";
  MachineLimits small = limits_of("a", {0}, 1), other = limits_of("a", {1}, 1);
  small.processors.of_machine = 2;
  EXPECT_EQ(advice_on_threads(0, allotments({small, other})[0], mpirun), "") << "none is idle";
  EXPECT_EQ(advice_on_threads(1, bound, environment_of({})), "");
  EXPECT_THAT(advice_on_threads(2, bound, environment_of({})), HasSubstr("--threads 1 is faster"));
  const Allotment wide = allotments({limits_of("a", {0, 1, 2}, 1)})[0];
  EXPECT_EQ(advice_on_threads(0, wide, environment_of({})), "");
  EXPECT_THAT(advice_on_threads(0, wide, environment_of({{"OMP_NUM_THREADS", "9"}})),
              HasSubstr("9 threads a rank"));
}

TEST(Threads, ThatMoveBetweenNumaDomainsAreToldWhereRanksCouldShareThemOut) {
  const auto advice = [](const MachineLimits& limits, int ranks) {
    const std::vector<MachineLimits> all(static_cast<size_t>(ranks), limits);
    return advice_on_threads(0, allotments(all)[0], environment_of({}));
  };
  MachineLimits whole = limits_of("a", {0, 1, 2, 3, 4, 5, 6, 7}, 1);
  EXPECT_EQ(advice(whole, 4), "") << "one domain";
  whole.processors.domains = 2;
  EXPECT_THAT(advice(whole, 4), HasSubstr("--map-by ppr:2:numa --bind-to numa"));
  EXPECT_EQ(advice(whole, 3), "") << "one domain would have two of them";
  EXPECT_EQ(advice(whole, 1), "");
  MachineLimits part = limits_of("a", {0, 1, 2, 3}, 1);
  part.processors.domains = 2;
  EXPECT_EQ(advice(part, 2), "") << "bound, or a part of the machine";
}

TEST(Threads, NumaDomainsAreThoseWithProcessors) {
  const SystemTree tree({{"sys/devices/system/node/node0/cpulist", "0-3\n"},
                         {"sys/devices/system/node/node1/cpulist", "4-7\n"},
                         {"sys/devices/system/node/node2/cpulist", "\n"},
                         {"sys/devices/system/node/possible", "0-2\n"}});
  EXPECT_EQ(processor_limits({0}, environment_of({}), tree.root()).domains, 2);
  EXPECT_EQ(processor_limits({0}, environment_of({}), SystemTree({}).root()).domains, 1);
}

}  // namespace
}  // namespace explaind::testing
