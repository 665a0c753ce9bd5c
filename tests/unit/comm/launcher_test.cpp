// What launchers set, as it was seen under Slurm 22.05 and Open MPI 4.1.

#include "comm/launcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/error.hpp"

namespace explaind {
namespace {

using ::testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

std::optional<LaunchedTasks> tasks_of(const Variables& variables) {
  return launched_tasks([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string refusal(const Variables& variables) {
  try {
    require_single(tasks_of(variables));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

const Variables batch_script{{"SLURM_JOB_ID", "5"},
                             {"SLURM_NTASKS", "3"},
                             {"SLURM_NPROCS", "3"},
                             {"SLURM_PROCID", "0"},
                             {"SLURM_LOCALID", "0"}};

Variables step(const std::string& tasks, const std::string& rank, const Variables& more) {
  Variables all{{"SLURM_JOB_ID", "1"},  {"SLURM_NTASKS", tasks}, {"SLURM_STEP_NUM_TASKS", tasks},
                {"SLURM_PROCID", rank}, {"SLURM_STEPID", "0"},   {"SLURM_STEP_ID", "0"}};
  all.insert(more.begin(), more.end());
  return all;
}

TEST(Launcher, NoneStartedAProgramAloneOrInABatchScriptOfManyTasks) {
  EXPECT_FALSE(tasks_of({}));
  EXPECT_FALSE(tasks_of(batch_script));
  EXPECT_EQ(refusal(batch_script), "");
}

TEST(Launcher, SrunCountsTheTasksOfItsStep) {
  for (const auto& [more, pmix] : std::vector<std::pair<Variables, bool>>{
           {{}, false},
           {{{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"SLURM_MPI_TYPE", "pmi2"}}, false},
           {{{"PMIX_RANK", "1"}, {"SLURM_MPI_TYPE", "pmix"}}, true}}) {
    const auto tasks = tasks_of(step("2", "1", more));
    ASSERT_TRUE(tasks);
    EXPECT_EQ(tasks->launcher, "srun");
    EXPECT_EQ(tasks->count, 2);
    EXPECT_EQ(tasks->rank, 1);
    EXPECT_EQ(tasks->pmix, pmix);
    EXPECT_THAT(refusal(step("2", "1", more)),
                AllOf(HasSubstr("SLURM_STEP_NUM_TASKS=2"), HasSubstr("srun --mpi=pmix"),
                      HasSubstr("mpirun"), HasSubstr("unset SLURM_STEP_NUM_TASKS")));
  }
  EXPECT_EQ(refusal(step("1", "0", {})), "");
}

TEST(Launcher, UnderMpirunSlurmsVariablesAreThoseOfItsDaemons) {
  // A remote rank: one daemon a node, started by srun.
  const auto remote = tasks_of(
      step("1", "0",
           {{"OMPI_COMM_WORLD_SIZE", "3"}, {"OMPI_COMM_WORLD_RANK", "2"}, {"PMIX_RANK", "2"}}));
  ASSERT_TRUE(remote);
  EXPECT_EQ(remote->launcher, "mpirun");
  EXPECT_EQ(remote->count, 3);
  EXPECT_EQ(remote->rank, 2);
  // mpirun -n 1 from an allocation of four nodes.
  EXPECT_EQ(refusal(step("4", "0", {{"OMPI_COMM_WORLD_SIZE", "1"}, {"OMPI_COMM_WORLD_RANK", "0"}})),
            "");
}

TEST(Launcher, OtherLaunchersCountToo) {
  EXPECT_THAT(refusal({{"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_RANK", "0"}}),
              HasSubstr("4 tasks"));
  EXPECT_THAT(refusal({{"PMI_SIZE", "4"}, {"PMI_RANK", "3"}}), HasSubstr("PMI_SIZE=4"));
  EXPECT_THAT(refusal({{"MV2_COMM_WORLD_SIZE", "2"}, {"MV2_COMM_WORLD_RANK", "1"}}),
              HasSubstr("MV2_COMM_WORLD_SIZE=2"));
  EXPECT_THAT(refusal({{"PMIX_RANK", "1"}}), HasSubstr("PMIX_RANK=1"));
  EXPECT_EQ(refusal({{"PMIX_RANK", "0"}}), "");
  EXPECT_EQ(refusal({{"PMI_SIZE", "many"}}), "") << "what is no number says nothing";
}

}  // namespace
}  // namespace explaind
