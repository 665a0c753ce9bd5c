// What launchers set, as it was seen under Slurm 22.05 and Open MPI 4.1.

#include "comm/launcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

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

/// What require_meeting says, before MPI begins.
std::string refusal_to_meet(const Variables& variables) {
  try {
    require_meeting(tasks_of(variables));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

// As seen under MPICH 4.0 and 5.0, Intel MPI 2021.19 and Open MPI 5.0.
const Variables hydra{{"PMI_SIZE", "2"},        {"PMI_RANK", "1"},        {"PMI_FD", "9"},
                      {"HYDI_CONTROL_FD", "7"}, {"MPI_LOCALNRANKS", "2"}, {"MPI_LOCALRANKID", "1"}};
const Variables intel{{"PMI_SIZE", "2"},
                      {"PMI_RANK", "1"},
                      {"PMI_FD", "9"},
                      {"HYDRA_BSTRAP_LOCALHOST", "n1"},
                      {"I_MPI_HYDRA_UUID", "82180000-8569-1a4d-6961-06002946933b"}};
const Variables prrte{{"OMPI_COMM_WORLD_SIZE", "2"},
                      {"OMPI_COMM_WORLD_RANK", "1"},
                      {"PMIX_RANK", "1"},
                      {"PRTE_LAUNCHED", "1"}};

TEST(Launcher, OtherMpisAreKnownByTheirOwnVariables) {
  if (built_with().rfind("Open MPI 4", 0) != 0) GTEST_SKIP() << "built with " << built_with();
  for (const auto& [variables, name] :
       std::vector<std::pair<Variables, std::string>>{{hydra, "MPICH's mpirun"},
                                                      {intel, "Intel MPI's mpirun"},
                                                      {prrte, "Open MPI 5's mpirun"}}) {
    const auto tasks = tasks_of(variables);
    ASSERT_TRUE(tasks) << name;
    EXPECT_EQ(tasks->launcher, name);
    EXPECT_EQ(tasks->count, 2);
    EXPECT_EQ(tasks->rank, 1);
    EXPECT_FALSE(is_first(tasks));
    EXPECT_THAT(refusal_to_meet(variables),
                AllOf(HasSubstr(name + ": it started 2 tasks"), HasSubstr("cannot find each other"),
                      HasSubstr(built_with())));
  }
  Variables alone = hydra;
  alone["PMI_SIZE"] = "1";
  EXPECT_EQ(refusal_to_meet(alone), "") << "one task needs to find nobody";
  // In a Slurm allocation they start their daemons with srun, one a node.
  EXPECT_EQ(tasks_of(step("1", "0", intel))->launcher, "Intel MPI's mpirun");
  // Variables that a module sets, without a launcher.
  EXPECT_FALSE(tasks_of({{"I_MPI_ROOT", "/opt/intel/mpi"}, {"I_MPI_PMI_LIBRARY", "libpmi.so"}}));
}

TEST(Launcher, OneMpisRanksMayMeetUnderIt) {
  EXPECT_EQ(refusal_to_meet({{"OMPI_COMM_WORLD_SIZE", "2"}, {"OMPI_COMM_WORLD_RANK", "0"}}), "");
  EXPECT_EQ(refusal_to_meet(step("2", "0", {{"PMIX_RANK", "0"}})), "");
  EXPECT_THAT(refusal_to_meet(step("2", "0", {})), HasSubstr("srun --mpi=pmix"));
  EXPECT_EQ(refusal_to_meet(step("1", "0", {})), "");
  EXPECT_EQ(refusal_to_meet({}), "");
}

TEST(Launcher, ALibraryOfAnotherMpiIsRefused) {
  if (built_with().rfind("Open MPI ", 0) != 0) GTEST_SKIP() << "built with " << built_with();
  const std::string version = built_with().substr(std::string("Open MPI ").size());
  require_built_library("Open MPI v" + version + ".7, package: Debian OpenMPI");
  EXPECT_THAT([] { require_built_library("Open MPI v1.10.2, package: Open MPI x"); },
              ::testing::ThrowsMessage<UsageError>(
                  AllOf(HasSubstr("is Open MPI v1.10.2."), HasSubstr("LD_LIBRARY_PATH"))));
  EXPECT_THROW(require_built_library("MPICH Version: 4.0.2"), UsageError);
}

TEST(Launcher, TheFirstTaskDoesWhatNeedsOne) {
  EXPECT_TRUE(is_first(tasks_of({})));
  EXPECT_TRUE(is_first(tasks_of(step("2", "0", {}))));
  EXPECT_FALSE(is_first(tasks_of(step("2", "1", {})))) << "without any PMI";
  EXPECT_FALSE(is_first(tasks_of({{"PMI_RANK", "1"}}))) << "of a launcher that names no size";
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
