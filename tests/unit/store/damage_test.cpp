// What a child process finds out about a file, and what is said where it crashes or never ends.

#include "store/damage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>

#include "unit/temporary_folder.hpp"

namespace explaind::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using At = std::function<void(const std::string& object)>;
using std::chrono::milliseconds;

/// A file that begins as HDF5's do, looked at by a child that does `walk`: what is said of it, and
/// "" where nothing is.
class Damage : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  std::string said(const WalkOfFile& walk, milliseconds patience = milliseconds(20000)) const {
    const std::filesystem::path file = folder / "a.h5";
    std::ofstream(file, std::ios::binary) << "\x89HDF\r\n\x1a\n";
    const std::optional<DataError> damage = damage_of(file, patience, walk);
    return damage ? damage->what() : "";
  }
};

TEST_F(Damage, AChildThatNeverEndsIsEndedAfterItsTime) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string message = said(
      [](const std::filesystem::path&, const At& at) -> std::string {
        at("psi");
        at("provenance/tokens");
        for (;;) pause();
      },
      milliseconds(300));
  EXPECT_THAT(message, AllOf(HasSubstr("a.h5"),
                             HasSubstr("does not come to an end at provenance/tokens within 0.3 s"),
                             HasSubstr("Copy it again")));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(300));
}

TEST_F(Damage, ACrashIsSaidWithItsPlace) {
  const std::string message = said([](const std::filesystem::path&, const At& at) -> std::string {
    at("/");
    std::raise(SIGSEGV);
    return "";
  });
  EXPECT_THAT(message, HasSubstr("HDF5 crashes at the file's own attributes (Segmentation fault)"));
  EXPECT_THAT(said([](const std::filesystem::path&, const At&) -> std::string { std::abort(); }),
              HasSubstr("HDF5 crashes at its beginning (Aborted)"));
  EXPECT_THAT(said([](const std::filesystem::path&, const At&) -> std::string { _exit(3); }),
              HasSubstr("HDF5 crashes at its beginning"));
}

TEST_F(Damage, AComplaintIsSaidAndASoundFileIsNot) {
  EXPECT_THAT(
      said([](const std::filesystem::path&, const At&) { return std::string("psi is\ntoo long"); }),
      HasSubstr("damaged: psi is too long"));
  EXPECT_EQ(said([](const std::filesystem::path&, const At&) { return std::string(); }), "");
  EXPECT_EQ(said([](const std::filesystem::path&, const At&) -> std::string {
              throw DataError("", "an error that HDF5 reports");
            }),
            "");
}

}  // namespace
}  // namespace explaind::testing
