// identify: what a store remembers of the run it was computed from.

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/sha256.hpp"
#include "runs/recorded_run.hpp"
#include "runs/run_files.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

std::string crc32_of(const void* data, size_t size) {
  return fmt::format("{:08x}", crc32_z(0, static_cast<const Bytef*>(data), size));
}

}  // namespace

nlohmann::json identify(const RecordedRun& run, bool full_hash) {
  std::vector<fs::path> paths{run.directory() / run_files::start};
  for (const auto& entry : fs::directory_iterator(run.directory() / run_files::blocks)) {
    if (block_first_step(entry.path().filename())) paths.push_back(entry.path());
  }
  std::sort(paths.begin() + 1, paths.end());
  const std::string about = run.description().json.dump();
  nlohmann::json files = {
      {{"file", run_files::run}, {"crc32", crc32_of(about.data(), about.size())}}};
  for (const fs::path& path : paths) {
    const SafetensorsFile weights(path);
    nlohmann::json entry = {
        {"file", path.filename().string()},
        {"header_crc32", crc32_of(weights.header().data(), weights.header().size())},
        {"size", weights.file().bytes().size()},
        {"modified", weights.file().modified()}};
    if (full_hash) entry["sha256"] = sha256_of(weights.file().bytes());
    files.push_back(std::move(entry));
  }
  return files;
}

}  // namespace explaind
