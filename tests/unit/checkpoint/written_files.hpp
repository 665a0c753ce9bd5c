#pragma once
// Checkpoint files written byte by byte, without the room under test.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "unit/temporary_folder.hpp"

namespace explaind::testing {

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Length (little endian), header, data.
inline std::string safetensors(const std::string& header, const std::string& data = "") {
  std::string length(8, '\0');
  for (size_t i = 0; i < 8; ++i) {
    length[i] = static_cast<char>(static_cast<uint64_t>(header.size()) >> (8 * i));
  }
  return length + header + data;
}

/// Float values as the file holds them on a little-endian machine.
inline std::string f32_bytes(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// A file of one F32 vector.
inline std::string one_vector(const std::string& name, const std::vector<float>& values) {
  const nlohmann::json header = {
      {name,
       {{"dtype", "F32"}, {"shape", {values.size()}}, {"data_offsets", {0, 4 * values.size()}}}}};
  return safetensors(header.dump(), f32_bytes(values));
}

/// A small config.json as transformers 4 writes it.
inline nlohmann::json small_config() {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"hidden_size", 8},
          {"intermediate_size", 16},
          {"num_hidden_layers", 1},
          {"num_attention_heads", 2},
          {"vocab_size", 32},
          {"torch_dtype", "float32"}};
}

/// A checkpoint directory of config.json and one weight file.
inline void write_checkpoint(const std::filesystem::path& directory, const std::string& weights,
                             const nlohmann::json& config = small_config()) {
  write_bytes(directory / "config.json", config.dump());
  write_bytes(directory / "model.safetensors", weights);
}

/// The message of the DataError that `call` throws; empty, and a failure, where it throws none.
template <typename Call>
std::string data_error(Call call) {
  try {
    call();
  } catch (const DataError& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::failure);
    return error.what();
  }
  ADD_FAILURE() << "no DataError";
  return "";
}

}  // namespace explaind::testing
