// explaind tokenize: the tokens of samples, and the positions that functionals name.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/verbs.hpp"
#include "checkpoint/checkpoint.hpp"
#include "checkpoint/series.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/whole_file.hpp"
#include "samples/sample.hpp"
#include "tokenizers/tokenizer.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool has_tokenizer(const fs::path& folder) {
  return fs::exists(folder / "tokenizer.json") || fs::exists(folder / "tokenizer.model");
}

/// The checkpoint whose tokenizer and config.json count: the path itself or a series' first one.
fs::path checkpoint_of(const fs::path& path) {
  if (!fs::exists(path)) throw DataError(path.string(), "no such file or directory", "");
  if (has_tokenizer(path) || is_checkpoint_directory(path)) return path;
  return list_series(path, 1).front().directory;
}

/// config.json's number under a key; nothing where it says none.
std::optional<int64_t> number_of_config(const fs::path& checkpoint, const char* key) {
  const fs::path file = checkpoint / "config.json";
  if (!fs::exists(file)) return std::nullopt;
  const json config = json::parse(read_whole_file(file), nullptr, /*allow_exceptions=*/false);
  if (!config.is_object() || !config.contains(key)) return std::nullopt;
  const json& value = config.at(key);
  return value.is_number_unsigned() ? std::optional(value.get<int64_t>()) : std::nullopt;
}

/// The text of a line of samples; empty where it has none.
std::string text_of(const json& sample) {
  const auto words = [&](const char* key) {
    const auto found = sample.find(key);
    return found != sample.end() && found->is_string() ? found->get<std::string>() : "";
  };
  if (sample.contains("input_ids") && !sample["input_ids"].is_null()) return words("text");
  const std::string text = words("text");
  return text.empty() ? words("prompt") + words("completion") : text;
}

/// The texts of the samples of a file that load_samples has read, in its order; empty where a
/// sample has none.
std::vector<std::string> texts_of(const fs::path& file) {
  std::vector<std::string> texts;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    texts.push_back(text_of(json::parse(line)));
  }
  return texts;
}

/// The logit that predicts token t, as a functional; empty where nothing does.
std::string logit_of(const Sample& sample, size_t t) {
  if (t == 0 || sample.labels[t] == ignored_label) return "";
  return fmt::format("logit:{}:{}", t - 1, sample.labels[t]);
}

/// As it can be printed in one line.
std::string shown(const std::string& text) {
  const std::string quoted = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

void print_sample_json(const Sample& sample, const std::string& text,
                       const std::vector<std::string>& pieces) {
  nlohmann::ordered_json row{{"id", sample.id}, {"group", sample.group}};
  if (!text.empty()) row["text"] = text;
  row["input_ids"] = sample.input_ids;
  row["pieces"] = pieces;
  row["labels"] = sample.labels;
  json logits = json::array();
  for (size_t t = 0; t < sample.input_ids.size(); ++t) {
    const std::string logit = logit_of(sample, t);
    logits.push_back(logit.empty() ? json() : json(logit));
  }
  row["logits"] = logits;
  fmt::print("{}\n", row.dump(-1, ' ', false, json::error_handler_t::replace));
}

/// Columns that a text takes on a terminal, as far as its characters are one wide.
size_t columns_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

void print_sample_table(const Sample& sample, const std::string& text,
                        const std::vector<std::string>& pieces) {
  fmt::print("\n{}{}: {}, {} predicted\n", sample.id,
             sample.group.empty() ? "" : fmt::format(" ({})", sample.group),
             counted(sample.input_ids.size(), "token"), sample.predicted());
  if (!text.empty()) fmt::print("  {}\n", shown(text));
  size_t width = 5;
  for (const std::string& piece : pieces) width = std::max(width, columns_of(shown(piece)));
  fmt::print("  {:>8}  {:>8}  {:<{}}  {}\n", "position", "id", "piece", width, "predicted by");
  for (size_t t = 0; t < sample.input_ids.size(); ++t) {
    const std::string piece = shown(pieces[t]);
    const std::string logit = logit_of(sample, t);
    fmt::print("  {:>8}  {:>8}  {}{}  {}\n", t, sample.input_ids[t], piece,
               std::string(width - columns_of(piece), ' '), logit.empty() ? "–" : logit);
  }
}

}  // namespace

int run_tokenize(const TokenizeOptions& options) {
  // Another folder's tokenizer needs no series, but the model's sizes count where there is one.
  const fs::path checkpoint =
      options.tokenizer && !fs::exists(options.series) ? fs::path() : checkpoint_of(options.series);
  const fs::path folder = options.tokenizer.value_or(checkpoint.string());
  constexpr int64_t any = std::numeric_limits<int64_t>::max();
  std::vector<std::string> notes;
  const std::vector<Sample> samples = load_samples(
      options.samples,
      {.vocabulary = number_of_config(checkpoint, "vocab_size").value_or(any),
       .max_length = number_of_config(checkpoint, "max_position_embeddings").value_or(any),
       .truncate = false,
       .tokenizer_directory = folder},
      &notes);
  const std::vector<std::string> texts = texts_of(options.samples);
  // Samples may be token ids where no tokenizer can be read: then they have no pieces.
  std::unique_ptr<Tokenizer> tokenizer;
  std::string unread = "none";
  try {
    tokenizer = open_tokenizer(folder);
  } catch (const DataError& error) {
    unread = std::string("not read: ") + error.what();
  }
  if (!options.json) {
    fmt::print("tokenizer  {}\n", tokenizer ? (folder / "").string() + tokenizer->description()
                                            : unread.substr(0, unread.find('\n')));
    if (tokenizer) fmt::print("           {}\n", ends_of_sequences(*tokenizer));
    for (const std::string& note : notes) fmt::print("note       {}\n", note);
  }
  for (size_t i = 0; i < samples.size(); ++i) {
    std::vector<std::string> pieces;
    for (const int64_t id : samples[i].input_ids) {
      pieces.push_back(tokenizer ? tokenizer->piece(id) : "");
    }
    const std::string text = i < texts.size() ? texts[i] : "";
    (options.json ? print_sample_json : print_sample_table)(samples[i], text, pieces);
  }
  if (options.json) {
    for (const std::string& note : notes) fmt::print(stderr, "{}\n", note);
  }
  return 0;
}

}  // namespace explaind
