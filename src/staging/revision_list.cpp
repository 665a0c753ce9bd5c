#include "staging/revision_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "checkpoint/step_name.hpp"
#include "checkpoint/step_pattern.hpp"
#include "core/error.hpp"
#include "core/whole_file.hpp"

namespace explaind {
namespace {

constexpr const char* form =
    "With --stage the series is a text file with a line for each checkpoint: REVISION, whose name "
    "says the step (step-1000), or STEP REVISION";

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

/// What a name without a step before it says.
StepName named(const std::string& name, const NameRules& rules, const std::string& where) {
  StepName said =
      rules.pattern.empty() ? read_step_name(name) : StepPattern(rules.pattern).read(name);
  if (said.step) return said;
  throw DataError(where,
                  "the step of '" + name + "' is in doubt" +
                      (said.doubt.empty() ? std::string() : ": " + said.doubt),
                  fmt::format("Put it before the name: {} {}",
                              said.likely ? std::to_string(*said.likely) : "STEP", name));
}

}  // namespace

std::vector<Revision> read_revisions(const std::filesystem::path& file, const NameRules& rules) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    throw DataError(file.string(), "is a folder, and --stage brings checkpoints by name", form);
  }
  if (!rules.phases.empty() || !rules.seed.empty()) {
    throw UsageError(rules.phases.empty() ? "--series-seed" : "--phases",
                     "is of checkpoints that are there, and --stage brings them by name",
                     "Write the steps themselves: lines of STEP REVISION");
  }
  std::istringstream in(read_whole_file(file.string()));
  std::vector<Revision> revisions;
  std::optional<std::pair<std::string, std::string>> kind;  // part and seed of names without steps
  int64_t number = 0;
  for (std::string line; std::getline(in, line);) {
    const std::string where = fmt::format("{}: line {}", file.string(), ++number);
    const std::vector<std::string> words = words_of(line);
    if (words.empty() || words.front().front() == '#') continue;
    if (words.size() > 2) throw DataError(where, "has more than STEP REVISION", form);
    Revision revision{.entry = {}, .name = words.back()};
    if (words.size() == 2) {
      const std::optional<int64_t> step = parse_step(words.front());
      if (!step) throw DataError(where, "'" + words.front() + "' is no step", form);
      revision.entry.step = *step;
      revision.entry.tokens = read_step_name(revision.name).tokens;
    } else {
      const StepName said = named(revision.name, rules, where);
      const std::pair<std::string, std::string> own{said.part, said.seed};
      if (kind && *kind != own) {
        throw DataError(
            where,
            fmt::format("'{}' is of another part of the training, or another seed, than "
                        "the lines before it",
                        revision.name),
            "Write the steps themselves: lines of STEP REVISION");
      }
      kind = own;
      revision.entry.step = *said.step;
      revision.entry.tokens = said.tokens;
    }
    revisions.push_back(std::move(revision));
  }
  std::stable_sort(revisions.begin(), revisions.end(), [](const Revision& a, const Revision& b) {
    return a.entry.step < b.entry.step;
  });
  for (size_t i = 1; i < revisions.size(); ++i) {
    if (revisions[i].entry.step != revisions[i - 1].entry.step) continue;
    throw DataError(file.string(),
                    fmt::format("step {} is given twice: {} and {}", revisions[i].entry.step,
                                revisions[i - 1].name, revisions[i].name),
                    "Keep one of them");
  }
  if (revisions.size() < 2) {
    throw DataError(file.string(),
                    fmt::format("names {} checkpoint{}", revisions.size(),
                                revisions.size() == 1 ? " only" : "s"),
                    form);
  }
  return revisions;
}

}  // namespace explaind
