// What LibTorch says of a fault, as a user reads it.

#include "core/unexpected.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace explaind {
namespace {

std::string said_of_a_fault() {
  try {
    at::zeros({2}).view({3});
  } catch (const std::exception& error) {
    return message_of(error);
  }
  return "nothing was thrown";
}

TEST(MessageOf, LibTorchsErrorsHasNoFrames) {
  using ::testing::HasSubstr;
  EXPECT_THAT(
      said_of_a_fault(),
      ::testing::AllOf(HasSubstr("shape '[3]' is invalid"), HasSubstr("please report it"),
                       ::testing::Not(HasSubstr("frame #")), ::testing::Not(HasSubstr("\n"))));
}

}  // namespace
}  // namespace explaind
