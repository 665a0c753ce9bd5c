// How a variable is cut into blocks, what of it is read, and that chunks change no answer.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "store/file_lock.hpp"
#include "store/hdf5.hpp"
#include "store/stored_array.hpp"
#include "store/walk_windows.hpp"
#include "unit/store/query_fixture.hpp"

namespace explaind::testing {
namespace {

using hdf5::Handle;

QueryAxis axis_of(std::vector<bool> chosen) {
  QueryAxis axis;
  axis.stored = chosen.size();
  axis.place.resize(chosen.size());
  std::iota(axis.place.begin(), axis.place.end(), size_t{0});
  axis.chosen = std::move(chosen);
  return axis;
}

QueryAxis random_axis(std::mt19937& random) {
  std::vector<bool> chosen(1 + random() % 40);
  const unsigned share = 1 + random() % 4;
  for (size_t i = 0; i < chosen.size(); ++i) chosen[i] = random() % share == 0;
  chosen[random() % chosen.size()] = true;
  return axis_of(std::move(chosen));
}

/// The place in the file that is read to a place of the window.
int64_t stored_place(const AxisWindow& window, size_t read_at) {
  const auto at = static_cast<int64_t>(read_at);
  for (const PlaceRun& run : window.runs) {
    if (at >= run.at && at < run.at + run.count) return run.first + at - run.at;
  }
  return -1;
}

TEST(Windows, HaveEveryChosenEntryOnceInOrderAndReadItsOwnPlace) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<QueryAxis> axes;
    std::vector<int64_t> chunk;
    for (size_t a = 0; a < 1 + random() % 4; ++a) {
      axes.push_back(random_axis(random));
      chunk.push_back(1 + static_cast<int64_t>(random() % axes.back().stored));
    }
    if (trial % 2 == 0) chunk.clear();
    const auto most = static_cast<int64_t>(1 + random() % 3000);
    const auto windows = windows_of(axes, chunk, most);
    ASSERT_EQ(windows.size(), axes.size());
    int64_t block = 1;
    for (size_t a = 0; a < axes.size(); ++a) {
      std::vector<size_t> entries, chosen;
      int64_t widest = 0;
      for (const AxisWindow& window : windows[a]) {
        widest = std::max(widest, window.read);
        for (size_t i = 0; i < window.entries.size(); ++i) {
          entries.push_back(window.entries[i]);
          EXPECT_EQ(stored_place(window, window.read_at[i]),
                    static_cast<int64_t>(window.entries[i]));
        }
      }
      for (size_t i = 0; i < axes[a].chosen.size(); ++i) {
        if (axes[a].chosen[i]) chosen.push_back(i);
      }
      EXPECT_EQ(entries, chosen);
      block *= widest;
    }
    EXPECT_LE(block, most);
  }
}

TEST(Windows, LeaveOutLongGapsAndReadOverShortOnes) {
  std::vector<bool> chosen(10000, false);
  chosen[5] = chosen[7] = chosen[9990] = true;
  const auto windows = windows_of({axis_of(chosen)}, {}, 1 << 19);
  ASSERT_EQ(windows[0].size(), 1U);
  const std::vector<PlaceRun>& runs = windows[0][0].runs;
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].first, 5);
  EXPECT_EQ(runs[0].count, 3);
  EXPECT_EQ(runs[1].first, 9990);
  EXPECT_EQ(windows[0][0].read, 4);
}

TEST(Windows, OfChunksEndWhereChunksDo) {
  const std::vector<bool> all(100, true);
  const auto windows = windows_of({axis_of(all), axis_of(all)}, {10, 7}, 10 * 21);
  ASSERT_EQ(windows[0].size(), 10U);
  for (const AxisWindow& window : windows[1]) EXPECT_EQ(window.runs[0].first % 21, 0);
}

/// Bytes that this process has asked the system for.
int64_t bytes_read() {
  std::ifstream in("/proc/self/io");
  std::string name;
  int64_t bytes = -1;
  in >> name >> bytes;
  return name == "rchar:" ? bytes : -1;
}

/// 40 × 300 × 2,000 numbers of which each is its own place, in chunks or in one piece.
Handle large_array(const TemporaryFile& place, Handle& file, const std::vector<hsize_t>& chunk) {
  const std::string where = place.path().string();
  const std::vector<hsize_t> shape{40, 300, 2000};
  file = Handle(H5Fcreate(where.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose, where,
                "creating");
  const Handle space(H5Screate_simple(3, shape.data(), nullptr), H5Sclose, where, "a space");
  const Handle list(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, where, "a list");
  if (!chunk.empty()) hdf5::check(H5Pset_chunk(list.get(), 3, chunk.data()), where, "chunks");
  Handle made(H5Dcreate2(file.get(), "psi", H5T_IEEE_F64LE, space.get(), H5P_DEFAULT, list.get(),
                         H5P_DEFAULT),
              H5Dclose, where, "creating psi");
  std::vector<double> values(shape[0] * shape[1] * shape[2]);
  std::iota(values.begin(), values.end(), 0.0);
  hdf5::check(H5Dwrite(made.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
              where, "writing");
  made.close(where, "closing");
  file.close(where, "closing");
  file = Handle(H5Fopen(where.c_str(), H5F_ACC_RDONLY, hdf5::reading_access(place.path()).get()),
                H5Fclose, where, "opening");
  return {H5Dopen2(file.get(), "psi", H5P_DEFAULT), H5Dclose, where, "opening psi"};
}

/// Reads what is chosen, expects every value in its place, and returns the bytes that it took.
int64_t read_chosen(const StoredArray& array, const std::vector<std::vector<size_t>>& chosen) {
  const std::vector<size_t> shape{40, 300, 2000};
  std::vector<QueryAxis> axes;
  for (size_t a = 0; a < 3; ++a) {
    std::vector<bool> flags(shape[a], chosen[a].empty());
    for (const size_t each : chosen[a]) flags[each] = true;
    axes.push_back(axis_of(std::move(flags)));
  }
  const int64_t before = bytes_read();
  const auto windows = windows_of(axes, array.chunk(), 1 << 19);
  for (const AxisWindow& x : windows[0]) {
    for (const AxisWindow& y : windows[1]) {
      for (const AxisWindow& z : windows[2]) {
        std::vector<double> values(static_cast<size_t>(x.read * y.read * z.read), -1);
        for (const PlaceRun& i : x.runs) {
          for (const PlaceRun& j : y.runs) {
            for (const PlaceRun& k : z.runs) {
              array.read({.start = {i.first, j.first, k.first},
                          .count = {i.count, j.count, k.count},
                          .at = {i.at, j.at, k.at},
                          .shape = {x.read, y.read, z.read}},
                         values.data());
            }
          }
        }
        const auto width = static_cast<size_t>(y.read), depth = static_cast<size_t>(z.read);
        for (size_t i = 0; i < x.entries.size(); ++i) {
          for (size_t j = 0; j < y.entries.size(); ++j) {
            for (size_t k = 0; k < z.entries.size(); ++k) {
              const size_t place = (x.entries[i] * 300 + y.entries[j]) * 2000 + z.entries[k];
              const double value =
                  values[(x.read_at[i] * width + y.read_at[j]) * depth + z.read_at[k]];
              if (value != static_cast<double>(place)) {
                ADD_FAILURE() << place << " is " << value;
                return -1;
              }
            }
          }
        }
      }
    }
  }
  return bytes_read() - before;
}

TEST(Walk, ReadsTheRowsOfASampleAlone) {
  if (bytes_read() < 0) GTEST_SKIP() << "this system does not count the bytes that are read";
  const TemporaryFile place;
  Handle file;
  const StoredArray array(large_array(place, file, {}), place.path().string());
  constexpr int64_t row = 2000 * 8, slack = 1 << 16;
  EXPECT_LE(read_chosen(array, {{}, {77}, {}}), 40 * row + slack);
  EXPECT_LE(read_chosen(array, {{3}, {0, 299}, {}}), 2 * row + slack);
  EXPECT_GE(read_chosen(array, {{}, {77}, {}}), 40 * row);  // or nothing is counted
}

TEST(Walk, ReadsTheChunksOfAComponentAlone) {
  if (bytes_read() < 0) GTEST_SKIP() << "this system does not count the bytes that are read";
  const TemporaryFile place;
  Handle file;
  const StoredArray array(large_array(place, file, {8, 60, 50}), place.path().string());
  constexpr int64_t chunk = int64_t{8} * 60 * 50 * 8, slack = 1 << 16;
  EXPECT_LE(read_chosen(array, {{}, {}, {1234}}), 5 * 5 * chunk + slack);
  EXPECT_LE(read_chosen(array, {{0}, {}, {}}), 5 * 40 * chunk + slack);
  EXPECT_LE(read_chosen(array, {{}, {}, {}}), 5 * 5 * 40 * chunk + slack * 4)
      << "a chunk is read twice";
}

}  // namespace
}  // namespace explaind::testing
