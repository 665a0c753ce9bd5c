#pragma once
// What one data-parallel rank of DeepSpeed's ZeRO holds: its part of every flat group.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/layouts/torch_moments.hpp"

namespace explaind {

/// …_optim_states.pt of one rank.
class ZeroRank {
 public:
  /// Throws DataError where it holds no weights of 32 bits in flat groups.
  explicit ZeroRank(const std::filesystem::path& path);

  [[nodiscard]] const TrainingFile& file() const { return file_; }
  [[nodiscard]] const PlainData& state() const { return *state_; }
  /// 1 and 2 are alike here. DeepSpeed's optimizer for bf16, which says none, divides as stage 1.
  [[nodiscard]] int stage() const;
  /// Among how many ranks each group is divided.
  [[nodiscard]] int64_t ranks() const;
  [[nodiscard]] const std::vector<TensorView>& masters() const { return masters_; }
  /// Where the parameters of a group begin here, and how much of each there is; null where it is
  /// not said.
  [[nodiscard]] const PlainDict* slices(size_t group) const;
  /// What the optimizer inside keeps of the flat groups.
  [[nodiscard]] const PlainData& base() const;
  [[noreturn]] void refuse(const std::string& problem) const;

 private:
  [[nodiscard]] int stage_of(int64_t number) const;

  TrainingFile file_;
  const PlainData *state_ = nullptr, *base_ = nullptr;
  std::vector<TensorView> masters_;
};

}  // namespace explaind
