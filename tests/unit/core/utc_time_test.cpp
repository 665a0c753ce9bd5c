#include "core/utc_time.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <ctime>

namespace explaind {
namespace {

TEST(UtcTime, IsNowWhateverTheTimeZone) {
  setenv("TZ", "Asia/Tokyo", 1);
  tzset();
  const std::string text = utc_now();
  std::tm read{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &read);
  ASSERT_NE(end, nullptr) << text;
  EXPECT_EQ(*end, '\0') << text;
  EXPECT_LE(std::abs(std::difftime(timegm(&read), std::time(nullptr))), 60) << text;
  unsetenv("TZ");
  tzset();
}

}  // namespace
}  // namespace explaind
