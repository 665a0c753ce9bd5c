// Random damage to a pytorch_model.bin: the reader answers with a DataError or with tensors that
// lie inside the file. Deterministic.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <random>

#include "checkpoint/torch_file.hpp"
#include "checkpoint/unpickler.hpp"
#include "core/error.hpp"
#include "fuzz/damage.hpp"
#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

using testing::damaged;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

using Random = std::mt19937_64;

std::string golden(const std::string& name) {
  return read_bytes(std::filesystem::path(EXPLAIND_TEST_DATA) / "torch_files" / name);
}

TEST(TorchFileFuzz, DamagedArchivesAreRefusedOrInside) {
  const TemporaryFolder directory;
  const std::filesystem::path path = directory / "a.bin";
  Random random(11);
  int read = 0, sum = 0;
  for (const char* name : {"state.bin", "protocol4.bin", "old.bin", "wrapped.bin", "strided.bin"}) {
    const std::string whole = golden(name);
    for (int i = 0; i < 2000; ++i) {
      write_bytes(path, damaged(whole, random));
      try {
        const TorchFile file(path);
        const auto bytes = file.file().bytes();
        // A copy of what does not lie row by row is no part of the file; it is read all the same.
        const bool copied = std::any_of(
            file.notes().begin(), file.notes().end(),
            [](const std::string& note) { return note.find("a copy of") != std::string::npos; });
        for (const TensorView& tensor : file.tensors()) {
          if (copied) {
            sum += tensor.bytes == 0 ? 0 : std::to_integer<int>(tensor.data[tensor.bytes - 1]);
            continue;
          }
          ASSERT_GE(tensor.data, bytes.data());
          ASSERT_LE(tensor.data + tensor.bytes, bytes.data() + bytes.size());
        }
        ++read;
      } catch (const DataError& error) {
        ASSERT_NE(std::string(error.what()).find("a.bin"), std::string::npos);
      }
    }
  }
  EXPECT_GE(sum, 0);
  EXPECT_GT(read, 100) << "damage to values alone is not seen: such files are read";
}

TEST(TorchFileFuzz, DamagedPicklesAreRefusedOrRead) {
  const std::string whole = golden("state.bin");
  const size_t start = whole.find("\x80\x02");
  ASSERT_NE(start, std::string::npos);
  const std::string pickle = whole.substr(start, 1500);
  Random random(12);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string text = damaged(pickle, random);
    const std::span bytes(reinterpret_cast<const std::byte*>(text.data()), text.size());
    try {
      unpickle_state_dict(bytes, "fuzz");
      ++read;
    } catch (const DataError&) {
    }
  }
  EXPECT_GT(read, 100);
}

}  // namespace
}  // namespace explaind
