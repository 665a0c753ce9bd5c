#pragma once
// What was looked at in a store, and whether it holds.

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace explaind {

enum class Verdict { holds, fails, not_checked };

/// One line of a verification: many places where the same must hold.
struct Check {
  /// Failures that are listed; the rest is counted.
  static constexpr size_t most_listed = 20;

  std::string name;                     ///< "checksums"
  std::string what;                     ///< what is compared with what
  std::string of = "";                  ///< what is counted: "unit"
  std::string unit = "";                ///< of the deviation; empty: there is none
  int64_t checked = 0, failed = 0;      ///< places
  double largest = 0;                   ///< deviation of all places
  std::string largest_at = "";          ///< where it is
  std::string why_not = "";             ///< why nothing was checked, or not everywhere
  std::vector<std::string> found = {};  ///< where it fails, in words

  [[nodiscard]] Verdict verdict() const {
    if (failed > 0) return Verdict::fails;
    return checked == 0 ? Verdict::not_checked : Verdict::holds;
  }
  void fail(const std::string& where) {
    ++failed;
    if (found.size() < most_listed) found.push_back(where);
  }
  /// One more place, which deviates so far from what it must be. `where` is asked only where it is
  /// needed: names cost more than numbers.
  void add(double deviation, double allowed, const std::function<std::string()>& where,
           const std::function<std::string()>& said) {
    ++checked;
    if (!(std::abs(deviation) <= largest)) {
      largest =
          std::isnan(deviation) ? std::numeric_limits<double>::infinity() : std::abs(deviation);
      largest_at = where();
    }
    if (!(std::abs(deviation) <= allowed)) fail(where() + ": " + said());
  }
  /// What was looked at after this one, as if it had been added here.
  void join(const Check& later) {
    checked += later.checked;
    failed += later.failed;
    if (later.largest > largest) {
      largest = later.largest;
      largest_at = later.largest_at;
    }
    for (const std::string& each : later.found) {
      if (found.size() < most_listed) found.push_back(each);
    }
  }
};

}  // namespace explaind
