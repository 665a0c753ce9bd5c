#include "app/record_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <system_error>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/unfinished.hpp"
#include "families/family.hpp"
#include "training/corpus.hpp"

namespace explaind {

namespace fs = std::filesystem;

nlohmann::json language_model_config(const RecordOptions& options) {
  const Family& family = family_named(options.family);
  const std::string type = family.model_type;
  const bool fused = type == "gpt2" || type == "gpt_neox";
  const int64_t key_value_heads = options.key_value_heads.value_or(fused ? options.heads : 4);
  if (options.hidden % options.heads != 0) {
    throw UsageError("--heads", "must divide --hidden", "Change one of them");
  }
  if (options.hidden / options.heads % 2 != 0) {
    throw UsageError("--heads", "the head size must be even (rotary halves)", "Change it");
  }
  if (options.heads % key_value_heads != 0) {
    throw UsageError("--key-value-heads", "must divide --heads", "Change one of them");
  }
  if (fused && key_value_heads != options.heads) {
    throw UsageError("--key-value-heads", type + " has as many as heads", "Leave it out");
  }
  if (options.family != "llama" && options.model != "llama") {
    throw UsageError("--family", "is of language models, and --model is " + options.model,
                     "Leave one of them out");
  }
  nlohmann::json config =
      family.describe({.hidden = options.hidden,
                       .intermediate = options.intermediate,
                       .layers = options.layers,
                       .heads = options.heads,
                       .key_value_heads = key_value_heads,
                       .vocabulary = options.vocabulary,
                       .positions = std::max<int64_t>(512, options.sequence_length),
                       .window = std::max<int64_t>(2, options.sequence_length / 2),
                       .tied = options.tied});
  static_cast<void>(read_decoder_config(config, "--family " + options.family));
  return config;
}

fs::path make_tokenizer(const std::vector<fs::path>& text, const fs::path& parent,
                        const RecordOptions& options, const StopFlag& stop) {
  const fs::path folder = unfinished_path(parent / ".tokenizer");
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) {
    throw DataError(folder.string(), "cannot be made: " + failure.message(),
                    "Check space and permissions");
  }
  fs::path model = folder / "tokenizer.model";
  fmt::print("Training the tokenizer: {} pieces from {}\n", options.vocabulary,
             counted(text.size(), "file"));
  std::fflush(stdout);
  train_tokenizer(
      text, model,
      {.vocabulary = options.vocabulary, .seed = static_cast<uint64_t>(options.seed), .threads = 1},
      stop);
  return model;
}

}  // namespace explaind
