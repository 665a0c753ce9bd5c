#include "app/record_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <system_error>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/unfinished.hpp"
#include "training/corpus.hpp"

namespace explaind {

namespace fs = std::filesystem;

ModelConfig llama_config(const RecordOptions& options) {
  if (options.hidden % options.heads != 0) {
    throw UsageError("--heads", "must divide --hidden", "Change one of them");
  }
  if (options.hidden / options.heads % 2 != 0) {
    throw UsageError("--heads", "the head size must be even (rotary halves)", "Change it");
  }
  if (options.heads % options.key_value_heads != 0) {
    throw UsageError("--key-value-heads", "must divide --heads", "Change one of them");
  }
  ModelConfig config;
  config.architecture = "LlamaForCausalLM";
  config.hidden_size = options.hidden;
  config.intermediate_size = options.intermediate;
  config.layers = options.layers;
  config.heads = options.heads;
  config.key_value_heads = options.key_value_heads;
  config.head_dim = options.hidden / options.heads;
  config.vocabulary = options.vocabulary;
  config.max_positions = std::max<int64_t>(512, options.sequence_length);
  config.rms_norm_eps = 1e-5;
  config.tied = options.tied;
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
