#include "staging/stage_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>
#include <utility>

#include "checkpoint/json_file.hpp"
#include "core/error.hpp"
#include "core/whole_file.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* series_file = "series.json";
constexpr const char* log_file = "fetch.log";
constexpr int tries = 3;
constexpr std::chrono::seconds pause_between_tries{1};
/// What is copied beside the weights is small: config, tokenizer, generation's defaults.
constexpr uintmax_t most_small_bytes = uintmax_t{64} << 20;

std::string folder_of(int64_t step) { return "step-" + std::to_string(step); }

Json names_of(const std::vector<Revision>& revisions) {
  Json names = Json::array();
  for (const Revision& each : revisions) {
    names.push_back({{"step", each.entry.step}, {"revision", each.name}});
  }
  return names;
}

bool is_of_weights(const fs::path& file) {
  for (const char* end : {".safetensors", ".bin", ".pt", ".pth", ".distcp", ".gguf", ".h5",
                          ".msgpack", ".index.json"}) {
    if (file.filename().string().ends_with(end)) return true;
  }
  return false;
}

/// Whether the folder is one of an earlier run. Throws where it holds something else.
bool is_stage(const fs::path& folder) {
  std::error_code ignored;
  std::ifstream list(folder / own_list);
  std::string first;
  std::getline(list, first);
  if (first == "explaind stage") return true;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().starts_with(lock_in_folder)) continue;  // a claim
    throw DataError(folder.string(),
                    "is not empty, and no folder that checkpoints were brought into",
                    "Name a new or an empty folder with --stage");
  }
  return false;
}

OwnFolder::Wanted wanted(const fs::path& folder, const std::vector<Revision>& revisions) {
  std::vector<std::string> entries{"model", series_file, log_file};
  for (const Revision& each : revisions) {
    entries.push_back(folder_of(each.entry.step));
    entries.push_back(folder_of(each.entry.step) + ".part");
  }
  return {.path = folder,
          .what = "stage",
          .overwrite = false,
          .keeps = [folder] { return is_stage(folder); },
          .entries = entries,
          .writes = [](const fs::path&) { return true; },
          .known_otherwise = {}};
}

void write_json(const fs::path& path, const Json& content) {
  std::ofstream out(path);
  out << content.dump(1) << '\n';
  out.close();
  if (!out) throw DataError(path.string(), "cannot be written", "Check space and permissions");
}

}  // namespace

StageFolder::StageFolder(const fs::path& folder, const std::vector<Revision>& revisions,
                         FetchCommand command)
    : folder_(fs::absolute(folder)),
      revisions_(revisions),
      command_(std::move(command)),
      own_((static_cast<void>(is_stage(folder)), wanted(folder, revisions))) {
  const fs::path known = folder_ / series_file;
  if (fs::exists(known) && read_json_object(known).value("names", Json()) != names_of(revisions_)) {
    throw DataError(folder.string(), "holds checkpoints of another series",
                    "Name another folder with --stage, or remove this one");
  }
  for (const Revision& each : revisions_) {
    fs::remove_all(folder_ / (folder_of(each.entry.step) + ".part"));
  }
}

fs::path StageFolder::path_of(size_t place) const {
  return folder_ / folder_of(revisions_[place].entry.step);
}

std::string StagedModel::text() const {
  Json tensors_json = Json::object();
  for (const auto& [name, tensor] : tensors) {
    tensors_json[name] = {{"dtype", to_string(tensor.dtype)}, {"shape", tensor.shape}};
  }
  return Json{{"config", config}, {"tensors", tensors_json}}.dump();
}

StagedModel StagedModel::of_text(const std::string& text) {
  const Json content = Json::parse(text);
  StagedModel model{.config = content.at("config"), .tensors = {}};
  for (const auto& [name, tensor] : content.at("tensors").items()) {
    TensorView view{.name = name,
                    .dtype = parse_dtype(tensor.at("dtype").get<std::string>()).value(),
                    .shape = tensor.at("shape").get<std::vector<int64_t>>()};
    view.bytes = static_cast<size_t>(view.elements()) * dtype_size(view.dtype);
    model.tensors.emplace(name, std::move(view));
  }
  return model;
}

std::optional<StagedModel> StageFolder::model() const {
  const fs::path known = folder_ / series_file;
  if (!fs::exists(known)) return std::nullopt;
  try {
    return StagedModel::of_text(read_json_object(known).at("model").dump());
  } catch (const std::exception& error) {  // JSON's, or of a dtype that is none
    throw DataError(known.string(), std::string("is damaged: ") + error.what(),
                    "Remove the folder that --stage names");
  }
}

void StageFolder::learn(size_t place) {
  const Checkpoint checkpoint = Checkpoint::open(path_of(place));
  fs::create_directories(model_folder());
  for (const fs::directory_entry& entry : fs::directory_iterator(path_of(place))) {
    if (!entry.is_regular_file() || is_of_weights(entry.path())) continue;
    if (entry.file_size() > most_small_bytes) continue;
    fs::copy_file(entry.path(), model_folder() / entry.path().filename(),
                  fs::copy_options::overwrite_existing);
  }
  const StagedModel model{.config = checkpoint.config(), .tensors = checkpoint.tensors()};
  write_json(folder_ / series_file,
             {{"names", names_of(revisions_)}, {"model", Json::parse(model.text())}});
}

void StageFolder::fetch(size_t place, const fs::path& part) const {
  const Revision& revision = revisions_[place];
  const std::string command = command_.of(revision.name, revision.entry.step, part);
  const std::string failure = run_command(command, folder_ / log_file);
  if (!failure.empty()) throw DataError(command, failure);
  static_cast<void>(Checkpoint::open(part));  // throws where it is not whole
}

void StageFolder::bring(size_t place, const StopFlag& stop,
                        const std::function<void(const std::string&)>& say) {
  const fs::path whole = path_of(place), part = whole.string() + ".part";
  if (fs::exists(whole)) return;
  const Revision& revision = revisions_[place];
  for (int attempt = 1;; ++attempt) {
    fs::remove_all(part);
    fs::create_directory(part);
    try {
      fetch(place, part);
      break;
    } catch (const DataError& error) {
      const std::string what = fmt::format("{} (step {})", revision.name, revision.entry.step);
      if (attempt == tries) {
        fs::remove_all(part);
        throw DataError("--stage-command",
                        fmt::format("did not bring {} in {} tries: {}", what, tries, error.what()),
                        "Run the command by hand; when it works, --resume goes on");
      }
      say(fmt::format("{}: try {} of {} failed: {}\n", what, attempt, tries, error.what()));
    }
    stop.require_down();
    std::this_thread::sleep_for(pause_between_tries * attempt);
  }
  fs::rename(part, whole);
}

void StageFolder::keep_only(const std::vector<size_t>& places) {
  for (size_t i = 0; i < revisions_.size(); ++i) {
    if (std::find(places.begin(), places.end(), i) == places.end()) fs::remove_all(path_of(i));
  }
}

void StageFolder::clear() {
  keep_only({});
  fs::remove_all(model_folder());
  for (const char* file : {series_file, log_file}) fs::remove(folder_ / file);
}

}  // namespace explaind
