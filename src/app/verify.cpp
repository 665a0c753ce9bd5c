// explaind verify: whether a store holds what it must.

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "app/listening.hpp"
#include "app/stop_signals.hpp"
#include "app/verbs.hpp"
#include "checkpoint/new_file.hpp"
#include "comm/allotted.hpp"
#include "core/error.hpp"
#include "core/file_kind.hpp"
#include "core/revision.hpp"
#include "core/utc_time.hpp"
#include "core/whole_file.hpp"
#include "tensors/thread_team.hpp"
#include "verification/recomputed_question.hpp"
#include "verification/verification_forms.hpp"
#include "verification/verify_weights.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// What was asked, as it can be asked again.
std::string command_of(VerifyOptions options) {
  std::string command = fmt::format("explaind verify {}", shell_word(options.store));
  for (const Option& option : option_table(options)) {
    const std::string value = option.get();
    if (option.name == "store" || value.empty() || value == "false") continue;
    command += option.flag() ? fmt::format(" --{}", option.name)
                             : fmt::format(" --{} {}", option.name, shell_word(value));
  }
  return command;
}

/// Only what an earlier verification left is replaced.
void require_replaceable(const fs::path& path) {
  if (!fs::exists(path)) return;
  if (fs::is_regular_file(path)) {
    const auto known = nlohmann::json::parse(read_whole_file(path), nullptr, false);
    if (known.is_object() && known.contains("checks") && known.contains("against_weights")) return;
  }
  throw DataError(path.string(), "is there, and no verification of a store",
                  "Move it away, or name another file with --output");
}

/// --series, by all ranks.
void verify_weights(const VerifyOptions& options, const fs::path& output, const Communicator& world,
                    Verification& found) {
  const ThreadTeam team(threads_of(options.threads, allotted(world)));
  TerminalListener listener;
  const WeightsAsked asked{.series = *options.series,
                           .samples = options.samples,
                           .share = parse_share(options.sample),
                           .seed = static_cast<uint64_t>(options.seed),
                           .work = output.string() + ".work"};
  verify_against_weights(asked, world, {.stop = stop_on_signals(nullptr), .listener = listener},
                         found);
}

/// What belongs to --series is refused without it, and what cannot be done is refused at once.
void require_sensible(const VerifyOptions& options) {
  static_cast<void>(parse_share(options.sample));
  if (!options.series && options.samples) {
    throw UsageError("--samples", "goes with --series", "Name the series too, or leave it out");
  }
}

/// Prints what was found, and keeps it.
void say(const VerifyOptions& options, const fs::path& output, const Verification& found) {
  const auto json = verification_json(
      found,
      {.date = utc_now(), .revision = std::string(revision()), .command = command_of(options)});
  const std::string text =
      json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  fmt::print("{}", options.json ? text : verification_table(found));
  write_text_file(output, text);
}

/// What one rank does for all: reading the file, speaking. @collective over world, if it is there
void by_one(const Communicator* world, const std::function<void()>& action) {
  if (world == nullptr) return action();
  agree(*world, [&] {
    if (world->rank() == 0) action();
  });
}

/// The pass over the bytes is the first rank's; all ranks end alike.
bool all_hold(const Verification& found, const Communicator* world) {
  return world == nullptr ? found.holds() : world->minimum(found.holds() ? 1 : 0) == 1;
}

}  // namespace

int run_verify(const VerifyOptions& options, const Communicator* world) {
  require_sensible(options);
  const fs::path output = options.output.value_or(options.store + ".verify.json");
  Verification found;
  found.store = options.store;
  by_one(world, [&] {
    require_replaceable(output);
    found = verify_store(options.store);
  });
  if (options.series) verify_weights(options, output, *world, found);
  by_one(world, [&] { say(options, output, found); });
  return static_cast<int>(all_hold(found, world) ? ExitCode::done : ExitCode::failure);
}

}  // namespace explaind
