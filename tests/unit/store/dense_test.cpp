// Scores of single scalars in a store: layout, parts in any order, checksums, queries.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "comm/communicator.hpp"
#include "core/error.hpp"
#include "store/query.hpp"
#include "store/store_reader.hpp"
#include "unit/store/small_store.hpp"

namespace explaind::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// Tensors of 2 × 2; of one a convolution's kernel.
StoreSchema dense_schema(const Axes& axes, bool single_precision = false) {
  StoreSchema schema = small_schema(axes, single_precision);
  std::vector<ParameterInfo> parameters = schema.components.parameters();
  parameters[2].shape = {3, 2, 2, 1};
  parameters[3].shape = {5};
  schema.components = ComponentTable(Granularity::tensor, parameters);
  schema.dense = true;
  schema.balance = true;
  return schema;
}

int64_t size_of(const ParameterInfo& parameter) {
  int64_t size = 1;
  for (const int64_t each : parameter.shape) size *= each;
  return size;
}

/// Distinct for all of them, exact in fp32. row: sample or group of the store.
double scalar(int64_t segment, int64_t row, int64_t tensor, int64_t element) {
  return static_cast<double>(((segment * 5 + row) * 6 + tensor) * 12 + element) + 0.75;
}

int64_t rows_of(const StoreSchema& schema, const Unit& unit) {
  if (schema.axes.sample) return unit.sample_end - unit.sample_begin;
  return schema.axes.group ? static_cast<int64_t>(schema.group_names.size()) : 1;
}

/// The last tensor, row and part first.
void write_dense_unit(StoreWriter& writer, const StoreSchema& schema, int64_t index) {
  ScoreTile tile = tile_of(schema, index);
  tile.psi_abs = tile.psi;
  for (double& value : tile.psi_abs) value += 0.25;
  tile.balance = tile.psi;
  for (double& value : tile.balance) value -= 0.125;
  const auto tensors = static_cast<int64_t>(schema.components.parameters().size());
  for (int64_t tensor = tensors - 1; tensor >= 0; --tensor) {
    const ParameterInfo& parameter = schema.components.parameters()[static_cast<size_t>(tensor)];
    const int64_t rows = parameter.shape[0], row_size = size_of(parameter) / rows;
    for (int64_t row = rows_of(schema, tile.unit) - 1; row >= 0; --row) {
      std::vector<double> scores;
      const int64_t place = (schema.axes.sample ? tile.unit.sample_begin : 0) + row;
      for (int64_t i = 0; i < size_of(parameter); ++i) {
        scores.push_back(scalar(tile.unit.segment, place, tensor, i));
      }
      const std::span<const double> all(scores);
      for (const auto& [first, count] :
           {std::pair{rows / 2, rows - rows / 2}, {int64_t{0}, rows / 2}}) {
        writer.write_dense(tile.unit,
                           {.tensor = tensor,
                            .row = row,
                            .first = first,
                            .count = count,
                            .scores = all.subspan(static_cast<size_t>(first * row_size),
                                                  static_cast<size_t>(count * row_size))});
      }
    }
  }
  writer.write(tile);
}

void write_dense_store(const std::filesystem::path& path, const StoreSchema& schema) {
  create_store(path, schema, true);
  StoreWriter writer(path, schema, Communicator::self());
  for (int64_t unit = 0; unit < schema.units.size(); ++unit) {
    write_dense_unit(writer, schema, unit);
  }
  writer.close();
}

class Dense : public ::testing::TestWithParam<std::tuple<Axes, bool>> {
 protected:
  StoreSchema schema() const {
    return dense_schema(std::get<0>(GetParam()), std::get<1>(GetParam()));
  }
};

TEST_P(Dense, EveryScalarIsWhereItBelongs) {
  const TemporaryFile file;
  const StoreSchema given = schema();
  write_dense_store(file.path(), given);
  const StoreReader store(file.path());
  const int64_t rows = given.axes.sample ? 5 : rows_of(given, given.units.unit(0));
  for (int64_t tensor = 0; tensor < 6; ++tensor) {
    const ParameterInfo& parameter = given.components.parameters()[static_cast<size_t>(tensor)];
    const std::vector<double> values = store.read("parameter/" + parameter.name);
    const int64_t size = size_of(parameter);
    ASSERT_EQ(static_cast<int64_t>(values.size()), 3 * rows * size);
    for (int64_t i = 0; i < static_cast<int64_t>(values.size()); ++i) {
      ASSERT_EQ(values[static_cast<size_t>(i)],
                scalar(i / size / rows, i / size % rows, tensor, i % size));
    }
  }
  EXPECT_EQ(store.read("psi_abs")[1], store.read("psi")[1] + 0.25);
  EXPECT_EQ(store.read("balance")[1], store.read("psi")[1] - 0.125);
}

TEST_P(Dense, ChecksumsCoverThemInTheFilesOrder) {
  const TemporaryFile file;
  const StoreSchema given = schema();
  write_dense_store(file.path(), given);
  EXPECT_THAT(resume_store(file.path(), given).units, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Axes, Dense,
                         ::testing::Combine(::testing::Values(Axes{true, false, false},
                                                              Axes{false, true, false},
                                                              Axes{false, false, false}),
                                            ::testing::Bool()));

TEST(DenseDamage, LosesTheUnitItsMark) {
  const TemporaryFile file;
  const StoreSchema schema = dense_schema({});
  write_dense_store(file.path(), schema);
  {
    std::fstream stream(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream),
                            std::istreambuf_iterator<char>()};
    const double value = scalar(1, 3, 2, 7);  // segment 1, the second of its three units
    const size_t at = bytes.find({reinterpret_cast<const char*>(&value), sizeof(value)});
    ASSERT_NE(at, std::string::npos);
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(static_cast<char>(bytes[at] ^ 1));
  }
  const StoreRemainder left = resume_store(file.path(), schema);
  EXPECT_EQ(left.damaged, 1);
  EXPECT_THAT(left.units, ElementsAre(4));
}

TEST(DenseLayout, NamesEveryAxisOfEveryTensor) {
  const TemporaryFile file;
  write_dense_store(file.path(), dense_schema({}));
  const StoreReader store(file.path());
  EXPECT_THAT(store.variable("parameter/embed").dims,
              ElementsAre("segment", "sample", "parameter/row_2", "parameter/column_2"));
  EXPECT_THAT(store.variable("parameter/l0.up").dims,
              ElementsAre("segment", "sample", "parameter/row_3", "parameter/column_2",
                          "parameter/kernel_row_2", "parameter/kernel_column_1"));
  EXPECT_THAT(store.variable("parameter/l1.q").shape, ElementsAre(3, 5, 5));
  EXPECT_EQ(store.attribute("psi_abs", "summed_inside_absolute_value"), "train_sample position");
  EXPECT_EQ(store.attribute("psi_abs", "summed_outside_absolute_value"), "parameter");
  EXPECT_FALSE(store.has("parameter"));
  EXPECT_FALSE(store.has("parameter/other"));
  EXPECT_FALSE(store.has("other/embed"));
  EXPECT_FALSE(store.has("/embed"));
}

/// The last three tensors called so.
StoreSchema schema_with_names(const Axes& axes, const std::vector<std::string>& names) {
  StoreSchema schema = dense_schema(axes);
  std::vector<ParameterInfo> parameters = schema.components.parameters();
  for (size_t i = 0; i < names.size(); ++i) parameters.at(3 + i).name = names[i];
  schema.components = ComponentTable(Granularity::tensor, parameters);
  return schema;
}

TEST(DenseNames, ATensorMayBeCalledLikeACertificateOrACoordinate) {
  const TemporaryFile file;
  const std::vector<std::string> names{"residual", "length", "committed"};
  const StoreSchema schema = schema_with_names({}, names);
  write_dense_store(file.path(), schema);
  EXPECT_THAT(resume_store(file.path(), schema).units, IsEmpty());
  const StoreReader store(file.path());
  // Everything has its own values: the root's, and the tensor's.
  EXPECT_EQ(store.read("residual")[4], certificate(0, 4) + 2);
  EXPECT_THAT(store.numbers("length"), ElementsAreArray(schema.sample_lengths));
  EXPECT_THAT(store.read("committed"), Each(1));
  for (int64_t tensor = 0; tensor < 6; ++tensor) {
    const ParameterInfo& parameter = schema.components.parameters()[static_cast<size_t>(tensor)];
    const std::vector<double> values = store.read("parameter/" + parameter.name);
    ASSERT_EQ(static_cast<int64_t>(values.size()), 3 * 5 * size_of(parameter)) << parameter.name;
    EXPECT_EQ(values.back(), scalar(2, 4, tensor, size_of(parameter) - 1)) << parameter.name;
  }
  std::vector<std::string> listed;
  for (const StoredVariable& each : store.dense_variables()) listed.push_back(each.name);
  EXPECT_THAT(listed, UnorderedElementsAre("parameter/embed", "parameter/l0.q", "parameter/l0.up",
                                           "parameter/residual", "parameter/length",
                                           "parameter/committed"));
  // Others in the group stay, and a coordinate there is one.
  EXPECT_EQ(store.read("parameter/value_from"), store.read("value_from"));
  EXPECT_EQ(store.attribute("parameter/embed", "coordinates"), "step_from step_to id group");
  EXPECT_THAT(store.attribute("psi", "coordinates"), HasSubstr("length"));
}

TEST(DenseNames, ATensorCalledLikeADimensionIsRefusedBeforeAnythingIsWritten) {
  const std::vector<std::pair<std::string, Axes>> cases{
      {"segment", {}},   {"sample", {}}, {"group", {false, true, false}},
      {"parameter", {}}, {"row_2", {}},  {"kernel_column_1", {}},
      {"group", {}},     {"row", {}},    {"output", {}}};
  std::vector<std::string> refused;
  for (const auto& [name, axes] : cases) {
    const TemporaryFile file;
    try {
      create_store(file.path(), schema_with_names(axes, {name}), true);
      EXPECT_TRUE(std::filesystem::exists(file.path()));
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("tensor '" + name + "': has the name of a dimension"));
      EXPECT_FALSE(std::filesystem::exists(file.path()));
      refused.push_back(name);
    }
  }
  // The last are no dimensions of these stores.
  EXPECT_THAT(refused, ElementsAre("segment", "sample", "group", "row_2", "kernel_column_1"));
}

TEST(DenseQuery, SumsAndSelectsByAxesOfTheTensor) {
  const TemporaryFile file;
  write_dense_store(file.path(), dense_schema({}));
  const StoreReader store(file.path());
  Query query;
  query.variable = "parameter/l0.up";
  query.group_by = {"row"};
  query.select = {"step=10", "sample=b", "column=1"};
  const QueryResult rows = run(store, query);  // 3 rows, of each 2 of the 4 scalars
  ASSERT_EQ(rows.values.size(), 3U);
  for (int64_t row = 0; row < 3; ++row) {
    EXPECT_EQ(rows.values[static_cast<size_t>(row)],
              scalar(0, 1, 2, 4 * row + 2) + scalar(0, 1, 2, 4 * row + 3));
    EXPECT_EQ(rows.keys[static_cast<size_t>(row)], std::vector{std::to_string(row)});
  }
  query.group_by = {"group"};
  query.select = {"step=10"};
  EXPECT_EQ(run(store, query).keys, (std::vector<std::vector<std::string>>{{"de"}, {"en"}}));
  query.group_by.clear();
  query.select.clear();
  query.sum = {"segment"};
  query.whole = true;
  const QueryResult array = run(store, query);
  EXPECT_THAT(array.shape, ElementsAre(5, 3, 2, 2, 1));
  EXPECT_EQ(array.values[13], scalar(0, 1, 2, 1) + scalar(1, 1, 2, 1) + scalar(2, 1, 2, 1));
}

TEST(DenseDefect, APartOfAnotherSizeIsRefused) {
  const TemporaryFile file;
  const StoreSchema schema = dense_schema({});
  create_store(file.path(), schema, true);
  StoreWriter writer(file.path(), schema, Communicator::self());
  const std::vector<double> three(3);
  EXPECT_THROW(writer.write_dense(schema.units.unit(0), {.count = 2, .scores = three}), Error);
}

}  // namespace
}  // namespace explaind::testing
