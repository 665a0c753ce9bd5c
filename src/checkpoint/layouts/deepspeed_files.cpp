#include "checkpoint/layouts/deepspeed_files.hpp"

#include <charconv>
#include <fstream>
#include <string_view>
#include <system_error>
#include <vector>

#include "checkpoint/step_name.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view model_end = "_model_states.pt", optimizer_end = "_optim_states.pt";

/// Takes `word` and a number off the beginning of `name`.
std::optional<int64_t> take_number(std::string_view& name, std::string_view word) {
  if (!name.starts_with(word)) return std::nullopt;
  const std::string_view digits = name.substr(word.size());
  int64_t number = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (code != std::errc{}) return std::nullopt;
  name = digits.substr(static_cast<size_t>(end - digits.data()));
  return number;
}

/// [bf16_|fp16_][zero_pp_rank_0_]mp_rank_00 before the end of the name.
std::optional<DeepSpeedRank> rank_of(std::string_view name, std::string_view end) {
  if (!name.ends_with(end)) return std::nullopt;
  name.remove_suffix(end.size());
  for (const std::string_view precision : {"bf16_", "fp16_"}) {
    if (name.starts_with(precision)) name.remove_prefix(precision.size());
  }
  DeepSpeedRank rank;
  if (const auto data = take_number(name, "zero_pp_rank_")) {
    rank.data = *data;
    if (!name.starts_with("_")) return std::nullopt;
    name.remove_prefix(1);
  }
  const auto model = take_number(name, "mp_rank_");
  if (!model || !name.empty()) return std::nullopt;
  rank.model = *model;
  return rank;
}

bool is_universal(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder / "zero", ignored)) return false;
  if (fs::exists(folder / "zero" / "optimizer_state.pt", ignored)) return true;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "zero", ignored)) {
    if (fs::exists(entry.path() / "fp32.pt", ignored)) return true;
  }
  return false;
}

bool holds_files(const fs::path& folder) {
  if (is_universal(folder)) return true;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (rank_of(name, optimizer_end) || rank_of(name, model_end)) return true;
  }
  return false;
}

/// The first line of a file that names a folder beside it.
std::string named_in(const fs::path& file) {
  std::ifstream text(file);
  std::string name;
  std::getline(text, name);
  while (!name.empty() && (name.back() == '\r' || name.back() == ' ')) name.pop_back();
  return name.find('/') == std::string::npos && name != ".." ? name : "";
}

/// A program's own files lie in it, which say that it is one checkpoint.
bool is_of_one_step(const fs::path& folder) {
  std::error_code ignored;
  for (const char* file :
       {"trainer_state.json", "scheduler.pt", "scheduler.bin", "random_states_0.pkl",
        "model.safetensors", "model.safetensors.index.json"}) {
    if (fs::exists(folder / file, ignored)) return true;
  }
  return false;
}

}  // namespace

std::optional<fs::path> deepspeed_folder(const fs::path& checkpoint) {
  if (holds_files(checkpoint)) return checkpoint;
  std::error_code ignored;
  const std::string latest = named_in(checkpoint / "latest");
  const std::string universal = named_in(checkpoint / "latest_universal");
  std::vector<fs::path> inside;
  for (const fs::directory_entry& entry : fs::directory_iterator(checkpoint, ignored)) {
    if (entry.is_directory(ignored) && holds_files(entry.path())) inside.push_back(entry.path());
  }
  if (inside.empty()) return std::nullopt;
  // `latest` also lies above the folders of many steps, which are a series.
  if (is_of_one_step(checkpoint)) {
    for (const fs::path& each : inside) {
      if (each.filename() == latest || each.filename() == universal) return each;
    }
    return inside.size() == 1 ? std::optional(inside[0]) : std::nullopt;
  }
  const bool says_step = read_step_name(inside[0].filename().string()).step.has_value();
  if (inside.size() == 1 && !says_step) return inside[0];
  return std::nullopt;
}

DeepSpeedFiles deepspeed_files(const fs::path& folder) {
  DeepSpeedFiles files{
      .folder = folder, .universal = is_universal(folder), .model = {}, .optimizer = {}};
  const auto add = [&](std::map<DeepSpeedRank, fs::path>& to, const fs::path& path,
                       std::string_view end) {
    const auto rank = rank_of(path.filename().string(), end);
    if (!rank) return;
    const auto [other, is_new] = to.emplace(*rank, path);
    if (!is_new) {
      throw DataError(folder.string(),
                      "holds two files of one rank: " + other->second.filename().string() +
                          " and " + path.filename().string(),
                      "Move the one that is not of this checkpoint away");
    }
  };
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    add(files.model, entry.path(), model_end);
    add(files.optimizer, entry.path(), optimizer_end);
  }
  if (files.model.empty()) {
    throw DataError(folder.string(),
                    "holds no …_model_states.pt, which says what DeepSpeed's other files are of",
                    "Copy all files of the checkpoint");
  }
  return files;
}

}  // namespace explaind
