#include "app/provenance.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "app/version.hpp"
#include "core/error.hpp"
#include "core/revision.hpp"

namespace explaind {
namespace {

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

std::string now() {
  const std::time_t time = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&time, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

uint32_t crc_of(const std::string& bytes) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

nlohmann::ordered_json sample_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return {{"file", std::filesystem::absolute(path).string()},
          {"size", bytes.size()},
          {"crc32", fmt::format("{:08x}", crc_of(bytes))}};
}

/// What a later run must share to go on with this store: where inputs lie and when they were copied
/// there does not matter, what they are does.
std::string identity_text(nlohmann::ordered_json options, nlohmann::ordered_json inputs) {
  for (const char* path : {"series", "samples", "tokenizer"}) options.erase(path);
  for (auto& file : inputs["series"]) file.erase("modified");
  inputs["samples"].erase("file");
  return options.dump() + inputs.dump();
}

}  // namespace

std::string gather_hosts(const Communicator& world) {
  std::map<std::string, int> hosts;
  for (const std::string& host : world.all_gather(host_name())) ++hosts[host];
  return nlohmann::json(hosts).dump();
}

std::vector<std::pair<std::string, std::string>> provenance(const DecomposeOptions& options,
                                                            const CheckpointSeries& series,
                                                            const std::string& hosts, int ranks) {
  DecomposeOptions copy = options;
  nlohmann::ordered_json identity, execution, libraries;
  for (const ResolvedOption& option : resolved(option_table(copy))) {
    (option.role == Role::identity ? identity : execution)[option.key] = option.value;
  }
  for (const auto& [name, version] : versions()) libraries[name] = version;
  const nlohmann::ordered_json inputs{{"series", identify(series, options.hash_inputs)},
                                      {"samples", sample_file(options.samples)}};
  const std::string hashed = identity_text(identity, inputs) + series.config().dump();
  return {{"configuration", identity.dump(2)},
          {"execution", execution.dump(2)},
          {"identity", fmt::format("{:08x}", crc_of(hashed))},
          {"revision", std::string(revision())},
          {"libraries", libraries.dump(2)},
          {"model_config", series.config().dump(2)},
          {"inputs", inputs.dump(2)},
          {"ranks", std::to_string(ranks)},
          {"hosts", hosts},
          {"created", now()}};
}

std::string run_log_line(int ranks) {
  return fmt::format("{} {} {} ranks, revision {}", now(), host_name(), ranks, revision());
}

}  // namespace explaind
