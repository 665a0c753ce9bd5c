// Random damage to a checkpoint of torch.distributed.checkpoint: the reader answers with a
// DataError or with a state whose elements can all be read. Deterministic.

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <random>
#include <span>
#include <string>

#include "checkpoint/layouts/dcp_metadata.hpp"
#include "checkpoint/layouts/saved_state.hpp"
#include "core/error.hpp"
#include "fuzz/damage.hpp"
#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

using testing::damaged;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;
namespace fs = std::filesystem;

fs::path dcp_folder() { return fs::path(EXPLAIND_TEST_DATA) / "saved_states/dcp/whole"; }

/// The sum of all bytes, which reads them.
int read_all(const fs::path& folder) {
  const auto state = open_saved_state(folder);
  int sum = 0;
  const auto read = [&](const TensorView& view) {
    state->prepare(view);
    for (size_t i = 0; i < view.bytes; ++i) sum += std::to_integer<int>(view.data[i]);
  };
  for (const TensorView& each : state->weights()) read(each);
  for (const SavedMoments& each : state->optimizer().moments) {
    read(each.first);
    read(each.second);
  }
  return sum;
}

TEST(DcpFuzz, DamagedMetadataIsRefusedOrRead) {
  const std::string whole = read_bytes(dcp_folder() / ".metadata");
  std::mt19937_64 random(21);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string bytes = damaged(whole, random);
    try {
      const DcpMetadata metadata =
          read_dcp_metadata(std::as_bytes(std::span(bytes)), "damaged/.metadata");
      for (const DcpEntry& entry : metadata.entries) {
        for (const DcpChunk& chunk : entry.chunks) {
          ASSERT_LT(chunk.slice.file, metadata.files.size());
          ASSERT_EQ(chunk.sizes.size(), entry.shape.size());
          for (size_t axis = 0; axis < entry.shape.size(); ++axis) {
            ASSERT_GE(chunk.offsets[axis], 0);
            ASSERT_LE(chunk.offsets[axis], entry.shape[axis] - chunk.sizes[axis]);
          }
        }
      }
      ++read;
    } catch (const DataError& error) {
      ASSERT_NE(std::string(error.what()).find("damaged/.metadata"), std::string::npos);
    }
  }
  EXPECT_GT(read, 100) << "damage to numbers alone is not seen there";
}

TEST(DcpFuzz, DamagedCheckpointsAreRefusedOrRead) {
  const TemporaryFolder directory;
  const fs::path folder = directory / "step-1";
  fs::copy(dcp_folder(), folder);
  std::mt19937_64 random(22);
  int read = 0, sum = 0;
  for (const char* name : {".metadata", "__0_0.distcp", "__1_0.distcp"}) {
    const std::string whole = read_bytes(folder / name);
    for (int i = 0; i < 700; ++i) {
      write_bytes(folder / name, damaged(whole, random));
      try {
        sum += read_all(folder);
        ++read;
      } catch (const DataError& error) {
        ASSERT_NE(std::string(error.what()).find("step-1"), std::string::npos) << error.what();
      }
    }
    write_bytes(folder / name, whole);
  }
  EXPECT_GT(sum, 0);
  EXPECT_GT(read, 30) << "damage to values alone is not seen: such files are read";
}

}  // namespace
}  // namespace explaind
