// What a store says of the whole series: which segments moved F most.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/store_reader.hpp"
#include "unit/store/small_store.hpp"

namespace explaind::testing {
namespace {

using ::testing::ElementsAre;

TEST(StepCurveInStore, IsReadBackInItsPlace) {
  const TemporaryFile file;
  StoreSchema schema = small_schema({}, false);
  schema.curve = step_curve({0, 10, 100, 400, 1000}, {1, 4, 0, 3});
  write_store(file.path(), schema);
  const StoreReader store(file.path());
  EXPECT_THAT(store.variable("explained_share").dims, ElementsAre("interval"));
  EXPECT_THAT(store.read("explained_share"), ElementsAre(0.5, 0.875, 1.0, 1.0));
  EXPECT_THAT(store.read("interval_change"), ElementsAre(4.0, 3.0, 1.0, 0.0));
  EXPECT_THAT(store.numbers("interval_from"), ElementsAre(10, 400, 0, 100));
  EXPECT_THAT(store.numbers("interval_to"), ElementsAre(100, 1000, 10, 400));
  EXPECT_EQ(store.attribute("explained_share", "coordinates"), "interval_from interval_to");
}

TEST(StepCurveInStore, IsNotThereWhereFWasNotComputed) {
  const TemporaryFile file;
  write_store(file.path(), small_schema({}, false));
  const StoreReader store(file.path());
  EXPECT_FALSE(store.has("interval"));
  EXPECT_FALSE(store.has("explained_share"));
}

}  // namespace
}  // namespace explaind::testing
