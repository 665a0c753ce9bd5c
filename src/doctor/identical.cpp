#include "doctor/identical.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace explaind {
namespace {

using Kind = Finding::Kind;
using Checkpoints = std::vector<ExaminedCheckpoint>;

/// "step 10", "steps 10, 20, 30 and 4 more".
std::string steps_of(const Checkpoints& checkpoints, const std::vector<size_t>& members) {
  std::vector<std::string> steps;
  for (const size_t i : members) steps.push_back(std::to_string(checkpoints[i].step));
  return (members.size() == 1 ? "step " : "steps ") + some_of(steps);
}

/// What a checkpoint's weights are, tensor by tensor; empty where it has none.
std::string identity_of(const ExaminedCheckpoint& here, const std::vector<TensorSums>& sums) {
  std::string all;
  size_t number = 0;
  for (const auto& [name, placed] : here.tensors) {
    all += fmt::format("{} {} {:x}\n", name, static_cast<int>(placed.view.dtype),
                       sums[number++].fingerprint);
  }
  return all;
}

std::vector<Finding> whole_checkpoints(const Checkpoints& checkpoints, const PassTable& table) {
  std::map<std::string, std::vector<size_t>> groups;
  for (size_t i = 0; i < checkpoints.size(); ++i) {
    const std::string identity = identity_of(checkpoints[i], table.sums[i]);
    if (!identity.empty()) groups[identity].push_back(i);
  }
  std::vector<Finding> findings;
  for (const auto& [identity, members] : groups) {
    if (members.size() < 2) continue;
    const bool start = members.back() + 1 == members.size();  // 0, 1, 2, …
    findings.push_back(
        {.kind = Kind::identical_checkpoint,
         .checkpoints = members,
         .where = "",
         .text = fmt::format(
             "the weights of {} are byte for byte the same{}", steps_of(checkpoints, members),
             start ? ": nothing moved in the first steps (a warm-up from a learning "
                     "rate of 0 does that), or they are one and the same file"
                   : "")});
  }
  return findings;
}

/// How much longer than other tensors' the ways into and out of `at` are, for some tensors: the
/// larger of the two, as a logarithm. Ways of length 0 say nothing.
double strangeness(const std::vector<Mover>& movers, const std::set<std::string>& of, size_t at,
                   size_t count) {
  double most = -std::numeric_limits<double>::infinity();
  for (const size_t segment : {at, at + 1}) {
    if (segment == 0 || segment >= count) continue;
    std::vector<double> own, others;
    for (const Mover& mover : movers) {
      const double length = mover.length[segment];
      if (!(length > 0)) continue;
      // Against the tensor's own usual length, so that large and small ones can be compared.
      std::vector<double> usual;
      for (const double each : mover.length) {
        if (each > 0) usual.push_back(std::log(each));
      }
      (of.contains(mover.name) ? own : others).push_back(std::log(length) - median(usual));
    }
    if (own.empty() || others.empty()) continue;
    most = std::max(most, median(own) - median(others));
  }
  return most;
}

/// Those of `members` that are out of their place; all of them where that cannot be said.
std::vector<size_t> out_of_place(const std::vector<Mover>& movers, const std::set<std::string>& of,
                                 const std::vector<size_t>& members, size_t count) {
  std::vector<double> strange;
  for (const size_t at : members) strange.push_back(strangeness(movers, of, at, count));
  const double least = *std::min_element(strange.begin(), strange.end());
  if (!std::isfinite(least)) return members;
  std::vector<size_t> found;
  for (size_t i = 0; i < members.size(); ++i) {
    if (strange[i] > least + .25) found.push_back(members[i]);
  }
  return found.empty() ? members : found;
}

/// Other members than `blamed`, or all where none would be left.
std::vector<size_t> the_others(const std::vector<size_t>& members,
                               const std::vector<size_t>& blamed) {
  std::vector<size_t> others;
  std::set_difference(members.begin(), members.end(), blamed.begin(), blamed.end(),
                      std::back_inserter(others));
  return others.empty() ? members : others;
}

/// What is known to be the same already: pairs of checkpoints, or of checkpoints with a file.
class Known {
 public:
  void add(const std::vector<size_t>& members) {
    for (const size_t a : members) {
      for (const size_t b : members) same_.emplace(a, b);
    }
  }
  [[nodiscard]] bool same(size_t a, size_t b) const { return same_.contains({a, b}); }

 private:
  std::set<std::pair<size_t, size_t>> same_;
};

/// Elements of some tensors, and how many of them changed on the ways into checkpoints.
struct Changed {
  double elements = 0, most = 0;  ///< most: of one way

  /// Whether so many that all of them standing still, or coming back, is no accident of rounding.
  [[nodiscard]] bool moved() const { return most >= 100 && most > .02 * elements; }
};

/// Over the ways into checkpoints first to last.
Changed changed_of(const Checkpoints& checkpoints, const PassTable& table,
                   const std::set<std::string>& tensors, size_t first, size_t last) {
  Changed all;
  for (size_t i = first; i <= last; ++i) {
    double elements = 0, changed = 0;
    for (const std::string& name : tensors) {
      const TensorSums* sums = table.tensors.at(name)[i];
      if (sums == nullptr || !sums->has_before) continue;
      elements += static_cast<double>(checkpoints[i].tensor(name)->view.elements());
      changed += static_cast<double>(sums->changed);
    }
    all.elements = std::max(all.elements, elements);
    all.most = std::max(all.most, changed);
  }
  return all;
}

/// Whether a file that is the same at these checkpoints should not be: it came back to what it was,
/// or stood still between ways on which it moved. What is frozen, or is no weight at all, does
/// neither.
bool should_differ(const Checkpoints& checkpoints, const PassTable& table,
                   const std::set<std::string>& tensors, const std::vector<size_t>& members) {
  const auto moved = [&](size_t first, size_t last) {
    return changed_of(checkpoints, table, tensors, first, last).moved();
  };
  for (size_t i = 1; i < members.size(); ++i) {
    if (members[i] > members[i - 1] + 1 && moved(members[i - 1] + 1, members[i])) return true;
  }
  const size_t first = members.front(), last = members.back(), n = checkpoints.size();
  if (last - first + 1 != members.size()) return false;  // what lies between could not be read
  const bool begins = first == 0, ends = last + 1 == n;
  return !(begins && ends) && (begins || moved(first, first)) &&
         (ends || moved(last + 1, last + 1));
}

std::vector<Finding> single_files(const Checkpoints& checkpoints, const PassTable& table,
                                  const std::vector<Mover>& movers, const Known& known) {
  // Files of one name: where a file holds one tensor, those of many layers may be the same ones.
  std::map<std::pair<std::string, std::string>, std::vector<size_t>> groups;
  std::map<std::string, std::set<std::string>> tensors;  // of a file's name
  for (size_t i = 0; i < checkpoints.size(); ++i) {
    const std::vector<ExaminedFile>& files = checkpoints[i].files;
    if (files.size() < 2) continue;
    for (const ExaminedFile& file : files) groups[{file.name, file.sha256}].push_back(i);
    for (const auto& [tensor, placed] : checkpoints[i].tensors) {
      tensors[files[placed.file].name].insert(tensor);
    }
  }
  std::vector<Finding> findings;
  for (const auto& [file, places] : groups) {
    const std::string& name = file.first;
    std::vector<size_t> members;
    for (const size_t i : places) {
      // One of checkpoints that are the same as a whole is enough.
      if (std::none_of(members.begin(), members.end(),
                       [&, at = i](size_t each) { return known.same(each, at); })) {
        members.push_back(i);
      }
    }
    if (members.size() < 2 || !should_differ(checkpoints, table, tensors[name], places)) continue;
    const std::vector<size_t> blamed =
        out_of_place(movers, tensors[name], members, checkpoints.size());
    const bool plain = blamed.size() < members.size();
    findings.push_back(
        {.kind = Kind::identical_file,
         .checkpoints = blamed,
         .where = name,
         .text = plain ? fmt::format("{} is byte for byte that of {}, where it is in line with its "
                                     "neighbours",
                                     name, steps_of(checkpoints, the_others(members, blamed)))
                       : fmt::format("{} is byte for byte the same at {}, and the other files are "
                                     "not",
                                     name, steps_of(checkpoints, members))});
  }
  return findings;
}

/// The pairs of checkpoints between which a tensor should have changed and did not.
std::vector<std::pair<size_t, size_t>> stood_still(const Mover& mover,
                                                   const std::vector<const TensorSums*>& sums) {
  std::vector<std::pair<size_t, size_t>> pairs;
  const size_t n = sums.size();
  for (size_t a = 0; a < n; ++a) {
    double moved = 0;  // the largest share that changed on a way between the two
    for (size_t b = a + 1; b < n; ++b) {
      if (sums[a] == nullptr || sums[b] == nullptr) break;
      moved = std::max(moved, mover.share[b]);
      if (sums[a]->fingerprint != sums[b]->fingerprint) continue;
      const bool came_back = b > a + 1 && moved > .1;
      // Between ways on which half of it and more changed, none of it did.
      const bool stopped =
          b == a + 1 && a > 0 && b + 1 < n && mover.share[a] > .5 && mover.share[b + 1] > .5;
      if (came_back || stopped) pairs.emplace_back(a, b);
      break;
    }
  }
  return pairs;
}

std::vector<Finding> single_tensors(const Checkpoints& checkpoints, const PassTable& table,
                                    const std::vector<Mover>& movers, const Known& known) {
  std::map<std::pair<size_t, size_t>, std::vector<std::string>> found;
  for (const Mover& mover : movers) {
    const std::vector<const TensorSums*>& sums = table.tensors.at(mover.name);
    for (const auto& [a, b] : stood_still(mover, sums)) {
      const auto digest = [&](size_t i) {
        return checkpoints[i].files[checkpoints[i].tensor(mover.name)->file].sha256;
      };
      if (!known.same(a, b) && digest(a) != digest(b)) found[{a, b}].push_back(mover.name);
    }
  }
  std::vector<Finding> findings;
  for (const auto& [pair, names] : found) {
    const std::vector<size_t> members{pair.first, pair.second};
    const std::vector<size_t> blamed = out_of_place(
        movers, std::set<std::string>(names.begin(), names.end()), members, checkpoints.size());
    findings.push_back(
        {.kind = Kind::identical_tensor,
         .checkpoints = blamed,
         .where = names.size() == 1 ? names.front() : "",
         .text = fmt::format("{} {} byte for byte the same at {}, and the others are not",
                             some_of(names), names.size() == 1 ? "is" : "are",
                             steps_of(checkpoints, members))});
  }
  return findings;
}

}  // namespace

std::vector<Finding> find_identical(const std::vector<ExaminedCheckpoint>& checkpoints,
                                    const PassTable& table, const std::vector<Mover>& movers) {
  std::vector<Finding> findings = whole_checkpoints(checkpoints, table);
  Known known;
  for (const Finding& each : findings) known.add(each.checkpoints);
  for (Finding& each : single_files(checkpoints, table, movers, known)) {
    findings.push_back(std::move(each));
  }
  for (Finding& each : single_tensors(checkpoints, table, movers, known)) {
    findings.push_back(std::move(each));
  }
  return findings;
}

}  // namespace explaind
