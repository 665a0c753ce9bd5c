#include "api/options.hpp"

#include <algorithm>
#include <set>

#include "api/errors.hpp"
#include "core/nearest_name.hpp"

namespace explaind::v1 {
namespace {

const std::set<std::string> of_subjects{"series",       "phases",    "series-seed",
                                        "step-pattern", "tied-head", "source"};
const std::set<std::string> of_calls{"store", "overwrite", "resume", "other-build"};

const char* words_of(Owner owner) {
  switch (owner) {
    case Owner::subject:
      return "Give it where the subject is opened";
    case Owner::question:
      return "Set it in the question";
    case Owner::place:
      return "Set it in the place";
    case Owner::call:
      return "It is an argument of decompose";
  }
  return "";
}

Option& option_named(OptionTable& table, const std::string& name) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const Option& each) { return each.name == name; });
  if (found != table.end()) return *found;
  std::vector<std::string> names;
  for (const Option& each : table) names.push_back(each.name);
  throw UsageError(name, "is no option of a decomposition",
                   suggestion(name, names, "explaind decompose --help lists them"));
}

}  // namespace

Owner owner_of(const std::string& name) {
  DecomposeOptions scratch;
  OptionTable table = option_table(scratch);
  const Option& option = option_named(table, name);
  if (of_subjects.contains(name)) return Owner::subject;
  if (of_calls.contains(name)) return Owner::call;
  return option.role == Role::identity || name == "hash-inputs" ? Owner::question : Owner::place;
}

void set_option(DecomposeOptions& options, Owner owner, const std::string& name,
                const std::string& value) {
  OptionTable table = option_table(options);
  Option& option = option_named(table, name);
  const Owner theirs = owner_of(name);
  if (theirs != owner) throw UsageError(name, "is not set here", words_of(theirs));
  option.set(value);
}

DecomposeOptions options_of(const std::vector<std::pair<std::string, std::string>>& subject,
                            const Question& question, const Place& place) {
  DecomposeOptions options;
  for (const auto& [name, value] : subject) set_option(options, Owner::subject, name, value);
  for (const auto& [name, value] : question.options()) {
    set_option(options, Owner::question, name, value);
  }
  for (const auto& [name, value] : place.options()) {
    set_option(options, Owner::place, name, value);
  }
  return options;
}

Question& Question::set(const std::string& name, const std::string& value) {
  translated([&] {
    DecomposeOptions scratch;
    set_option(scratch, Owner::question, name, value);
  });
  options_.emplace_back(name, value);
  return *this;
}

Place& Place::set(const std::string& name, const std::string& value) {
  translated([&] {
    DecomposeOptions scratch;
    set_option(scratch, Owner::place, name, value);
  });
  options_.emplace_back(name, value);
  return *this;
}

}  // namespace explaind::v1
