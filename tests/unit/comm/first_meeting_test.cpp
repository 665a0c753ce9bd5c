// Messages that do not arrive: when that is said, and what.

#include "comm/first_meeting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>

#include "core/error.hpp"

namespace explaind {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Environment environment_of(const std::map<std::string, std::string>& variables) {
  return [variables](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

TEST(FirstMeeting, IsWaitedForThirtySecondsOrAsLongAsTheUserSays) {
  EXPECT_EQ(first_message_patience(environment_of({})), milliseconds(30'000));
  EXPECT_EQ(first_message_patience(environment_of({{"EXPLAIND_FIRST_MESSAGE", "120"}})),
            milliseconds(120'000));
  for (const char* wrong : {"0", "-1", "soon", "", "1.5"}) {
    EXPECT_THROW(static_cast<void>(
                     first_message_patience(environment_of({{"EXPLAIND_FIRST_MESSAGE", wrong}}))),
                 UsageError)
        << wrong;
  }
}

TEST(FirstMeeting, NamesNetworksAndTheOneToTake) {
  const std::vector<NetworkInterface> interfaces{
      {.name = "docker0", .addresses = {"172.17.0.1/16"}, .bridge = true},
      {.name = "ib0", .addresses = {"10.0.0.3/16", "10.1.0.3/16"}}};
  EXPECT_THAT(no_message(3, milliseconds(30'000), "n2", interfaces, environment_of({})),
              AllOf(HasSubstr("rank 3 on n2: all ranks have begun"), HasSubstr("within 30 s"),
                    HasSubstr("docker0 172.17.0.1/16 (a bridge inside this machine), "
                              "ib0 10.0.0.3/16 10.1.0.3/16; Open MPI tries all of them"),
                    HasSubstr("`mpirun --mca btl_tcp_if_include ib0 --mca oob_tcp_if_include ib0`"),
                    HasSubstr("`export OMPI_MCA_btl_tcp_if_include=ib0`")));
  EXPECT_THAT(no_message(0, milliseconds(30'000), "n2", interfaces,
                         environment_of({{"OMPI_MCA_btl_tcp_if_include", "docker0"}})),
              AllOf(HasSubstr("Open MPI takes docker0 (OMPI_MCA_btl_tcp_if_include)"),
                    Not(HasSubstr("tries all"))));
  EXPECT_THAT(no_message(0, milliseconds(30'000), "n2", {}, environment_of({})),
              HasSubstr("Networks of n2: none"));
}

TEST(Watch, SpeaksOnceIfNobodyHasEndedIt) {
  std::atomic<int> said{0};
  {
    const Watch watch(milliseconds(60), [&] { ++said; });
    std::this_thread::sleep_for(milliseconds(400));
  }
  EXPECT_EQ(said, 1);
  {
    const Watch watch(milliseconds(60'000), [&] { ++said; });
  }
  EXPECT_EQ(said, 1) << "what has ended in time is not late";
}

}  // namespace
}  // namespace explaind
