// explaind verify: whether a store holds what it must.

#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/verbs.hpp"
#include "checkpoint/new_file.hpp"
#include "core/error.hpp"
#include "core/revision.hpp"
#include "core/whole_file.hpp"
#include "verification/verification_forms.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

std::string now() {
  const std::time_t time = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&time, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

/// What was asked, as it can be asked again.
std::string command_of(VerifyOptions options) {
  std::string command = "explaind verify " + options.store;
  for (const Option& option : option_table(options)) {
    const std::string value = option.get();
    if (option.name == "store" || value.empty() || value == "false") continue;
    command += " --" + option.name + (option.flag() ? "" : " " + value);
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

}  // namespace

int run_verify(const VerifyOptions& options) {
  const fs::path output = options.output.value_or(options.store + ".verify.json");
  require_replaceable(output);
  const Verification found = verify_store(options.store);
  const auto json = verification_json(
      found, {.date = now(), .revision = std::string(revision()), .command = command_of(options)});
  const std::string text =
      json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  fmt::print("{}", options.json ? text : verification_table(found));
  write_text_file(output, text);
  return static_cast<int>(found.holds() ? ExitCode::done : ExitCode::failure);
}

}  // namespace explaind
