// Random damage to valid files: the readers answer with a DataError or with tensors that lie inside
// the file, never with anything else. Deterministic: the same seed, the same mutations.

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <random>

#include "checkpoint/json_file.hpp"
#include "checkpoint/safetensors_header.hpp"
#include "families/config_keys.hpp"
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "unit/checkpoint/written_files.hpp"

namespace explaind {
namespace {

using Random = std::mt19937_64;

size_t below(Random& random, size_t limit) {
  // std::uniform_int_distribution differs between libraries; the bias of % does not matter here.
  return limit == 0 ? 0 : static_cast<size_t>(random() % limit);
}

const std::string valid_header =
    R"({"__metadata__":{"format":"pt"},)"
    R"("model.embed.weight":{"dtype":"BF16","shape":[4,3],"data_offsets":[0,24]},)"
    R"("scalar":{"dtype":"F32","shape":[],"data_offsets":[24,28]},)"
    R"("empty":{"dtype":"F64","shape":[0,5],"data_offsets":[28,28]},)"
    R"("model.norm.weight":{"dtype":"U8","shape":[2,2,1],"data_offsets":[28,32]}}   )";

/// Pieces that tend to reach deeper than random bytes.
const std::array<std::string, 24> pieces = {"{",
                                            "}",
                                            "[",
                                            "]",
                                            ",",
                                            ":",
                                            "\"",
                                            "null",
                                            "-1",
                                            "0",
                                            "1e999",
                                            "0.5",
                                            "true",
                                            "18446744073709551615",
                                            "9223372036854775808",
                                            "4294967296",
                                            "\"dtype\"",
                                            "\"F16\"",
                                            "\"shape\"",
                                            "\"data_offsets\"",
                                            "\\ud800",
                                            std::string(1, '\0'),
                                            "\xff",
                                            "\"__metadata__\":"};

std::string mutate(std::string text, Random& random) {
  const size_t rounds = 1 + below(random, 4);
  for (size_t round = 0; round < rounds; ++round) {
    const size_t at = below(random, text.size() + 1);
    const size_t length = std::min(below(random, 12), text.size() - at);
    switch (below(random, 7)) {
      case 0:  // flip a bit
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(random, 8)));
        break;
      case 1:  // any byte
        if (at < text.size()) text[at] = static_cast<char>(random() & 0xffU);
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:
        text.insert(at, pieces.at(below(random, pieces.size())));
        break;
      case 4:
        text.replace(at, length, pieces.at(below(random, pieces.size())));
        break;
      case 5:  // repeat a stretch elsewhere
        text.insert(below(random, text.size() + 1), text.substr(at, 1 + below(random, 80)));
        break;
      default:  // another digit
        for (size_t i = at; i < text.size(); ++i) {
          if (text[i] < '0' || text[i] > '9') continue;
          text[i] = static_cast<char>('0' + below(random, 10));
          break;
        }
        break;
    }
  }
  return text;
}

/// What a parser that lets nothing through guarantees; a file of `text`.
void expect_sound(const SafetensorsContents& contents, const std::string& text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  size_t total = contents.header_bytes;
  for (const TensorView& tensor : contents.tensors) {
    ASSERT_GE(tensor.data, begin);
    ASSERT_LE(tensor.data + tensor.bytes, begin + text.size());
    ASSERT_GE(tensor.elements(), 0);
    ASSERT_EQ(static_cast<size_t>(tensor.elements()) * dtype_size(tensor.dtype), tensor.bytes);
    total += tensor.bytes;
  }
  ASSERT_EQ(total, text.size());
}

/// True where the file was taken.
bool parse_damaged(const std::string& text) {
  // A copy of exactly this size, so that a sanitizer sees a byte read past the end.
  const std::vector<std::byte> bytes(std::as_bytes(std::span(text)).begin(),
                                     std::as_bytes(std::span(text)).end());
  try {
    SafetensorsContents contents = parse_safetensors(bytes, "damaged");
    for (TensorView& tensor : contents.tensors) {
      tensor.data = reinterpret_cast<const std::byte*>(text.data()) + (tensor.data - bytes.data());
    }
    expect_sound(contents, text);
    return true;
  } catch (const DataError& error) {
    EXPECT_EQ(std::string(error.what()).rfind("damaged: ", 0), 0U);
    return false;
  }
}

TEST(Fuzz, DamagedHeadersWithTheirTrueLength) {
  Random random(20240607);
  const std::string data(32, 'd');
  int taken = 0;
  for (int i = 0; i < 20000; ++i) {
    taken += parse_damaged(testing::safetensors(mutate(valid_header, random), data)) ? 1 : 0;
  }
  // Some mutations are harmless (a letter of a name); most are not.
  EXPECT_GT(taken, 200);
  EXPECT_LT(taken, 10000);
}

TEST(Fuzz, DamagedFiles) {
  Random random(7);
  const std::string file = testing::safetensors(valid_header, std::string(32, 'd'));
  for (int i = 0; i < 20000; ++i) parse_damaged(mutate(file, random));
}

TEST(Fuzz, EveryTruncation) {
  const std::string file = testing::safetensors(valid_header, std::string(32, 'd'));
  for (size_t length = 0; length < file.size(); ++length) {
    EXPECT_FALSE(parse_damaged(file.substr(0, length))) << length;
  }
  EXPECT_TRUE(parse_damaged(file));
  EXPECT_FALSE(parse_damaged(file + "x"));
}

TEST(Fuzz, DamagedConfigs) {
  Random random(11);
  nlohmann::json config = testing::small_config();
  config["rope_parameters"] = {
      {"rope_type", "llama3"},   {"rope_theta", 5e5},
      {"factor", 8.0},           {"low_freq_factor", 1.0},
      {"high_freq_factor", 4.0}, {"original_max_position_embeddings", 128}};
  const std::string text = config.dump();
  int taken = 0;
  for (int i = 0; i < 10000; ++i) {
    try {
      const DecoderConfig model = read_decoder_config(parse_json(mutate(text, random), "c"), "c");
      ASSERT_GT(model.hidden_size, 0);
      ASSERT_GT(model.head_dim, 0);
      ++taken;
    } catch (const DataError&) {
      continue;
    }
  }
  EXPECT_GT(taken, 100);
}

/// Every family's config.json, damaged as text and key by key: read, or one DataError.
TEST(Fuzz, DamagedConfigsOfEveryFamily) {
  Random random(12);
  const std::vector<nlohmann::json> others{
      nullptr,  true,      -1, 0, 1e99, "x", nlohmann::json::array(), nlohmann::json::object(),
      {1, "y"}, 2147483647};
  for (const Family* family : families()) {
    nlohmann::json config = family->describe({.hidden = 64,
                                              .intermediate = 40,
                                              .layers = 3,
                                              .heads = 4,
                                              .key_value_heads = 4,
                                              .vocabulary = 64,
                                              .positions = 128,
                                              .window = 5});
    const std::string type = family->model_type;
    if (type == "olmo3" || type == "gemma3_text") {
      const nlohmann::json yarn{{"rope_type", "yarn"},
                                {"rope_theta", 5e5},
                                {"factor", 8.0},
                                {"original_max_position_embeddings", 128}};
      config["rope_parameters"] = {{"full_attention", yarn},
                                   {"sliding_attention", {{"rope_type", "default"}}}};
      config.erase("rope_theta");
    }
    int taken = 0;
    const auto read = [&](const nlohmann::json& damaged) {
      try {
        const DecoderConfig model = read_decoder_config(damaged, "c");
        EXPECT_GT(model.hidden_size, 0);
        EXPECT_GT(model.head_dim, 0);
        EXPECT_TRUE(model.attention.empty() ||
                    static_cast<int64_t>(model.attention.size()) == model.layers);
        static_cast<void>(unknown_config_keys(damaged));
        ++taken;
      } catch (const DataError&) {
        return;
      }
    };
    for (const auto& [key, value] : config.items()) {
      for (const nlohmann::json& other : others) {
        nlohmann::json damaged = config;
        damaged[key] = other;
        read(damaged);
        if (!value.is_object()) continue;
        for (const auto& [inner, ignored] : value.items()) {
          damaged = config;
          damaged[key][inner] = other;
          read(damaged);
        }
      }
    }
    const std::string text = config.dump();
    for (int i = 0; i < 1000; ++i) {
      try {
        read(parse_json(mutate(text, random), "c"));
      } catch (const DataError&) {
        continue;
      }
    }
    EXPECT_GT(taken, 20) << family->title;
  }
}

}  // namespace
}  // namespace explaind
