// identify: what a store remembers of the weight files it was computed from.

#include <fmt/format.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "checkpoint/series.hpp"
#include "checkpoint/weight_file.hpp"

namespace explaind {
namespace {

std::string crc32_of(std::span<const std::byte> bytes) {
  const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
  return fmt::format("{:08x}", crc32_z(0, data, bytes.size()));
}

std::string sha256_of(std::span<const std::byte> bytes) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), digest.data(), &length) != 1) {
    throw std::runtime_error("OpenSSL could not compute a SHA-256");
  }
  std::string text;
  for (const unsigned char byte : std::span(digest).first(length)) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

}  // namespace

nlohmann::json identify(const CheckpointSeries& series, bool full_hash) {
  nlohmann::json files = nlohmann::json::array();
  for (size_t i = 0; i < series.size(); ++i) {
    for (const auto& weights : series.checkpoint(i).mapped()) {
      const MappedFile& file = weights->file();
      const auto directory = file.path().parent_path().filename();
      nlohmann::json entry = {{"step", series.step(i)},
                              {"file", (directory / file.path().filename()).string()},
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
