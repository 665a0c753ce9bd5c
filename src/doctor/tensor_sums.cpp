#include "doctor/tensor_sums.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <span>

#include "checkpoint/convert.hpp"
#include "kernels/vector_clones.hpp"

namespace explaind {
namespace {

constexpr size_t lanes = 8;
/// Elements that are added up before their sum is; three of them fit the first cache.
constexpr int64_t sum_block = 1024;
using Block = std::array<double, static_cast<size_t>(sum_block)>;

struct BlockSums {
  double squares = 0, change_squares = 0, turn = 0, changed = 0;
};

/// Of n elements; lanes are added up in one order, so the vector's width shows nowhere but in fused
/// products.
EXPLAIND_VECTOR_CLONES
void add_block(const double* here, const double* before, const double* earlier, size_t n,
               BlockSums* out) {
  double squares[lanes] = {}, changes[lanes] = {}, turns[lanes] = {}, changed[lanes] = {};
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (size_t k = 0; k < lanes; ++k) {
      const double value = here[i + k], old = before[i + k];
      const double change = value - old;
      squares[k] += value * value;
      changes[k] += change * change;
      turns[k] += change * (old - earlier[i + k]);
      changed[k] += change != 0 ? 1.0 : 0.0;
    }
  }
  for (; i < n; ++i) {
    const double change = here[i] - before[i];
    squares[0] += here[i] * here[i];
    changes[0] += change * change;
    turns[0] += change * (before[i] - earlier[i]);
    changed[0] += change != 0 ? 1.0 : 0.0;
  }
  for (size_t k = 0; k < lanes; ++k) {
    out->squares += squares[k];
    out->change_squares += changes[k];
    out->turn += turns[k];
    out->changed += changed[k];
  }
}

/// The same, element by element, where some are not finite: they count, and are left out.
BlockSums careful_sums(const double* here, const double* before, const double* earlier, size_t n,
                       TensorSums& sums) {
  BlockSums out;
  for (size_t i = 0; i < n; ++i) {
    sums.nan += std::isnan(here[i]) ? 1 : 0;
    sums.infinite += std::isinf(here[i]) ? 1 : 0;
    if (!std::isfinite(here[i])) continue;
    out.squares += here[i] * here[i];
    if (!std::isfinite(before[i])) continue;
    const double change = here[i] - before[i];
    out.change_squares += change * change;
    out.changed += change != 0 ? 1 : 0;
    if (std::isfinite(earlier[i])) out.turn += change * (before[i] - earlier[i]);
  }
  return out;
}

/// Multiplies and xors eight words at a time, each lane by itself; no cryptography.
class Fingerprint {
 public:
  explicit Fingerprint(uint64_t begin) { state_.fill(begin ^ 0x9e3779b97f4a7c15U); }

  void add(const std::byte* data, size_t bytes) {
    size_t at = 0;
    std::array<uint64_t, lanes> words{};
    for (; at + sizeof(words) <= bytes; at += sizeof(words)) {
      std::memcpy(words.data(), data + at, sizeof(words));
      for (size_t k = 0; k < lanes; ++k) state_[k] = (state_[k] ^ words[k]) * prime;
    }
    for (; at < bytes; ++at) {
      state_[0] = (state_[0] ^ static_cast<uint64_t>(data[at]) ^ 0x100U) * prime;
    }
  }
  [[nodiscard]] uint64_t value() const {
    uint64_t all = 0;
    for (const uint64_t word : state_)
      all = (((all << 31U) | (all >> 33U)) ^ word ^ (word >> 29U)) * prime;
    return all;
  }

 private:
  static constexpr uint64_t prime = 0xff51afd7ed558ccdU;
  std::array<uint64_t, lanes> state_{};
};

}  // namespace

void add_elements(const TensorView& here, const TensorView* before, const TensorView* earlier,
                  int64_t begin, int64_t end, TensorSums& sums) {
  const size_t width = dtype_size(here.dtype);
  Fingerprint print(sums.fingerprint);
  print.add(here.data + static_cast<size_t>(begin) * width,
            static_cast<size_t>(end - begin) * width);
  sums.fingerprint = print.value();
  if (!is_floating(here.dtype)) return;
  sums.has_before = before != nullptr;
  sums.has_earlier = earlier != nullptr && before != nullptr;
  Block now{}, then{}, once{};
  for (int64_t at = begin; at < end; at += sum_block) {
    const auto n = static_cast<size_t>(std::min(sum_block, end - at));
    to_double(here, at, std::span(now).first(n));
    if (before != nullptr) to_double(*before, at, std::span(then).first(n));
    if (earlier != nullptr) to_double(*earlier, at, std::span(once).first(n));
    const double* old = before != nullptr ? then.data() : now.data();
    const double* older = earlier != nullptr ? once.data() : old;
    BlockSums block;
    add_block(now.data(), old, older, n, &block);
    if (!std::isfinite(block.squares + block.change_squares + block.turn)) {
      block = careful_sums(now.data(), old, older, n, sums);
    }
    sums.squares += block.squares;
    sums.change_squares += block.change_squares;
    sums.turn += block.turn;
    sums.changed += static_cast<int64_t>(block.changed);
  }
}

}  // namespace explaind
