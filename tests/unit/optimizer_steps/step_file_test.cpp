// The files that a step's parts stream through: what is written is read again, and a file of
// another length is refused before its missing pages end the reader.

#include "optimizer_steps/step_file.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "core/error.hpp"
#include "unit/temporary_folder.hpp"

namespace explaind::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// θ' and two parts of 40 + 6 numbers, each tensor in whole lines of 64 bytes.
StepFile::Layout two_parts() {
  StepFile::Layout layout;
  layout.parameters = {{"a", {5, 8}}, {"b", {6}}};
  layout.end = Dtype::f64;
  layout.parts = 2;
  return layout;
}
constexpr uintmax_t bytes = (320 + 64) + 2 * (192 + 64);

class StepFiles : public ::testing::Test {
 protected:
  std::string refusal() {
    try {
      const StepFile file(path, two_parts(), false);
    } catch (const DataError& error) {
      return error.what();
    }
    return "opened";
  }
  TemporaryFolder folder;
  fs::path path = folder / "step-3";
};

TEST_F(StepFiles, HoldWhatWasWritten) {
  {
    const StepFile file(path, two_parts(), true);
    file.mutable_end(0).fill_(1.5);
    file.mutable_part(0, 1).fill_(2);
    file.mutable_part(1, 0).fill_(3);
    file.mutable_part(1, 1).fill_(4);
    file.sync();
  }
  EXPECT_EQ(fs::file_size(path), bytes);
  const StepFile file(path, two_parts(), false);
  EXPECT_TRUE(at::equal(file.mutable_end(0), at::full({5, 8}, 1.5, at::kDouble)));
  EXPECT_TRUE(at::equal(file.mutable_end(1), at::zeros({6}, at::kDouble)));
  EXPECT_TRUE(at::equal(file.mutable_part(0, 0), at::zeros({5, 8})));
  EXPECT_TRUE(at::equal(file.mutable_part(0, 1), at::full({6}, 2.0F)));
  EXPECT_TRUE(at::equal(file.mutable_part(1, 0), at::full({5, 8}, 3.0F)));
  EXPECT_TRUE(at::equal(file.mutable_part(1, 1), at::full({6}, 4.0F)));
}

TEST_F(StepFiles, OfAnotherLengthAreRefused) {
  { const StepFile file(path, two_parts(), true); }
  EXPECT_EQ(refusal(), "opened");
  for (const uintmax_t length : {uintmax_t{0}, bytes / 2, bytes - 1, bytes + 1}) {
    fs::resize_file(path, length);
    EXPECT_THAT(refusal(), AllOf(HasSubstr(path.string()),
                                 HasSubstr("is " + std::to_string(length) + " bytes long and not " +
                                           std::to_string(bytes))));
  }
  fs::remove(path);
  EXPECT_THAT(refusal(), HasSubstr("cannot be opened: No such file or directory"));
}

}  // namespace
}  // namespace explaind::testing
