#pragma once
// What is asked, and where it is computed: options under the names that `explaind decompose` has.

#include <string>
#include <utility>
#include <vector>

namespace explaind::v1 {

/// What decides the scores: "samples", "functional", "component", "axes", "quadrature",
/// "precision", … (`explaind decompose --help`; README.md says what they mean). Plain data.
class Question {
 public:
  /// A list is given as on the command line, or item by item. Throws Error where no question has
  /// the option, or the value is none of its.
  Question& set(const std::string& name, const std::string& value);
  /// In the order they were set.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& options() const {
    return options_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> options_;
};

/// What decides no score: "threads", "device", "memory", "shards", "parameters", …
class Place {
 public:
  /// Throws Error as Question::set does.
  Place& set(const std::string& name, const std::string& value);
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& options() const {
    return options_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> options_;
};

}  // namespace explaind::v1
