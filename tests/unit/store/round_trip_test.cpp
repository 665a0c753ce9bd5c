// What is written is read back in its place, for every choice of axes; files that are refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "core/error.hpp"
#include "store/file_lock.hpp"
#include "store/store_reader.hpp"
#include "unit/store/small_store.hpp"

namespace explaind::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNan;

struct AxesCase {
  std::string name;
  Axes axes;
  std::vector<std::string> dims;
};

class RoundTrip : public ::testing::TestWithParam<AxesCase> {};

TEST_P(RoundTrip, EveryCellIsInItsPlace) {
  const TemporaryFile file;
  const StoreSchema schema = small_schema(GetParam().axes);
  write_store(file.path(), schema);
  const StoreReader store(file.path());
  EXPECT_EQ(store.variable("psi").dims, GetParam().dims);
  const std::vector<double> psi = store.read("psi");
  const int64_t rows = GetParam().axes.sample ? 5 : GetParam().axes.group ? 2 : 1;
  size_t i = 0;
  for (int64_t segment = 0; segment < 3; ++segment) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t position = 0; position < schema.positions; ++position) {
        for (int64_t component = 0; component < 6; ++component) {
          ASSERT_EQ(psi.at(i++), cell(segment, row, position, component));
        }
      }
    }
  }
  EXPECT_EQ(i, psi.size());
}

INSTANTIATE_TEST_SUITE_P(
    Axes, RoundTrip,
    ::testing::Values(AxesCase{"sample", {true, false, false}, {"segment", "sample", "component"}},
                      AxesCase{"sample_position",
                               {true, false, true},
                               {"segment", "sample", "position", "component"}},
                      AxesCase{"group", {false, true, false}, {"segment", "group", "component"}},
                      AxesCase{"group_position",
                               {false, true, true},
                               {"segment", "group", "position", "component"}},
                      AxesCase{"none", {false, false, false}, {"segment", "component"}}),
    [](const auto& each) { return each.param.name; });

TEST(Store, KeepsCertificatesCoordinatesAndProvenance) {
  const TemporaryFile file;
  write_store(file.path(), small_schema());
  const StoreReader store(file.path());
  for (int64_t segment = 0; segment < 3; ++segment) {
    for (int64_t sample = 0; sample < 5; ++sample) {
      const auto at = static_cast<size_t>(5 * segment + sample);
      const double value = certificate(segment, sample);
      EXPECT_EQ(store.read("value_from")[at], value);
      EXPECT_EQ(store.read("value_to")[at], value + 1);
      EXPECT_EQ(store.read("residual")[at], value + 2);
      EXPECT_EQ(store.read("quadrature_error")[at], value + 3);
      EXPECT_EQ(store.read("node_count")[at], static_cast<double>(9 + segment));
      EXPECT_EQ(store.read("tolerance_met")[at], sample % 2 == 0 ? 1 : 0);
      EXPECT_EQ(store.read("limited_by_precision")[at], sample % 2 == 0 ? 0 : 1);
    }
  }
  EXPECT_THAT(store.read("committed"), ::testing::Each(1.0));
  EXPECT_THAT(store.numbers("step_to"), ElementsAre(10, 100, 1000));
  EXPECT_THAT(store.texts("id"), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(store.texts("group"), ElementsAre("de", "en", "de", "de", "en"));
  EXPECT_THAT(store.texts("kind"),
              ElementsAre("embedding", "attention", "mlp", "attention", "mlp", "mlp"));
  EXPECT_THAT(store.numbers("layer"), ElementsAre(-1, 0, 0, 1, 1, 1));
  EXPECT_THAT(store.attributes(), Contains(::testing::Pair("revision", "abc")));
  EXPECT_EQ(store.attribute("psi", "units"), "1");
  EXPECT_EQ(store.unit("psi"), "nat");
  EXPECT_EQ(store.unit("seconds"), "s");
  EXPECT_THAT(store.attribute("psi", "long_name"), HasSubstr("in nats"));
  EXPECT_THAT(store.attribute("psi", "sign_convention"), HasSubstr("negative: lowered"));
}

TEST(Store, SinglePrecisionHalvesPsiAndNothingElse) {
  const TemporaryFile file;
  write_store(file.path(), small_schema({}, true));
  const StoreReader store(file.path());
  EXPECT_EQ(store.read("psi", {2, 4, 3}, {1, 1, 2}),
            (std::vector<double>{cell(2, 4, 0, 3), cell(2, 4, 0, 4)}));
  EXPECT_EQ(store.read("residual")[1], certificate(0, 1) + 2);
}

TEST(Store, OnlyWhatIsWrittenIsCommitted) {
  const TemporaryFile file;
  write_store(file.path(), small_schema(),
              {4, 0});  // segment 1 samples c, d; segment 0 samples a, b
  const StoreReader store(file.path());
  EXPECT_THAT(store.read("committed"), ElementsAre(1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0));
  EXPECT_EQ(store.read("psi", {1, 2, 5}, {1, 1, 1})[0], cell(1, 2, 0, 5));
  EXPECT_THAT(store.read("seconds"),
              ElementsAre(0, IsNan(), IsNan(), IsNan(), 2, IsNan(), IsNan(), IsNan(), IsNan()));
}

std::string data_refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const DataError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Store, IsNotReplacedUnasked) {
  const TemporaryFile file;
  write_store(file.path(), small_schema());
  EXPECT_THAT(data_refusal([&] { create_store(file.path(), small_schema(), false); }),
              AllOf(HasSubstr(file.path().string()), HasSubstr("--overwrite")));
  EXPECT_EQ(StoreReader(file.path()).read("psi")[0], cell(0, 0, 0, 0)) << "the old one is intact";
}

TEST(Store, ReplacesNothingElse) {
  const TemporaryFile file;
  std::ofstream(file.path()) << "a letter";
  EXPECT_THAT(data_refusal([&] { create_store(file.path(), small_schema(), true); }),
              AllOf(HasSubstr(file.path().string()), HasSubstr("no influence store")));
  const hid_t other = H5Fcreate(file.path().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(other);
  EXPECT_THAT(data_refusal([&] { create_store(file.path(), small_schema(), true); }),
              HasSubstr("no influence store"));
}

TEST(Store, IsReplacedWhereALinkLeadsAndTheLinkStays) {
  const TemporaryFile file;
  write_store(file.path(), small_schema(), {1});
  const std::filesystem::path link = file.path().string() + ".link";
  std::filesystem::create_symlink(file.path(), link);
  create_store(link, small_schema(), true);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  std::filesystem::remove(link);
  EXPECT_THAT(StoreReader(file.path()).read("committed"), ::testing::Each(0));
}

TEST(Store, IsNotOpenedForWritingByOthersWhileItIsWritten) {
  const TemporaryFile file;
  write_store(file.path(), small_schema());
  const auto opens = [&](unsigned mode) {
    const hid_t opened = H5Fopen(file.path().c_str(), mode, H5P_DEFAULT);
    if (opened >= 0) H5Fclose(opened);
    return opened >= 0;
  };
  {
    const FileLock writer(file.path());
    EXPECT_NO_THROW(FileLock(file.path())) << "writers share it";
    EXPECT_FALSE(opens(H5F_ACC_RDWR));
    EXPECT_TRUE(opens(H5F_ACC_RDONLY));
  }
  EXPECT_TRUE(opens(H5F_ACC_RDWR));
}

TEST(Store, NothingHalfMadeStaysWhereTheFolderIsMissing) {
  const std::filesystem::path path =
      std::filesystem::path(::testing::TempDir()) / "no_such" / "a.h5";
  EXPECT_THAT(data_refusal([&] { create_store(path, small_schema(), false); }),
              HasSubstr("no_such"));
  EXPECT_FALSE(std::filesystem::exists(path.parent_path()));
}

TEST(Store, FilesThatAreNoneAreNamed) {
  const TemporaryFile file;
  EXPECT_THAT(data_refusal([&] { StoreReader{file.path()}; }), HasSubstr(file.path().string()));
  std::ofstream(file.path()) << "not HDF5 at all";
  EXPECT_THAT(data_refusal([&] { StoreReader{file.path()}; }), HasSubstr(file.path().string()));
  std::filesystem::remove(file.path());  // it would not be replaced
  write_store(file.path(), small_schema());
  std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) / 2);
  EXPECT_THAT(data_refusal([&] {
                const StoreReader store(file.path());
                static_cast<void>(store.read("psi"));
                static_cast<void>(store.texts("component"));
              }),
              HasSubstr(file.path().string()));
}

TEST(Store, VariablesThatAreNotThereAreNamed) {
  const TemporaryFile file;
  write_store(file.path(), small_schema());
  const StoreReader store(file.path());
  EXPECT_FALSE(store.has("phi"));
  EXPECT_THAT(data_refusal([&] { static_cast<void>(store.variable("phi")); }), HasSubstr("phi"));
}

}  // namespace
}  // namespace explaind::testing
