#include "doctor/report_forms.hpp"

#include <gmock/gmock.h>

namespace explaind {
namespace {

using ::testing::HasSubstr;

CheckReport report() {
  CheckReport report;
  report.checkpoints = {{10, "s/10", {{"f", "ab", 7}}}, {20, "s/20", {}}, {30, "s/30", {}}};
  report.findings = {{.kind = Finding::Kind::identical_file,
                      .checkpoints = {0, 2},
                      .where = "f",
                      .text = "f is the same"}};
  report.notes = {"x was passed over"};
  report.files = 1;
  report.bytes = 7;
  return report;
}

TEST(Report, AsATable) {
  const std::string text = report_table(report(), "s", 2);
  EXPECT_THAT(text, HasSubstr("s: 3 checkpoints, 1 weight file of 7 B read in"));
  EXPECT_THAT(text, HasSubstr("note        x was passed over\n"));
  EXPECT_THAT(text, HasSubstr("        10  in doubt\n            f is the same\n        20  ok\n"));
  EXPECT_THAT(text, HasSubstr("\n1 finding: 2 of 3 checkpoints in doubt\n"));
  CheckReport clean = report();
  clean.findings.clear();
  EXPECT_THAT(report_table(clean, "s", 2), HasSubstr("Nothing was found\n"));
}

TEST(Report, AsJson) {
  const nlohmann::ordered_json json = report_json(report(), "s");
  EXPECT_EQ(json["series"], "s");
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["files"], 1);
  EXPECT_EQ(json["bytes"], 7);
  EXPECT_EQ(json["checkpoints"][0]["verdict"], "in doubt");
  EXPECT_EQ(json["checkpoints"][1]["verdict"], "ok");
  EXPECT_EQ(json["checkpoints"][2]["findings"], nlohmann::json({0}));
  EXPECT_EQ(json["checkpoints"][0]["files"][0]["sha256"], "ab");
  EXPECT_EQ(json["findings"][0]["kind"], "identical_file");
  EXPECT_EQ(json["findings"][0]["steps"], nlohmann::json({10, 30}));
  EXPECT_EQ(json["findings"][0]["where"], "f");
  CheckReport clean = report();
  clean.findings.clear();
  EXPECT_EQ(report_json(clean, "s")["ok"], true);
}

TEST(Finding, HasAWordForEachKind) {
  std::vector<std::string> words;
  for (int kind = 0; kind <= static_cast<int>(Finding::Kind::tensor_change); ++kind) {
    const std::string word(word_of(static_cast<Finding::Kind>(kind)));
    EXPECT_NE(word, "");
    EXPECT_EQ(std::count(words.begin(), words.end(), word), 0) << word;
    words.push_back(word);
  }
  EXPECT_EQ(some_of({"a", "b", "c"}), "a, b, c");
  EXPECT_EQ(some_of({"a", "b", "c", "d", "e"}), "a, b, c and 2 more");
}

}  // namespace
}  // namespace explaind
