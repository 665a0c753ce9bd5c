#pragma once
// What is explained: a series of checkpoints, an optimizer's steps at them, or a recorded run.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "explaind/ranks.hpp"

namespace explaind::v1 {

/// Opened once and kept; any number of questions may be put to it.
class Subject {
 public:
  /// path: a folder of Hugging Face checkpoints, a list of them, or a recorded run's folder.
  /// options: of `explaind decompose`, those that say what the files leave open: "phases",
  /// "series-seed", "step-pattern", "tied-head", and "source" ("weights", or "steps" for one
  /// optimizer step at each checkpoint). Throws Error on all ranks. @collective
  static Subject open(const Ranks& ranks, const std::string& path,
                      const std::map<std::string, std::string>& options = {});

  /// The training step of every point of the path, ascending. Segments lie between neighbours.
  [[nodiscard]] std::vector<int64_t> steps() const;
  /// Name and shape of every parameter of the model, in its order.
  struct Parameter {
    std::string name;
    std::vector<int64_t> shape;
  };
  [[nodiscard]] std::vector<Parameter> parameters() const;
  /// What of the files is not used, or used otherwise: a sentence each.
  [[nodiscard]] std::vector<std::string> notes() const;

  class Impl;
  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  explicit Subject(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace explaind::v1
