// A command of the user's: its words, its end, what is said of it.

#include "staging/fetch.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "core/error.hpp"
#include "unit/temporary_folder.hpp"

namespace explaind {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

TEST(FetchCommand, PutsWordsInForPlaces) {
  const FetchCommand command("get {revision} at {step} --to={dir} {revision} {other}");
  EXPECT_EQ(command.of("step-7", 7, "/a/b"), "get step-7 at 7 --to=/a/b step-7 {other}");
}

TEST(FetchCommand, WordsAreOneWordToTheShell) {
  const TemporaryFolder folder;
  const FetchCommand command("printf '%s|' {revision} {dir}; exit 3");
  const std::string said =
      run_command(command.of("a b;$(x)'q", 1, "/with space/{revision}"), folder.path() / "log");
  EXPECT_EQ(said, "exited with 3: a b;$(x)'q|/with space/{revision}|");
}

TEST(FetchCommand, NeedsItsPlaces) {
  EXPECT_THROW(FetchCommand("cp {revision} x"), UsageError);
  EXPECT_THROW(FetchCommand("cp x {dir}"), UsageError);
}

TEST(RunCommand, SaysHowItEnded) {
  const TemporaryFolder folder;
  const auto run = [&](const std::string& command) {
    return run_command(command, folder.path() / "log");
  };
  EXPECT_EQ(run("echo fine; true"), "");
  EXPECT_EQ(run("false"), "exited with 1: it printed nothing");
  EXPECT_EQ(run("echo one; echo two >&2; exit 7"), "exited with 7: one two");
  EXPECT_EQ(run("kill -9 $$"), "was ended by signal 9: it printed nothing");
  EXPECT_THAT(run("/no/such/program"), HasSubstr("exited with 127"));
  EXPECT_EQ(run("cat; exit 2"), "exited with 2: it printed nothing") << "it has no input";
  const std::string many = run("seq 100000; exit 1");
  EXPECT_THAT(many, AllOf(HasSubstr("100000"), HasSubstr("…")));
  EXPECT_LT(many.size(), 400U);
}

TEST(RunCommand, NeedsAPlaceForWhatIsPrinted) {
  const TemporaryFolder folder;
  EXPECT_THROW(run_command("true", folder.path() / "no" / "log"), DataError);
}

}  // namespace
}  // namespace explaind
