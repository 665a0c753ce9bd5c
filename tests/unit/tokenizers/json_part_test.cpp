// Numbers of tokenizer.json as the tokenizers library reads them.

#include "tokenizers/json_part.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "unit/temporary_folder.hpp"

namespace explaind {
namespace {

TEST(JsonPart, FractionsHaveTheLastBitOfTheLibrary) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "numbers.json")
      << R"({"a": -18.956549741186986, "b": -19.896391258994854, "c": -3.6368699364628876,
             "d": -7.123456954956055, "e": -3.141592653589793e-5, "f": 1e22, "g": 0.0,
             "h": -123456789012345678901234567890.5, "i": 2})";
  const JsonPart part = JsonPart::of_file(folder / "numbers.json");
  const auto number = [&](const char* key) { return part.at(key).value().get<double>(); };
  // Those of tokenizers 0.22.2; of the first three the nearest numbers are others.
  EXPECT_EQ(number("a"), -0x1.2f4e0719f6536p+4);
  EXPECT_EQ(number("b"), -0x1.3e579e5c5cd9dp+4);
  EXPECT_EQ(number("c"), -0x1.d184f43e74f43p+1);
  EXPECT_EQ(number("d"), -0x1.c7e6b80000000p+2);
  EXPECT_EQ(number("e"), -0x1.07893043048cep-15);
  EXPECT_EQ(number("f"), 0x1.0f0cf064dd592p+73);
  EXPECT_EQ(number("g"), 0);
  EXPECT_EQ(number("h"), -0x1.8ee90ff6c373ep+96);
  EXPECT_EQ(number("i"), 2);
}

}  // namespace
}  // namespace explaind
