// explaind tokenize: the tokens of samples, and the positions that functionals name.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/verbs.hpp"
#include "checkpoint/checkpoint.hpp"
#include "checkpoint/series.hpp"
#include "config/windows.hpp"
#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/whole_file.hpp"
#include "samples/sample.hpp"
#include "samples/sample_rows.hpp"
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

/// The texts of a row of samples, of a pair those of both sentences; empty where it has none.
std::vector<std::string> texts_of(const json& row) {
  const auto words = [&](const std::string& key) {
    const auto found = row.find(key);
    return found != row.end() && found->is_string() ? found->get<std::string>() : "";
  };
  if (!words("text").empty()) return {words("text")};
  for (const std::string prefix : {"", "sentence_"}) {
    if (!words(prefix + "good").empty()) return {words(prefix + "good"), words(prefix + "bad")};
  }
  if (row.contains("input_ids") && !row["input_ids"].is_null()) return {};
  return {words("prompt") + words("completion")};
}

/// The texts of the samples of a file that load_samples has read, by the samples' ids.
std::map<std::string, std::vector<std::string>> texts_of(const fs::path& file) {
  std::map<std::string, std::vector<std::string>> texts;
  const std::unique_ptr<SampleRows> rows = open_sample_rows(file);
  while (const std::optional<json> row = rows->next()) {
    const json id = row->value("id", json());
    texts[id.is_null()     ? std::to_string(rows->number())
          : id.is_string() ? id.get<std::string>()
                           : id.dump()] = texts_of(*row);
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

/// A sample, or one of the two sentences of a pair, as it is shown.
struct Shown {
  const Sample& sample;
  std::string text;                 ///< empty where it has none
  std::vector<std::string> pieces;  ///< of its tokens
};

nlohmann::ordered_json tokens_json(const Shown& shown, bool logits) {
  const Sample& sample = shown.sample;
  nlohmann::ordered_json row;
  if (!shown.text.empty()) row["text"] = shown.text;
  row["input_ids"] = sample.input_ids;
  row["pieces"] = shown.pieces;
  row["labels"] = sample.labels;
  if (!logits) return row;
  json all = json::array();
  for (size_t t = 0; t < sample.input_ids.size(); ++t) {
    const std::string logit = logit_of(sample, t);
    all.push_back(logit.empty() ? json() : json(logit));
  }
  row["logits"] = all;
  return row;
}

/// shown: one, or the two sentences of a pair.
void print_sample_json(const std::vector<Shown>& shown) {
  const Sample& sample = shown.front().sample;
  nlohmann::ordered_json row{{"id", sample.id}, {"group", sample.group}};
  if (shown.size() == 1) {
    row.update(tokens_json(shown.front(), true));
  } else {
    row["good"] = tokens_json(shown[0], false);
    row["bad"] = tokens_json(shown[1], false);
  }
  fmt::print("{}\n", row.dump(-1, ' ', false, json::error_handler_t::replace));
}

/// Columns that a text takes on a terminal, as far as its characters are one wide.
size_t columns_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

/// of_pair: "good" or "bad", else empty.
void print_tokens_table(const Shown& row, const std::string& of_pair) {
  const Sample& sample = row.sample;
  fmt::print("\n{}{}{}: {}, {} predicted\n", sample.id,
             sample.group.empty() ? "" : fmt::format(" ({})", sample.group),
             of_pair.empty() ? "" : ", " + of_pair, counted(sample.input_ids.size(), "token"),
             sample.predicted());
  if (!row.text.empty()) fmt::print("  {}\n", shown(row.text));
  size_t width = 5;
  for (const std::string& piece : row.pieces) width = std::max(width, columns_of(shown(piece)));
  fmt::print("  {:>8}  {:>8}  {:<{}}  {}\n", "position", "id", "piece", width,
             of_pair.empty() ? "predicted by" : "predicted");
  for (size_t t = 0; t < sample.input_ids.size(); ++t) {
    const std::string piece = shown(row.pieces[t]);
    const std::string logit = logit_of(sample, t);
    fmt::print("  {:>8}  {:>8}  {}{}  {}\n", t, sample.input_ids[t], piece,
               std::string(width - columns_of(piece), ' '),
               logit.empty()     ? "–"
               : of_pair.empty() ? logit
                                 : "yes");
  }
}

void print_sample_table(const std::vector<Shown>& rows) {
  print_tokens_table(rows.front(), rows.size() > 1 ? "good" : "");
  if (rows.size() > 1) print_tokens_table(rows.back(), "bad");
}

/// The longest sample that the model reads. Throws UsageError where windows are longer.
int64_t longest_sample(const fs::path& checkpoint, const TokenizeOptions& options) {
  constexpr int64_t any = std::numeric_limits<int64_t>::max();
  const int64_t longest = number_of_config(checkpoint, "max_position_embeddings").value_or(any);
  require_windows(options.window, options.stride);
  if (options.window.value_or(0) > longest) {
    throw UsageError(
        "--window",
        fmt::format("is {}, and samples have at most {} tokens", *options.window, longest),
        fmt::format("Give at most {}", longest));
  }
  return longest;
}

}  // namespace

int run_tokenize(const TokenizeOptions& options) {
  // Another folder's tokenizer needs no series, but the model's sizes count where there is one.
  const fs::path checkpoint =
      options.tokenizer && !fs::exists(options.series) ? fs::path() : checkpoint_of(options.series);
  const fs::path folder = options.tokenizer.value_or(checkpoint.string());
  constexpr int64_t any = std::numeric_limits<int64_t>::max();
  std::vector<std::string> notes;
  const std::vector<Sample> samples =
      load_samples(options.samples,
                   {.vocabulary = number_of_config(checkpoint, "vocab_size").value_or(any),
                    .max_length = longest_sample(checkpoint, options),
                    .truncate = false,
                    .tokenizer_directory = folder,
                    .window = options.window.value_or(0),
                    .stride = options.stride.value_or(0)},
                   &notes);
  const std::map<std::string, std::vector<std::string>> texts = texts_of(fs::path(options.samples));
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
  for (const Sample& sample : samples) {
    // A window has no text of its own.
    const auto found = texts.find(sample.id);
    std::vector<const Sample*> sequences{&sample};
    for (const Sample& other : sample.against) sequences.push_back(&other);
    std::vector<Shown> rows;
    for (size_t i = 0; i < sequences.size(); ++i) {
      const bool has_text = found != texts.end() && i < found->second.size();
      Shown& row =
          rows.emplace_back(Shown{*sequences[i], has_text ? found->second[i] : std::string(), {}});
      for (const int64_t id : sequences[i]->input_ids) {
        row.pieces.push_back(tokenizer ? tokenizer->piece(id) : "");
      }
    }
    (options.json ? print_sample_json : print_sample_table)(rows);
  }
  if (options.json) {
    for (const std::string& note : notes) fmt::print(stderr, "{}\n", note);
  }
  return 0;
}

}  // namespace explaind
