#include "job/provenance.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <span>

#include "checkpoint/sha256.hpp"
#include "core/error.hpp"
#include "core/revision.hpp"
#include "core/utc_time.hpp"
#include "core/whole_file.hpp"
#include "job/run_samples.hpp"
#include "job/versions.hpp"
#include "runs/run_files.hpp"
#include "samples/table_folder.hpp"
#include "store/layout.hpp"

namespace explaind {
namespace {

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

constexpr const char* beginner = "begun_by";

/// Token ids and labels of all samples: the tokenizer's part in the numbers.
uint32_t crc_of(const std::vector<Sample>& samples) {
  uLong crc = crc32_z(0, nullptr, 0);
  const auto add = [&](const Sample& sequence) {
    for (const std::vector<int64_t>* values : {&sequence.input_ids, &sequence.labels}) {
      crc = crc32_z(crc, reinterpret_cast<const Bytef*>(values->data()),
                    values->size() * sizeof(int64_t));
    }
  };
  for (const Sample& sample : samples) {
    add(sample);
    for (const Sample& other : sample.against) add(other);
  }
  return static_cast<uint32_t>(crc);
}

/// A folder of tables counts as their bytes one after the other.
nlohmann::ordered_json file_source(const std::string& path, const std::vector<Sample>& samples) {
  std::vector<std::filesystem::path> files{path};
  if (std::filesystem::is_directory(path)) files = table_files(path);
  size_t size = 0;
  uLong crc = crc32_z(0, nullptr, 0);
  for (const std::filesystem::path& file : files) {
    const std::string bytes = read_whole_file(file.string());
    size += bytes.size();
    crc = crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  }
  return {{"file", std::filesystem::absolute(path).string()},
          {"size", size},
          {"crc32", fmt::format("{:08x}", crc)},
          {"tokens_crc32", fmt::format("{:08x}", crc_of(samples))}};
}

nlohmann::ordered_json sample_source(const std::string& path, const Problem& problem) {
  const std::vector<Sample>& samples = problem.samples;
  if (problem.run() && parse_sample_choice(path)) {
    return {{"choice", path}, {"tokens_crc32", fmt::format("{:08x}", crc_of(samples))}};
  }
  return file_source(path, samples);
}

/// What the numbers are computed from. hash: with the SHA-256 of weight files.
nlohmann::ordered_json inputs_of(const Problem& problem, bool hash,
                                 const nlohmann::ordered_json& samples) {
  nlohmann::ordered_json inputs{{"series", problem.subject.identity(hash)}, {"samples", samples}};
  if (problem.steps) {
    nlohmann::ordered_json files = nlohmann::ordered_json::array();
    for (size_t i = 0; i < problem.steps->batches.size(); ++i) {
      files.push_back(file_source(problem.steps->files[i], problem.steps->batches[i].samples));
    }
    inputs["training_batch"] = files.size() == 1 ? files.front() : files;
    inputs["optimizers"] = nlohmann::ordered_json::array();
    for (const StoredOptimizer& optimizer : problem.subject.optimizers()) {
      for (const StoredOptimizer::File& file : optimizer.files()) {
        inputs["optimizers"].push_back(
            {{"file", file.name},
             {"size", file.size},
             {"header_crc32", fmt::format("{:08x}", file.header_crc32)}});
      }
    }
  }
  return inputs;
}

/// Some bytes in the middle of every file of weights: copies of another age differ there, where
/// their headers are alike.
uint32_t middles_of(const Subject& subject) {
  std::vector<std::filesystem::path> files;
  for (size_t i = 0; subject.series() && i < subject.series()->size(); ++i) {
    for (const auto& weights : subject.series()->checkpoint(i).mapped()) {
      files.push_back(weights->file().path());
    }
  }
  if (subject.run()) {
    const auto blocks = subject.run()->directory() / run_files::blocks;
    for (const auto& entry : std::filesystem::directory_iterator(blocks)) {
      files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
  }
  uLong crc = crc32_z(0, nullptr, 0);
  for (const std::filesystem::path& path : files) {
    std::array<char, 4096> bytes{};
    std::ifstream in(path, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
    in.read(bytes.data(), bytes.size());
    crc = crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  }
  return static_cast<uint32_t>(crc);
}

/// The options of one role, as they are decided.
nlohmann::ordered_json options_of(const Problem& problem, Role role) {
  DecomposeOptions options = decided(problem);
  nlohmann::ordered_json values;
  for (const ResolvedOption& option : resolved(option_table(options))) {
    if (option.role == role) values[option.key] = option.value;
  }
  return values;
}

/// Where config.json changes within the series; empty where it does not.
std::string changes_of(const Problem& problem) {
  const nlohmann::json changes = problem.subject.config_changes();
  return changes.empty() ? "" : changes.dump(2);
}

/// The text of an option where it is not given.
std::string default_of(const std::string& key) {
  DecomposeOptions fresh;
  for (const ResolvedOption& option : resolved(option_table(fresh))) {
    if (option.key == key) return option.value;
  }
  return "";
}

/// What a later run must share to go on with this store: where inputs lie and when they were copied
/// there does not matter, what they are does.
struct Identity {
  nlohmann::ordered_json options, inputs;
  std::string model;

  Identity(nlohmann::ordered_json configuration, nlohmann::ordered_json files, std::string config)
      : options(std::move(configuration)), inputs(std::move(files)), model(std::move(config)) {
    for (const char* path : {"series", "samples", "tokenizer", "training-batch"}) {
      options.erase(path);
    }
    for (auto& file : inputs["series"]) file.erase("modified");
    inputs["samples"].erase("file");
    if (!inputs.contains("training_batch")) return;
    nlohmann::ordered_json& batches = inputs["training_batch"];
    if (batches.is_object()) batches.erase("file");
    for (auto& batch : batches) {
      if (batch.is_object()) batch.erase("file");
    }
  }

  [[nodiscard]] std::string hash() const {
    const std::string all = options.dump() + inputs.dump() + model;
    return sha256_of(std::as_bytes(std::span(all)));
  }
  /// One phrase for each thing in which another differs. An option that one of them does not know
  /// yet has its default there. and_was: between a value here and the other's.
  [[nodiscard]] std::vector<std::string> differences(const Identity& other,
                                                     const char* and_was = "now and was") const {
    std::vector<std::string> found;
    for (const auto& [key, value] : options.items()) {
      const auto theirs = other.options.find(key);
      if (theirs == other.options.end() ? value == default_of(key) : *theirs == value) continue;
      found.push_back(fmt::format("{} is {} {} {}", key, value.dump(), and_was,
                                  theirs == other.options.end() ? "not known" : theirs->dump()));
    }
    for (const auto& [key, value] : other.options.items()) {
      if (!options.contains(key)) found.push_back(key + " is not known any more");
    }
    if (inputs["series"] != other.inputs["series"]) found.push_back("other weights in --series");
    if (inputs["samples"] != other.inputs["samples"]) {
      found.push_back("other samples, or another tokenizer");
    }
    for (const char* of_steps : {"training_batch", "optimizers"}) {
      if (inputs.value(of_steps, nlohmann::ordered_json()) ==
          other.inputs.value(of_steps, nlohmann::ordered_json())) {
        continue;
      }
      found.push_back(std::string("another ") + of_steps);
    }
    if (model != other.model) found.push_back("another config.json");
    return found;
  }
};

using Attributes = std::vector<std::pair<std::string, std::string>>;

Identity identity_of(const Attributes& attributes) {
  const std::map<std::string, std::string> named(attributes.begin(), attributes.end());
  using Json = nlohmann::ordered_json;
  const auto later = named.find("config_changes");
  return {Json::parse(named.at("configuration")), Json::parse(named.at("inputs")),
          named.at("model_config") + (later == named.end() ? "" : later->second)};
}

/// Parallel writers need scores that lie in one piece, and units that one run made.
void require_written_by_a_run(const StoreReader& store) {
  constexpr const char* remedy = "Go on with {}, or give another --store";
  const Attributes attributes = store.attributes();
  const bool merged = std::any_of(attributes.begin(), attributes.end(),
                                  [](const auto& each) { return each.first == merged_from; });
  if (merged) {
    throw DataError(store.path(), "was merged from other stores and cannot be gone on with",
                    fmt::format(fmt::runtime(remedy), "those, and merge them again"));
  }
  if (store.open_array("psi").chunk().empty()) return;
  throw DataError(
      store.path(),
      "lies in chunks, as explaind store repack writes them, and cannot be gone on with",
      fmt::format(fmt::runtime(remedy), "the store that it was made from"));
}

}  // namespace

void require_same_identity(const StoreReader& store, const Attributes& fresh) {
  if (store.version() != store_version) {
    throw DataError(
        store.path(),
        fmt::format("is in layout {}, which can be queried but not gone on with", store.version()),
        "Compute it anew: give --overwrite, or another --store");
  }
  require_written_by_a_run(store);
  const Attributes attributes = store.attributes();
  const std::map<std::string, std::string> stored(attributes.begin(), attributes.end());
  const std::map<std::string, std::string> now(fresh.begin(), fresh.end());
  if (!stored.contains("identity")) {
    throw DataError(store.path(), "does not say what it was computed from", "Use --overwrite");
  }
  if (stored.at("identity") == now.at("identity")) return;
  const std::vector<std::string> found = identity_of(fresh).differences(identity_of(attributes));
  if (found.empty()) return;  // begun by a program that had fewer options
  throw DataError(store.path(), fmt::format("cannot be gone on with: {}", fmt::join(found, "; ")),
                  "Give the options it was begun with, or another --store");
}

std::string gather_hosts(const Communicator& world) {
  std::map<std::string, int> hosts;
  for (const std::string& host : world.all_gather(host_name())) ++hosts[host];
  return nlohmann::json(hosts).dump();
}

void require_same_inputs(const Problem& problem, const Communicator& world) {
  if (problem.subject.stage() != nullptr) return;  // the ranks bring its checkpoints together
  nlohmann::ordered_json seen = inputs_of(problem, false, {{"tokens", crc_of(problem.samples)}});
  seen["series"].push_back({{"middles", middles_of(problem.subject)}});
  const Identity mine(options_of(problem, Role::identity), seen,
                      problem.subject.model_config().dump() + changes_of(problem));
  const std::vector<std::string> all = world.all_gather(mine.hash()),
                                 hosts = world.all_gather(host_name());
  const auto other =
      std::find_if(all.begin(), all.end(), [&](const std::string& each) { return each != all[0]; });
  if (other == all.end()) return;
  const auto rank = static_cast<size_t>(other - all.begin());
  std::string options = mine.options.dump(), inputs = mine.inputs.dump(), model = mine.model;
  for (std::string* text : {&options, &inputs, &model}) world.broadcast(*text, 0);
  agree(world, [&] {
    if (world.rank() != static_cast<int>(rank)) return;
    using Json = nlohmann::ordered_json;
    const Identity first(Json::parse(options), Json::parse(inputs), model);
    throw DataError(
        problem.question.written.series,
        fmt::format("rank 0 on {} and rank {} on {} do not see the same; the second has {}",
                    hosts[0], rank, hosts[rank],
                    fmt::join(mine.differences(first, "there, and with rank 0"), "; ")),
        "All ranks must see the same files by the same paths: put series and samples into folders "
        "that all nodes share, or copy them to every node again");
  });
}

std::vector<std::pair<std::string, std::string>> provenance(const Problem& problem,
                                                            const std::string& hosts, int ranks) {
  const DecomposeOptions options = decided(problem);
  const nlohmann::ordered_json identity = options_of(problem, Role::identity),
                               execution = options_of(problem, Role::execution);
  nlohmann::ordered_json libraries;
  for (const auto& [name, version] : versions()) libraries[name] = version;
  const nlohmann::ordered_json inputs =
      inputs_of(problem, options.hash_inputs, sample_source(options.samples, problem));
  const std::string config = problem.subject.model_config().dump(2), created = utc_now();
  const std::string later = changes_of(problem);
  std::vector<std::pair<std::string, std::string>> attributes{
      {"configuration", identity.dump(2)},
      {"execution", execution.dump(2)},
      {"identity", Identity(identity, inputs, config + later).hash()},
      {"revision", std::string(revision())},
      {"libraries", libraries.dump(2)},
      {"model_config", config},
      {"inputs", inputs.dump(2)},
      {"ranks", std::to_string(ranks)},
      {"hosts", hosts},
      {"created", created},
      {"history", fmt::format("{}: explaind decompose, revision {}", created, revision())}};
  if (!later.empty()) attributes.emplace_back("config_changes", later);
  return attributes;
}

std::pair<std::string, std::string> begun_by(const Likeness& maker) {
  return {beginner,
          nlohmann::ordered_json{
              {"host", maker.host}, {"build", maker.build}, {"instructions", maker.instructions}}
              .dump(2)};
}

Likeness beginner_of(const StoreReader& store) {
  const Attributes attributes = store.attributes();
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [](const auto& each) { return each.first == beginner; });
  if (found == attributes.end()) return {};
  const auto json = nlohmann::json::parse(found->second, nullptr, false);
  const auto text = [&](const char* key) {
    const bool there = json.is_object() && json.contains(key) && json[key].is_string();
    return there ? json[key].get<std::string>() : std::string();
  };
  return {.host = text("host"), .build = text("build"), .instructions = text("instructions")};
}

std::string run_log_line(int ranks, const Likeness& mine, const Likeness& begun) {
  const Unlike differs = unlike(begun, mine);
  return fmt::format("{} {} {} ranks, revision {}, build {}{}{}", utc_now(), mine.host, ranks,
                     revision(), mine.build, differs.build ? ", not the build that began" : "",
                     differs.instructions ? ", not the processors that began" : "");
}

}  // namespace explaind
