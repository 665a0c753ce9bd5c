#pragma once
// AdamW's state in a checkpoint of nanotron: a file a rank.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/layouts/assembly.hpp"
#include "checkpoint/layouts/torch_moments.hpp"

namespace explaind {

inline constexpr const char* copy_nanotron = "Copy all files of the checkpoint";

/// optimizer_pp-0-of-1[_dp-0-of-2]_tp-0-of-1[_exp-0-of-1].pt: by pipeline, tensor and data rank.
struct NanotronRank {
  int64_t pipeline = 0, tensor = 0, data = 0;
  auto operator<=>(const NanotronRank&) const = default;
};

/// A rank's file.
class NanotronOptimizer {
 public:
  /// Throws DataError where it is none.
  explicit NanotronOptimizer(const std::filesystem::path& path);

  [[nodiscard]] const TrainingFile& file() const { return file_; }
  /// Of the parameters that it steps, by name.
  [[nodiscard]] const std::map<std::string, int64_t>& numbers() const { return numbers_; }
  [[nodiscard]] const std::vector<AdamWGroup>& groups() const { return groups_; }
  // Pre-condition of what follows: name is one of numbers(). All throw DataError where the file
  // does not have what is asked for.
  [[nodiscard]] size_t group_of(const std::string& name) const;
  [[nodiscard]] int64_t updates(const std::string& name) const;
  /// key: exp_avg or exp_avg_sq.
  [[nodiscard]] TensorView moment(const std::string& name, const std::string& key) const;
  /// The master of 32 bits; without data where there is none.
  [[nodiscard]] TensorView master(const std::string& name) const;
  [[noreturn]] void refuse(const std::string& problem) const;

 private:
  [[nodiscard]] const PlainData& state(const std::string& name) const;

  TrainingFile file_;
  const PlainData* states_ = nullptr;
  std::map<std::string, int64_t> numbers_;
  std::vector<AdamWGroup> groups_;
  std::map<int64_t, size_t> group_of_;
};

/// All files of optimizer/.
class NanotronOptimizers {
 public:
  /// Throws DataError where a rank's file is missing, or files of several trainings are there.
  explicit NanotronOptimizers(const std::filesystem::path& folder);

  [[nodiscard]] bool empty() const { return ranks_.empty(); }
  [[nodiscard]] const std::map<NanotronRank, NanotronOptimizer>& ranks() const { return ranks_; }

  /// What a rank has of a parameter; without data where it has nothing.
  using ValueOf = std::function<TensorView(const NanotronOptimizer&)>;
  /// A tensor-parallel rank's numbers of a parameter, those of its data ranks in a row, in the
  /// shard's shape; without data where no rank has any. Where stages of the pipeline both have it
  /// (a tied matrix), they must agree. What is put together is added to `made`.
  TensorView local(const std::string& name, int64_t tensor, const std::vector<int64_t>& shape,
                   std::vector<std::unique_ptr<Assembly>>& made, const ValueOf& value) const;
  void require_same(const TensorView& a, const TensorView& b, const std::string& name) const;

  /// Steps and group of a parameter, on which all ranks that have it must agree, as on the
  /// hyper-parameters. Pre-condition: a rank has it.
  [[nodiscard]] std::pair<int64_t, size_t> agreed(const std::string& name,
                                                  const std::vector<AdamWGroup>& groups) const;
  /// Throws DataError where a rank has a state of anything else.
  void require_only(const std::set<std::string>& known) const;

 private:
  std::filesystem::path folder_;
  std::map<NanotronRank, NanotronOptimizer> ranks_;
  int64_t data_ranks_ = 1;
};

}  // namespace explaind
