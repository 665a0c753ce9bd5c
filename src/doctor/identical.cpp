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

std::vector<Finding> single_files(const Checkpoints& checkpoints, const std::vector<Mover>& movers,
                                  const Known& known) {
  std::map<std::string, std::vector<std::pair<size_t, size_t>>> groups;  // digest → where
  std::map<std::string, size_t> with_name;
  for (size_t i = 0; i < checkpoints.size(); ++i) {
    for (size_t f = 0; f < checkpoints[i].files.size(); ++f) {
      if (checkpoints[i].files.size() < 2) continue;
      groups[checkpoints[i].files[f].sha256].emplace_back(i, f);
      ++with_name[checkpoints[i].files[f].name];
    }
  }
  std::vector<Finding> findings;
  for (const auto& [digest, places] : groups) {
    std::vector<size_t> members;
    for (const auto& [i, f] : places) {
      // One of checkpoints that are the same as a whole is enough.
      const bool new_one = std::none_of(members.begin(), members.end(),
                                        [&, at = i](size_t each) { return known.same(each, at); });
      if (new_one) members.push_back(i);
    }
    const auto& [first, file] = places.front();
    const std::string name = checkpoints[first].files[file].name;
    if (members.size() < 2 || places.size() == with_name[name]) continue;
    std::set<std::string> tensors;
    for (const auto& [tensor, placed] : checkpoints[first].tensors) {
      if (placed.file == file) tensors.insert(tensor);
    }
    const std::vector<size_t> blamed = out_of_place(movers, tensors, members, checkpoints.size());
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
  for (Finding& each : single_files(checkpoints, movers, known)) {
    findings.push_back(std::move(each));
  }
  for (Finding& each : single_tensors(checkpoints, table, movers, known)) {
    findings.push_back(std::move(each));
  }
  return findings;
}

}  // namespace explaind
