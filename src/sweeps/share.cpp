#include "sweeps/share.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace explaind {

int owner_of(const ChunkBatches& chunk, int64_t sample, int ranks) {
  const auto after = std::upper_bound(chunk.first.begin(), chunk.first.end(), sample);
  const auto micro_batch = static_cast<size_t>(after - chunk.first.begin()) - 1;
  return Share{0, ranks}.owner(micro_batch);
}

void exchange_values(const Communicator& group, const ChunkBatches& chunk,
                     const std::vector<Ask>& asks, ScoreAccumulator& sink) {
  if (group.size() == 1) return;
  // Rows in the order of asks and samples, those of one rank end to end.
  const auto each_row = [&](auto&& act) {
    for (size_t i = 0; i < asks.size(); ++i) {
      for (size_t row = 0; row < asks[i].samples.size(); ++row) {
        act(owner_of(chunk, asks[i].samples[row] / chunk.outputs, group.size()), sink.row(i, row));
      }
    }
  };
  std::string mine;
  each_row([&](int owner, const RoundRow& row) {
    if (owner != group.rank()) return;
    mine.append(reinterpret_cast<const char*>(row.functional), sizeof(double));
    mine.append(reinterpret_cast<const char*>(row.values.data()), row.values.size_bytes());
  });
  const std::vector<std::string> all = group.all_gather(mine);
  std::vector<size_t> read(all.size(), 0);
  each_row([&](int owner, const RoundRow& row) {
    const auto from = static_cast<size_t>(owner);
    const auto take = [&](void* to, size_t bytes) {
      std::memcpy(to, all[from].data() + read[from], bytes);
      read[from] += bytes;
    };
    take(row.functional, sizeof(double));
    if (!row.values.empty()) take(row.values.data(), row.values.size_bytes());
  });
}

}  // namespace explaind
