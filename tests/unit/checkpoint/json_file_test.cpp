#include "checkpoint/json_file.hpp"

#include <gmock/gmock.h>

#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

using testing::data_error;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_bytes;

TEST(ParseJson, RefusesEachWayToBeBroken) {
  const auto message = [](const std::string& text) {
    return data_error([&] { parse_json(text, "config.json"); });
  };
  EXPECT_THAT(message("{\"a\": }"), HasSubstr("config.json: broken JSON: parse error at line 1"));
  EXPECT_THAT(message(""), HasSubstr("broken JSON"));
  EXPECT_THAT(message("\"\xff\""), HasSubstr("ill-formed UTF-8"));
  EXPECT_THAT(message(std::string("{}\0{", 4)), HasSubstr("it holds a zero byte"));
  EXPECT_THAT(message("1e999"), HasSubstr("broken JSON"));
  EXPECT_THAT(message(R"({"x": {"a": 1, "b": {"a": 1}, "a": 2}})"),
              HasSubstr("the key \"a\" is given twice"));
  EXPECT_THAT(message(std::string(1000000, '[')), HasSubstr("nested deeper than 64"));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_THAT(message(objects), HasSubstr("nested deeper than 64"));
}

TEST(ParseJson, TakesWhatIsLegal) {
  EXPECT_EQ(parse_json(R"([{"a": 1}, {"a": 2}])", "x").size(), 2U);
  EXPECT_NO_THROW(parse_json(std::string(64, '[') + std::string(64, ']'), "x"));
}

TEST(ReadJson, NamesTheFile) {
  const TemporaryFolder directory;
  write_bytes(directory / "list.json", "[1]");
  EXPECT_THAT(data_error([&] { read_json_object(directory / "list.json"); }),
              HasSubstr("list.json: is not a JSON object"));
  EXPECT_THAT(data_error([&] { read_json_object(directory / "none.json"); }),
              HasSubstr("none.json: No such file or directory"));
  EXPECT_THAT(data_error([&] { read_text_file(directory.path()); }), HasSubstr("directory"));
}

}  // namespace
}  // namespace explaind
