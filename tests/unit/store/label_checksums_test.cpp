// Checksums of labels: what a store says of them, and that another label has another one.

#include "store/label_checksums.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "store/store_reader.hpp"
#include "unit/store/small_store.hpp"

namespace explaind::testing {
namespace {

/// zlib's own, in eight digits.
std::string by_zlib(const std::string& bytes) {
  const auto crc =
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size()));
  char text[9] = {};
  std::snprintf(text, sizeof text, "%08lx", static_cast<unsigned long>(crc));
  return text;
}

TEST(LabelChecksums, AreThoseOfTheValuesAsText) {
  const std::vector<Labels> labels{
      {"step_to", "segment", "", std::vector<int64_t>{10, -7}},
      {"id", "sample", "", std::vector<std::string>{"a", "", "é"}},
      {"provenance/unit", "provenance/unit", "", std::vector<int64_t>{0}}};
  EXPECT_EQ(label_checksums(labels), "step_to " + by_zlib(std::string("10\0-7\0", 6)) + " id " +
                                         by_zlib(std::string("a\0\0é\0", 6)));
}

TEST(LabelChecksums, OfAStoreAreThoseOfItsLabels) {
  for (const Axes& axes : {Axes{true, false, true}, Axes{false, true, false}}) {
    const TemporaryFile file;
    write_store(file.path(), small_schema(axes));
    const StoreReader store(file.path());
    const std::map<std::string, std::string> stored = stored_label_checksums(store);
    for (const char* name : {"step_from", "id", "component", "kind", "layer"}) {
      ASSERT_TRUE(stored.contains(name)) << name;
      EXPECT_EQ(stored.at(name), label_checksum(store, name)) << name;
    }
    EXPECT_NE(stored.at("layer"), stored.at("kind"));
  }
}

}  // namespace
}  // namespace explaind::testing
