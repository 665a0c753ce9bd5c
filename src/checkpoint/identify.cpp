// identify: what a store remembers of the weight files it was computed from.

#include <fmt/format.h>
#include <zlib.h>

#include <span>
#include <string>

#include "checkpoint/series.hpp"
#include "checkpoint/sha256.hpp"
#include "checkpoint/weight_file.hpp"

namespace explaind {
namespace {

std::string crc32_of(std::span<const std::byte> bytes) {
  const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
  return fmt::format("{:08x}", crc32_z(0, data, bytes.size()));
}

/// From the checkpoint's folder on.
std::string shown_path(const MappedFile& file, const std::filesystem::path& checkpoint) {
  const std::filesystem::path folder = file.path().parent_path();
  std::filesystem::path name = folder.filename() / file.path().filename();
  const std::filesystem::path inside = folder.lexically_relative(checkpoint);
  if (!inside.empty() && inside != "." && *inside.begin() != "..") {
    name = folder.parent_path().filename() / name;
  }
  return name.string();
}

}  // namespace

nlohmann::json identify(const CheckpointSeries& series, bool full_hash) {
  nlohmann::json files = nlohmann::json::array();
  for (size_t i = 0; i < series.size(); ++i) {
    for (const auto& weights : series.checkpoint(i).mapped()) {
      const MappedFile& file = weights->file();
      nlohmann::json entry = {{"step", series.step(i)},
                              {"file", shown_path(file, series.checkpoint(i).directory())},
                              {"header_crc32", crc32_of(weights->header())},
                              {"size", file.bytes().size()},
                              {"modified", file.modified()}};
      if (full_hash) entry["sha256"] = sha256_of(file.bytes());
      files.push_back(std::move(entry));
    }
  }
  return files;
}

}  // namespace explaind
