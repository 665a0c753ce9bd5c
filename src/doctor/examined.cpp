#include "doctor/examined.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/json_file.hpp"
#include "checkpoint/layouts/saved_state.hpp"
#include "core/error.hpp"
#include "core/whole_file.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using Kind = Finding::Kind;

constexpr std::array<std::string_view, 7> tokenizer_files{"tokenizer.json",
                                                          "tokenizer.model",
                                                          "tokenizer_config.json",
                                                          "special_tokens_map.json",
                                                          "vocab.json",
                                                          "added_tokens.json",
                                                          "merges.txt"};

bool is_weights(const std::string& name) {
  const bool begins = name.starts_with("model") || name.starts_with("pytorch_model");
  return begins && (name.ends_with(".safetensors") || name.ends_with(".bin"));
}

/// What a series' checkpoints have alike; of other files (optimizer states, logs) it says nothing.
bool counts(const std::string& name) {
  return is_weights(name) || name.ends_with(".index.json") || name == "config.json" ||
         name == "generation_config.json" ||
         std::find(tokenizer_files.begin(), tokenizer_files.end(), name) != tokenizer_files.end();
}

bool is_lfs_pointer(const fs::path& path) {
  std::error_code ignored;
  if (fs::file_size(path, ignored) > 1024 || ignored) return false;
  constexpr std::string_view mark = "version https://git-lfs.github.com/spec/";
  std::string head(mark.size(), 0);
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  return head == mark;
}

std::vector<std::string> files_in(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    if (!entry.is_directory(ignored)) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// One checkpoint on its way into `examined`.
class Examination {
 public:
  Examination(Examined& examined, size_t index)
      : found_(examined.findings), here_(examined.checkpoints[index]), index_(index) {}

  void run() {
    here_.present = files_in(here_.directory);
    for (const std::string& name : here_.present) {
      if (!is_lfs_pointer(here_.directory / name)) continue;
      pointers_.insert(name);
      say(Kind::lfs_pointer, name,
          name + " is a Git LFS pointer, not the file: git lfs pull brings it");
    }
    read_config();
    for (const std::string_view name : tokenizer_files) {
      const std::string file(name);
      if (!std::binary_search(here_.present.begin(), here_.present.end(), file)) continue;
      try {
        here_.tokenizer[file] = read_whole_file((here_.directory / file).string());
      } catch (const Error& error) {
        say(Kind::unreadable, file, error.what());
      }
    }
    open_weights();
  }

 private:
  void say(Kind kind, const std::string& where, const std::string& text) {
    found_.push_back({.kind = kind, .checkpoints = {index_}, .where = where, .text = text});
    ++said_;
  }

  void read_config() {
    if (pointers_.contains("config.json")) return;
    // What a training program saved for itself mostly has none: opened, it says what it is of.
    if (!own_config() && holds_saved_state(here_.directory)) return;
    try {
      here_.config = read_json_object(here_.directory / "config.json");
    } catch (const Error& error) {
      say(Kind::unreadable, "config.json", error.what());
      config_said_ = true;
    }
  }

  [[nodiscard]] bool own_config() const {
    return std::binary_search(here_.present.begin(), here_.present.end(), "config.json");
  }

  void open_weights() {
    try {
      const Checkpoint& whole = here_.opened.emplace(Checkpoint::open(here_.directory));
      here_.whole = true;
      if (here_.config.is_null() && !own_config()) here_.config = whole.config();
      for (size_t i = 0; i < whole.files().size(); ++i) {
        here_.files.push_back(
            {.name = whole.files()[i].lexically_relative(here_.directory).string(),
             .weights = whole.mapped()[i],
             .sha256 = {}});
      }
      std::map<const void*, size_t> file_of;  // by what a view points to: names may be unwrapped
      for (size_t i = 0; i < here_.files.size(); ++i) {
        for (const TensorView& view : here_.files[i].weights->tensors()) file_of[view.data] = i;
      }
      for (const auto& [name, view] : whole.tensors()) {
        const auto found = file_of.find(view.data);
        here_.tensors.emplace(
            name, PlacedTensor{view, found != file_of.end() ? found->second : file_around(view)});
      }
    } catch (const Error& error) {
      const size_t before = said_;
      open_one_by_one();
      // Without its config no checkpoint opens, and that is said already.
      if (said_ == before && pointers_.empty() && !config_said_) {
        say(Kind::unreadable, "", error.what());
      }
    }
  }

  /// The file in whose bytes it lies; the first one of a tensor that was put together of several.
  [[nodiscard]] size_t file_around(const TensorView& view) const {
    for (size_t i = 0; i < here_.files.size(); ++i) {
      const std::span<const std::byte> bytes = here_.files[i].weights->file().bytes();
      if (view.data >= bytes.data() && view.data < bytes.data() + bytes.size()) return i;
    }
    return 0;
  }

  /// What of the weights can be read where the checkpoint cannot be opened as one.
  void open_one_by_one() {
    std::set<std::string> files;
    for (const std::string& name : here_.present) {
      if (is_weights(name)) files.insert(name);
    }
    for (const std::string& name : here_.present) {
      if (!name.ends_with(".index.json") || pointers_.contains(name)) continue;
      try {
        const nlohmann::json index = read_json_object(here_.directory / name);
        for (const auto& [tensor, file] : index.at("weight_map").items()) {
          files.insert(file.get<std::string>());
        }
      } catch (const std::exception& error) {
        say(Kind::unreadable, name, fmt::format("{} cannot be read: {}", name, error.what()));
      }
    }
    for (const std::string& name : files) {
      if (pointers_.contains(name)) continue;
      if (!std::binary_search(here_.present.begin(), here_.present.end(), name)) {
        say(Kind::missing_file, name, name + " is listed in the index and not there");
        continue;
      }
      try {
        here_.files.push_back(
            {.name = name, .weights = open_weight_file(here_.directory / name), .sha256 = {}});
      } catch (const Error& error) {
        say(Kind::unreadable, name, error.what());
        continue;
      }
      for (const TensorView& view : here_.files.back().weights->tensors()) {
        here_.tensors.emplace(view.name, PlacedTensor{view, here_.files.size() - 1});
      }
    }
  }

  std::vector<Finding>& found_;
  ExaminedCheckpoint& here_;
  size_t index_;
  size_t said_ = 0;
  bool config_said_ = false;
  std::set<std::string> pointers_;
};

/// Files that nearly all others have, and weights that hardly another has and nobody reads.
void compare_files(Examined& examined) {
  std::map<std::string, size_t> count;
  size_t whole = 0;  // checkpoints that have files at all
  for (const ExaminedCheckpoint& each : examined.checkpoints) {
    whole += each.present.empty() ? 0 : 1;
    for (const std::string& name : each.present) count[name] += counts(name) ? 1 : 0;
  }
  for (size_t i = 0; i < examined.checkpoints.size(); ++i) {
    const ExaminedCheckpoint& here = examined.checkpoints[i];
    if (here.present.empty()) continue;
    for (const auto& [name, others] : count) {
      const bool has = std::binary_search(here.present.begin(), here.present.end(), name);
      const bool read =
          std::any_of(here.files.begin(), here.files.end(),
                      [&name = name](const ExaminedFile& file) { return file.name == name; });
      if (!has && others * 4 >= whole * 3 && !is_weights(name)) {
        examined.findings.push_back(
            {.kind = Kind::missing_file,
             .checkpoints = {i},
             .where = name,
             .text = fmt::format("{} is not there, and {} of {} checkpoints "
                                 "have it",
                                 name, others, whole)});
      }
      const auto missing = [i, &name = name](const Finding& each) {
        return each.checkpoints.front() == i && each.where == name;
      };
      if (has && is_weights(name) && !read && others * 2 <= whole &&
          std::none_of(examined.findings.begin(), examined.findings.end(), missing)) {
        examined.findings.push_back(
            {.kind = Kind::surplus_file,
             .checkpoints = {i},
             .where = name,
             .text = fmt::format("{} is not part of the checkpoint, and {} of {} have such a file",
                                 name, others, whole)});
      }
    }
  }
}

}  // namespace

const PlacedTensor* ExaminedCheckpoint::tensor(const std::string& name) const {
  const auto found = tensors.find(name);
  return found == tensors.end() ? nullptr : &found->second;
}

Examined examine(const std::vector<SeriesEntry>& entries, const std::vector<BrokenEntry>& broken) {
  struct Place {
    int64_t step;
    fs::path directory;
    const BrokenEntry* broken;
  };
  std::vector<Place> places;
  for (const SeriesEntry& entry : entries) places.push_back({entry.step, entry.directory, nullptr});
  for (const BrokenEntry& entry : broken) {
    places.push_back({entry.step.value_or(0), entry.where, &entry});
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const Place& a, const Place& b) { return a.step < b.step; });
  Examined examined;
  for (const Place& place : places) {
    ExaminedCheckpoint& here = examined.checkpoints.emplace_back();
    here.step = place.step;
    here.directory = place.directory;
  }
  for (size_t i = 0; i < places.size(); ++i) {
    if (places[i].broken != nullptr) {
      examined.findings.push_back({.kind = Kind::unreadable,
                                   .checkpoints = {i},
                                   .where = "",
                                   .text = places[i].broken->problem});
    } else {
      Examination(examined, i).run();
    }
  }
  compare_files(examined);
  return examined;
}

}  // namespace explaind
