#include "store/reduction.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "scores/certificates.hpp"
#include "store/axis_coordinates.hpp"

namespace explaind {
namespace {

Nature nature_of(const Certificate& certificate) {
  switch (certificate.nature) {
    case Certificate::Nature::value:
      return Nature::value;
    case Certificate::Nature::part:
      return Nature::part;
    case Certificate::Nature::estimate:
      return Nature::estimate;
    case Certificate::Nature::count:
      break;
  }
  return Nature::count;
}

bool may_be_added(Nature nature, const std::string& axis) {
  if (nature == Nature::value) return axis != "segment";
  return nature != Nature::cumulative && nature != Nature::label;
}

bool may_be_averaged(Nature nature) {
  return nature != Nature::cumulative && nature != Nature::label;
}

/// Nothing where it has to be asked for, or cannot be.
std::optional<Reduction> default_reduction(Nature nature, const std::string& axis,
                                           const StoredSamples& stored) {
  switch (nature) {
    case Nature::estimate:
      return Reduction::largest;
    case Nature::part:
    case Nature::value:
      if (axis == "sample") return Reduction::mean;
      if (axis == "group") {
        return stored.as == StoredSamples::As::group_sums ? Reduction::sum : Reduction::mean;
      }
      if (nature == Nature::value && axis == "segment") return std::nullopt;
      return Reduction::sum;
    case Nature::count:
    case Nature::cumulative:
    case Nature::label:
      break;
  }
  return std::nullopt;
}

[[noreturn]] void refuse(const std::string& variable, Nature nature,
                         const std::vector<AxisUse>& uses) {
  std::vector<std::string> shared, names, keep, choose;
  for (const AxisUse& use : uses) {
    shared.push_back(counted(use.entries, entry_of(use.axis)));
    names.push_back(use.axis);
    keep.push_back(use.coordinate);
    choose.push_back((use.axis == "segment" ? "step" : use.coordinate) + "=…");
  }
  const std::string list = fmt::format("{}", fmt::join(names, ","));
  std::string remedy = fmt::format("Keep them (--group-by …,{}), choose one (--select {})",
                                   fmt::join(keep, ","), fmt::join(choose, " --select "));
  const bool adds = std::all_of(uses.begin(), uses.end(),
                                [&](const AxisUse& use) { return may_be_added(nature, use.axis); });
  if (may_be_averaged(nature)) remedy += ", or ask for --mean " + list;
  if (adds) remedy += " or --sum " + list;
  throw UsageError(variable,
                   fmt::format("{} would share a row, and {}", fmt::join(shared, " and "),
                               reason_not_added(nature, variable)),
                   remedy);
}

std::string range_of(int64_t least, int64_t most) {
  return least == most ? std::to_string(most) : fmt::format("{} to {}", least, most);
}

const char* word_of(Reduction how) {
  return how == Reduction::sum ? "sum" : how == Reduction::mean ? "mean" : "largest";
}

/// "mean of 4 samples, sum of 12 segments" of the axes inside or outside.
std::string words_of(const std::vector<Statement::Axis>& axes, bool outside) {
  std::string text;
  for (const Reduction how : {Reduction::mean, Reduction::sum, Reduction::largest}) {
    for (const Statement::Axis& axis : axes) {
      if (axis.how != how || axis.outside != outside) continue;
      std::string number = range_of(axis.least, axis.most);
      if (axis.least < axis.in_all && axis.in_all > axis.most) {
        number += fmt::format(" of {}", axis.in_all);
      }
      const bool one = number == "1";
      text += fmt::format("{}{} of {} {}{}", text.empty() ? "" : ", ", word_of(how), number,
                          entry_of(axis.name), one ? "" : "s");
      if (!axis.weights.empty()) text += " (" + axis.weights + ")";
    }
  }
  return text;
}

}  // namespace

Nature nature_of(const StoreReader& store, const StoredVariable& variable) {
  const std::string& name = variable.name;
  if (name == "psi" || name.starts_with("psi_") || name.starts_with("parameter/")) {
    return Nature::part;
  }
  for (const char* part : {"balance", "left_out", "config_change", "interval_change", "seconds"}) {
    if (name == part) return Nature::part;
  }
  for (const Certificate& each : certificates()) {
    if (name == each.name) return nature_of(each);
  }
  if (name == "explained_share") return Nature::cumulative;
  const bool coordinate =
      variable.dims.size() == 1 &&
      read_axis(store, variable.dims[0], variable.shape[0]).find(name) != nullptr;
  return coordinate || name == "checksum" ? Nature::label : Nature::count;
}

std::string reason_not_added(Nature nature, const std::string& variable) {
  switch (nature) {
    case Nature::value:
      return "values of F at different steps do not add up";
    case Nature::cumulative:
      return variable + " of an interval holds those before it already";
    case Nature::label:
      return variable + " is a label, which can be neither added nor averaged";
    default:
      return "neither their sum nor their mean goes without saying";
  }
}

std::string sign_of(const StoreReader& store, const std::string& variable) {
  const std::string said = store.attribute(variable, "sign_convention");
  if (!said.empty()) return said.substr(0, said.find(';'));
  const bool score =
      variable == "psi" || variable.starts_with("psi_") || variable.starts_with("parameter/");
  return score && variable != "psi_abs" ? "negative: lowered F" : "";
}

StoredSamples stored_samples(const StoreReader& store, const StoredVariable& variable) {
  StoredSamples stored;
  const auto has = [&](const char* axis) {
    return std::find(variable.dims.begin(), variable.dims.end(), axis) != variable.dims.end();
  };
  if (has("sample") || !has("segment") || !store.has("id") ||
      nature_of(store, variable) != Nature::part || variable.name == "seconds") {
    return stored;
  }
  stored.samples = store.variable("id").shape.at(0);
  if (!has("group")) {
    stored.as = StoredSamples::As::sum_of_all;
    return stored;
  }
  std::map<std::string, int64_t> sizes;
  for (const std::string& name : store.texts("sample_group")) ++sizes[name];
  for (const std::string& name : store.texts("group")) stored.group_sizes.push_back(sizes[name]);
  stored.as = StoredSamples::As::group_means;
  for (const auto& [name, value] : store.attributes()) {
    if (name != "configuration") continue;
    const auto configuration = nlohmann::json::parse(value, nullptr, false);
    if (configuration.is_object() && configuration.value("group-reduce", "mean") == "sum") {
      stored.as = StoredSamples::As::group_sums;
    }
  }
  return stored;
}

std::vector<Reduction> reductions(const StoreReader& store, const StoredVariable& variable,
                                  const std::vector<AxisUse>& uses) {
  const Nature nature = nature_of(store, variable);
  const StoredSamples stored = stored_samples(store, variable);
  std::vector<Reduction> chosen;
  std::vector<AxisUse> unclear;
  for (const AxisUse& use : uses) {
    if (use.asked_sum && use.asked_mean) {
      throw UsageError("--sum", "'" + use.axis + "' stands in --mean too",
                       "Name it in one of them");
    }
    const bool shares = use.entries > 1;
    std::optional<Reduction> how = default_reduction(nature, use.axis, stored);
    if (use.asked_sum) how = Reduction::sum;
    if (use.asked_mean) how = Reduction::mean;
    const bool impossible = (use.asked_sum && !may_be_added(nature, use.axis)) ||
                            (use.asked_mean && !may_be_averaged(nature));
    if (shares && (!how || impossible)) unclear.push_back(use);
    chosen.push_back(how.value_or(Reduction::sum));
  }
  if (!unclear.empty()) refuse(variable.name, nature, unclear);
  return chosen;
}

std::string Statement::words() const {
  const std::string inside = words_of(axes, false), outside = words_of(axes, true);
  std::string text = inside;
  if (absolute) {
    const std::string within = inside.empty() ? "|score|" : "|" + inside + "|";
    text = outside.empty() ? within : outside + " of " + within;
  } else if (!outside.empty()) {
    text = inside.empty() ? outside : outside + " of the " + inside;
  }
  std::vector<std::string> further{stored, shared};
  further.insert(further.end(), then.begin(), then.end());
  for (const std::string& also : further) {
    if (!also.empty()) text += (text.empty() ? "" : "; ") + also;
  }
  return text;
}

std::string column_of(const Statement& statement, const Statement::Axis& axis) {
  std::string name = fmt::format("{}_of_{}s", word_of(axis.how), axis.name);
  if (!axis.weighted_by.empty()) name += "_weighted_by_" + axis.weighted_by;
  return statement.absolute && !axis.outside ? "inside_" + name : name;
}

}  // namespace explaind
