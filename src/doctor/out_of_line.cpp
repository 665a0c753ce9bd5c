#include "doctor/out_of_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "doctor/bent_files.hpp"
#include "doctor/excess_lengths.hpp"
#include "doctor/foreign_tensors.hpp"
#include "doctor/kind_ratios.hpp"
#include "doctor/turns.hpp"

namespace explaind {
namespace {

using Kind = Finding::Kind;

std::string how(const Suspect& suspect) {
  if (suspect.back) return "goes there and back again";
  return fmt::format(
      "against its way to the next, its way there from the checkpoint before is {:.2g} "
      "times what that of the others is",
      std::exp(suspect.ratio));
}

}  // namespace

std::vector<Finding> find_out_of_line(const std::vector<ExaminedCheckpoint>& checkpoints,
                                      const std::vector<Mover>& movers,
                                      const std::vector<std::string>& files,
                                      const std::vector<Finding>& known) {
  const KindRatios ratios(movers, checkpoints.size());
  const ExcessLengths lengths(ratios);
  std::vector<Finding> findings;
  std::set<size_t> explained;  // checkpoints whose neighbourhood says nothing more
  for (const size_t j : turning_checkpoints(movers, checkpoints.size())) {
    explained.insert(j);
    const bool is_known = std::any_of(known.begin(), known.end(), [&](const Finding& each) {
      return each.kind == Kind::identical_checkpoint &&
             std::find(each.checkpoints.begin(), each.checkpoints.end(), j) !=
                 each.checkpoints.end();
    });
    if (is_known) continue;
    findings.push_back({.kind = Kind::foreign_checkpoint,
                        .checkpoints = {j},
                        .where = "",
                        .text = "the weights go there from the checkpoint before and back again to "
                                "the next: they are not of this step, or not of this training"});
  }
  std::vector<Suspect> suspects = bent_files(ratios, checkpoints, static_cast<int>(files.size()));
  for (const std::vector<Suspect>& more : {foreign_tensors(ratios), turned_back(ratios, lengths)}) {
    suspects.insert(suspects.end(), more.begin(), more.end());
  }
  std::stable_sort(suspects.begin(), suspects.end(), [](const Suspect& a, const Suspect& b) {
    return std::tuple(a.tensor.empty(), a.strength, a.jump) >
           std::tuple(b.tensor.empty(), b.strength, b.jump);
  });
  const auto is_explained = [&](const Suspect& suspect) {
    const bool whole = std::any_of(explained.begin(), explained.end(), [&](size_t at) {
      return near(at, suspect.checkpoint, suspect.reach);
    });
    if (whole) return true;
    for (const std::vector<Finding>* list :
         {&known, static_cast<const std::vector<Finding>*>(&findings)}) {
      for (const Finding& each : *list) {
        const bool about = each.kind == Kind::identical_checkpoint ||
                           each.kind == Kind::identical_file ||
                           each.kind == Kind::identical_tensor || each.kind == Kind::foreign_file ||
                           each.kind == Kind::foreign_tensor;
        const bool here =
            std::any_of(each.checkpoints.begin(), each.checkpoints.end(),
                        [&](size_t at) { return near(at, suspect.checkpoint, suspect.reach); });
        if (!about || !here) continue;
        // A file out of line is in the way of every comparison.
        const bool of_file = each.kind == Kind::foreign_file || each.kind == Kind::identical_file;
        if (of_file || each.where.empty() || each.where == suspect.tensor) return true;
      }
    }
    return false;
  };
  for (const Suspect& suspect : suspects) {
    if (is_explained(suspect)) continue;
    const bool file = suspect.tensor.empty();
    const std::string name = file ? files[static_cast<size_t>(suspect.file)] : suspect.tensor;
    const std::vector<size_t> places = lengths.places(suspect);
    if (places.empty()) continue;
    findings.push_back(
        {.kind = file ? Kind::foreign_file : Kind::foreign_tensor,
         .checkpoints = places,
         .where = name,
         .text = fmt::format(
             "{} is out of line with its neighbours{}: {}", name,
             places.size() > 1 ? fmt::format(" (at one of {} checkpoints)", places.size()) : "",
             how(suspect))});
  }
  return findings;
}

}  // namespace explaind
