// Version 2 of the layout: what nobody wrote is missing, texts are arrays of characters, all that a
// reader needs first lies in front of the scores, and files of other versions are refused.

#include "store/layout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5_hl.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <regex>

#include "core/error.hpp"
#include "store/hdf5.hpp"
#include "store/store_reader.hpp"
#include "unit/store/small_store.hpp"

namespace explaind::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const DataError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Layout, WhatNoUnitWroteIsMissing) {
  for (const bool single : {false, true}) {
    const TemporaryFile file;
    write_store(file.path(), small_schema({}, single), {4});  // segment 1, samples c and d
    const StoreReader store(file.path());
    const std::vector<double> psi = store.read("psi"), residual = store.read("residual"),
                              nodes = store.read("node_count"), met = store.read("tolerance_met"),
                              seconds = store.read("seconds");
    for (size_t pair = 0; pair < residual.size(); ++pair) {
      const bool there = pair == 7 || pair == 8;
      EXPECT_EQ(std::isnan(residual[pair]), !there) << pair;
      EXPECT_EQ(nodes[pair], there ? 10 : -2147483647.0) << pair;
      EXPECT_EQ(met[pair] == -127, !there) << pair;
      for (size_t c = 0; c < 6; ++c) ASSERT_EQ(std::isnan(psi[6 * pair + c]), !there) << pair;
    }
    for (size_t unit = 0; unit < seconds.size(); ++unit) {
      EXPECT_EQ(std::isnan(seconds[unit]), unit != 4);
    }
    EXPECT_EQ(store.read("checksum")[0], 0);
  }
}

/// "NAME TYPE DIM …" of the rows of layout.md's table whose variables have one value a sample, or
/// an output of it.
std::vector<std::string> documented_certificates() {
  std::ifstream file(EXPLAIND_TEST_DATA "/../../src/store/layout.md");
  const std::regex row("\\| (`.*`) \\| (f64|i32|i8) \\| (segment, sample[^;|]*)[;|].*");
  const std::regex name("`([a-z_]+)`"), dim("[a-z]+");
  std::vector<std::string> found;
  std::smatch cells;
  for (std::string line; std::getline(file, line);) {
    if (!std::regex_match(line, cells, row)) continue;
    const std::string names = cells[1], dims = cells[3];
    if (names == "`config_change`") continue;  // known when the store is made
    for (std::sregex_iterator n(names.begin(), names.end(), name), end; n != end; ++n) {
      found.push_back((*n)[1].str() + " " + cells[2].str());
      for (std::sregex_iterator d(dims.begin(), dims.end(), dim); d != end; ++d) {
        found.back() += " " + d->str();
      }
    }
  }
  return found;
}

TEST(Layout, CertificatesAreThoseOfTheDocument) {
  std::vector<std::string> stored;
  for (const Variable& each : certificate_variables(small_schema({.output = true}))) {
    const bool real = H5Tequal(each.type, H5T_IEEE_F64LE) > 0;
    const bool flag = H5Tequal(each.type, H5T_STD_I8LE) > 0;
    EXPECT_EQ(H5Tequal(each.type, H5T_STD_I32LE) > 0, !real && !flag) << each.name;
    stored.push_back(each.name + (real ? " f64" : flag ? " i8" : " i32"));
    for (const std::string& dim : each.dims) stored.back() += " " + dim;
  }
  EXPECT_EQ(stored.size(), 7U);
  EXPECT_THAT(documented_certificates(), ::testing::ElementsAreArray(stored));
}

/// What HDF5 says is missing, and what the attribute for readers of netCDF says.
template <typename T>
std::pair<T, T> fills(hid_t file, const char* name, hid_t type) {
  const hdf5::Handle dataset(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose, name, "opening");
  const hdf5::Handle list(H5Dget_create_plist(dataset.get()), H5Pclose, name,
                          "H5Dget_create_plist");
  std::pair<T, T> found{};
  hdf5::check(H5Pget_fill_value(list.get(), type, &found.first), name, "H5Pget_fill_value");
  if (H5Aexists(dataset.get(), "_FillValue") <= 0) {
    found.second = 1;
    return found;
  }
  const hdf5::Handle attribute(H5Aopen(dataset.get(), "_FillValue", H5P_DEFAULT), H5Aclose, name,
                               "opening");
  hdf5::check(H5Aread(attribute.get(), type, &found.second), name, "H5Aread");
  return found;
}

TEST(Layout, FillValuesAreThoseOfNetcdfAndTheAttributeMatches) {
  const TemporaryFile file;
  write_store(file.path(), small_schema({}, true), {0});
  const hdf5::Handle store(H5Fopen(file.path().c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "",
                           "opening");
  const auto psi = fills<float>(store.get(), "psi", H5T_NATIVE_FLOAT);
  EXPECT_TRUE(std::isnan(psi.first) && std::isnan(psi.second));
  const auto residual = fills<double>(store.get(), "residual", H5T_NATIVE_DOUBLE);
  EXPECT_TRUE(std::isnan(residual.first) && std::isnan(residual.second));
  EXPECT_EQ(fills<int>(store.get(), "node_count", H5T_NATIVE_INT),
            std::pair(-2147483647, -2147483647));
  EXPECT_EQ(fills<int>(store.get(), "tolerance_met", H5T_NATIVE_INT), std::pair(-127, -127));
  // What is always there is never missing: no attribute, but no zero that readers would mask
  // either.
  EXPECT_EQ(fills<int>(store.get(), "committed", H5T_NATIVE_INT), std::pair(-127, 1));
  EXPECT_EQ(fills<int>(store.get(), "step_from", H5T_NATIVE_INT), std::pair(-2147483647, 1));
}

TEST(Layout, NumbersHave32BitsWhereTheyFit) {
  const TemporaryFile file;
  StoreSchema schema = small_schema();
  schema.step_to = {10, 100, int64_t{1} << 40};
  write_store(file.path(), schema);
  const hdf5::Handle store(H5Fopen(file.path().c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "",
                           "opening");
  const auto stored_as = [&](const char* name, hid_t type) {
    const hdf5::Handle dataset(H5Dopen2(store.get(), name, H5P_DEFAULT), H5Dclose, name, "opening");
    const hdf5::Handle own(H5Dget_type(dataset.get()), H5Tclose, name, "H5Dget_type");
    return H5Tequal(own.get(), type) > 0;
  };
  EXPECT_TRUE(stored_as("step_from", H5T_STD_I32LE));
  EXPECT_TRUE(stored_as("step_to", H5T_STD_I64LE));
  EXPECT_TRUE(stored_as("layer", H5T_STD_I32LE));
  EXPECT_TRUE(stored_as("committed", H5T_STD_I8LE));
  EXPECT_THAT(StoreReader(file.path()).numbers("step_to"), ElementsAre(10, 100, int64_t{1} << 40));
}

/// Overwrites the file from the scores on.
void destroy_scores(const std::filesystem::path& path) {
  haddr_t first = HADDR_UNDEF;
  {
    const hdf5::Handle store(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "",
                             "opening");
    const hdf5::Handle psi(H5Dopen2(store.get(), "psi", H5P_DEFAULT), H5Dclose, "", "opening");
    first = H5Dget_offset(psi.get());
  }
  const auto size = std::filesystem::file_size(path);
  ASSERT_LT(first, size);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(first));
  file << std::string(size - first, '\x55');
}

/// Components enough for scores that do not fit in front with the rest.
StoreSchema wide_schema(const Axes& axes, bool scalars, int64_t documents) {
  StoreSchema schema = schema_with_parts(axes, false);
  std::vector<ParameterInfo> parameters;
  for (int i = 0; i < 300; ++i) {
    ParameterInfo parameter;
    parameter.name = "model.layers." + std::to_string(i) + ".mlp.up_proj.weight";
    parameter.shape = {8 + i % 7, 40};
    parameter.layer = i;
    parameter.layer_name = "layer." + std::to_string(i);
    parameter.kind = "mlp";
    parameters.push_back(parameter);
  }
  schema.components =
      ComponentTable(scalars ? Granularity::tensor : Granularity::row, std::move(parameters));
  schema.dense = scalars;
  for (int64_t i = 0; i < documents; ++i) {
    schema.provenance.emplace_back("inputs" + std::to_string(i), std::string(100000, 'x'));
  }
  return schema;
}

TEST(Layout, EverythingThatAReaderNeedsFirstLiesInFront) {
  for (const bool scalars : {false, true}) {
    for (const Axes& axes :
         {Axes{}, Axes{.sample = false, .group = true}, Axes{.train_sample = true}}) {
      if (scalars && axes.train_sample) continue;
      const TemporaryFile file;
      const StoreSchema schema = wide_schema(axes, scalars, 2);
      create_store(file.path(), schema, true);
      const StoreReader whole(file.path());
      const auto attributes = whole.attributes();
      const auto names = whole.texts("component");
      const auto size = std::filesystem::file_size(file.path());
      ASSERT_NO_FATAL_FAILURE(destroy_scores(file.path()));
      const StoreReader cut(file.path());
      EXPECT_EQ(cut.attributes(), attributes);
      EXPECT_EQ(cut.texts("component"), names);
      EXPECT_EQ(cut.texts("id"), schema.sample_ids);
      EXPECT_EQ(cut.read("committed").front(), 0);
      EXPECT_TRUE(std::isnan(cut.read("residual").back()));
      for (const StoredVariable& variable : cut.variables()) {
        EXPECT_FALSE(cut.attribute(variable.name, "long_name").empty()) << variable.name;
      }
      for (const StoredVariable& variable : cut.dense_variables()) {
        EXPECT_EQ(variable.dims.size(), 4U) << variable.name;
      }
      EXPECT_EQ(std::filesystem::file_size(file.path()), size);
    }
  }
}

TEST(Layout, SaysItsSizes) {
  const TemporaryFile file;
  write_store(file.path(), small_schema({.position = true}), {0});
  const StoreReader store(file.path());
  const std::map<std::string, int64_t> expected{
      {"segment", 3}, {"sample", 5}, {"position", 4}, {"component", 6}};
  EXPECT_EQ(store.sizes(), expected);
  EXPECT_THAT(store.numbers("length"), ElementsAre(4, 2, 3, 4, 1));
}

TEST(Layout, LongProvenanceIsKept) {
  const TemporaryFile file;
  StoreSchema schema = small_schema();
  const std::string inputs(300000, 'x'), configuration(70000, 'y');
  schema.provenance = {{"configuration", configuration}, {"inputs", inputs}, {"revision", "abc"}};
  write_store(file.path(), schema);
  const auto found = StoreReader(file.path()).attributes();
  EXPECT_THAT(found, ::testing::IsSupersetOf(schema.provenance));
}

/// Gives the file another version: a number, or a text.
void set_version(const std::filesystem::path& path, int number, const std::string& text) {
  const hdf5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose, "",
                          "opening");
  H5Adelete(file.get(), "store_version");
  if (text.empty()) {
    hdf5::check(H5LTset_attribute_int(file.get(), "/", "store_version", &number, 1), "", "writing");
  } else {
    hdf5::check(H5LTset_attribute_string(file.get(), "/", "store_version", text.c_str()), "",
                "writing");
  }
}

TEST(LayoutVersion, OthersAreRefused) {
  const TemporaryFile file;
  write_store(file.path(), small_schema());
  for (const int number : {3, 0, -1, 12, 22}) {
    set_version(file.path(), number, "");
    EXPECT_THAT(refusal([&] { StoreReader{file.path()}; }),
                HasSubstr("store version '" + std::to_string(number) + "' is not known"));
  }
  for (const std::string text : {"3", "2.1", "two", "21", "1x", " "}) {
    set_version(file.path(), 0, text);
    EXPECT_THAT(refusal([&] { StoreReader{file.path()}; }), HasSubstr("is not known")) << text;
  }
  for (const std::string text : {"1", "2"}) {  // as another program may have written it
    set_version(file.path(), 0, text);
    EXPECT_EQ(refusal([&] { StoreReader{file.path()}; }), "accepted") << text;
  }
}

TEST(LayoutVersion, NetcdfsOlderFormatsAreNamed) {
  const TemporaryFile file;
  std::ofstream(file.path()) << "CDF\x05" << std::string(64, '\0');
  EXPECT_THAT(refusal([&] { StoreReader{file.path()}; }), HasSubstr("nccopy -k nc4"));
}

TEST(Labels, ThatHoldANulAreRefused) {
  using Change = std::function<void(StoreSchema&, const std::string&)>;
  const std::string text("a\0b", 3);
  const std::map<std::string, std::pair<Axes, Change>> cases{
      {"name of the sample", {{}, [](auto& s, auto& t) { s.sample_ids[1] = t; }}},
      {"group of the sample", {{}, [](auto& s, auto& t) { s.sample_groups[4] = t; }}},
      {"group of samples",
       {{.sample = false, .group = true}, [](auto& s, auto& t) { s.group_names[0] = t; }}},
      {"name of the training sample",
       {{.train_sample = true}, [](auto& s, auto& t) { s.train_ids[2] = t; }}},
      {"group of the training sample",
       {{.train_sample = true}, [](auto& s, auto& t) { s.train_groups[2] = t; }}},
      {"group of training samples",
       {{.train_group = true}, [](auto& s, auto& t) { s.train_group_names[1] = t; }}},
      {"output of the model", {{.output = true}, [](auto& s, auto& t) { s.outputs[2] = t; }}},
      {"part of the model", {{}, [](auto& s, auto& t) {
                               ParameterInfo parameter;
                               parameter.name = t;
                               parameter.shape = {2};
                               s.components = ComponentTable(Granularity::tensor, {parameter});
                             }}}};
  for (const auto& [what, each] : cases) {
    const TemporaryFile file;
    StoreSchema schema = schema_with_parts(each.first);
    each.second(schema, text);
    EXPECT_THAT(refusal([&] { create_store(file.path(), schema, true); }), HasSubstr(what));
    EXPECT_FALSE(std::filesystem::exists(file.path()));
  }
}

}  // namespace
}  // namespace explaind::testing
