// The JSON Lines reader of prediction samples (contract: architecture §4, "Samples").

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "core/error.hpp"
#include "samples/sample.hpp"

namespace explaind {
namespace {

using nlohmann::json;

constexpr std::string_view target_begin = "[TARGET]", target_end = "[/TARGET]";

/// A text without its markers and the byte range between them.
struct MarkedText {
  std::string text;
  std::optional<std::pair<size_t, size_t>> target;
};

class SampleReader {
 public:
  SampleReader(const std::filesystem::path& file, const SampleOptions& options)
      : file_(file.string()), options_(options) {}

  std::vector<Sample> read() {
    std::ifstream in(file_);
    if (!in) throw DataError(file_, "cannot be read", "Check the path and its permissions");
    std::vector<Sample> samples;
    for (std::string text; std::getline(in, text);) {
      ++line_;
      if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
      samples.push_back(parse(text));
    }
    if (in.bad()) throw DataError(file_, "reading failed", "Check the file system");
    if (samples.empty()) throw DataError(file_, "holds no samples", "Write one JSON object a line");
    return samples;
  }

 private:
  [[noreturn]] void fail(const std::string& problem, const std::string& remedy) const {
    throw DataError(fmt::format("{}:{}", file_, line_), problem, remedy);
  }

  Sample parse(const std::string& text) {
    json object;
    try {
      object = json::parse(text);
    } catch (const json::exception& error) {
      fail(std::string("not JSON: ") + error.what(), "Write one JSON object a line");
    }
    if (!object.is_object()) fail("not a JSON object", "Write {\"text\": …} or {\"input_ids\": …}");
    for (const auto& [key, value] : object.items()) {
      if (key != "id" && key != "group" && key != "text" && key != "input_ids" && key != "labels") {
        fail("unknown key '" + key + "'", "Known: id, group, text, input_ids, labels");
      }
    }
    Sample sample;
    sample.id = word(object, "id", std::to_string(line_));
    sample.group = word(object, "group", "");
    if (!ids_.insert(sample.id).second) fail("id '" + sample.id + "' is not unique", "Rename it");
    if (object.contains("text") == object.contains("input_ids")) {
      fail("needs either text or input_ids", "Give exactly one of them");
    }
    if (object.contains("text")) {
      if (object.contains("labels")) fail("labels go with input_ids, not with text", "Remove them");
      tokenize(object["text"], sample);
    } else {
      sample.input_ids = tokens(object["input_ids"], "input_ids", false);
      sample.labels =
          object.contains("labels") ? tokens(object["labels"], "labels", true) : sample.input_ids;
    }
    check(sample);
    return sample;
  }

  std::string word(const json& object, const char* key, const std::string& otherwise) const {
    if (!object.contains(key)) return otherwise;
    const json& value = object[key];
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_integer()) return value.dump();
    fail(std::string(key) + " must be a string or a whole number", "Change it");
  }

  std::vector<int64_t> tokens(const json& list, const char* key, bool labels) const {
    if (!list.is_array()) fail(std::string(key) + " must be a list of token ids", "Change it");
    std::vector<int64_t> ids;
    for (const json& item : list) {
      if (!item.is_number_integer()) {
        fail(fmt::format("{}[{}] is not a whole number", key, ids.size()), "Change it");
      }
      const auto id = item.get<int64_t>();
      const bool ignored = labels && id == ignored_label;
      if (!ignored && (id < 0 || id >= options_.vocabulary)) {
        fail(fmt::format("{}[{}] = {} is outside the vocabulary of {}", key, ids.size(), id,
                         options_.vocabulary),
             "Use the tokenizer of this model");
      }
      ids.push_back(id);
    }
    return ids;
  }

  MarkedText unmark(const std::string& text) const {
    const size_t begin = text.find(target_begin), end = text.find(target_end);
    if (begin == std::string::npos && end == std::string::npos) return {text, {}};
    const size_t inside = begin + target_begin.size();
    if (begin == std::string::npos || end == std::string::npos || end < inside ||
        text.find(target_begin, inside) != std::string::npos ||
        text.find(target_end, end + 1) != std::string::npos) {
      fail("[TARGET] and [/TARGET] do not match", "Mark one span, once");
    }
    return {text.substr(0, begin) + text.substr(inside, end - inside) +
                text.substr(end + target_end.size()),
            std::pair{begin, begin + end - inside}};
  }

  void tokenize(const json& value, Sample& sample) {
    if (!value.is_string()) fail("text must be a string", "Change it");
    if (!tokenizer_) tokenizer_ = open_tokenizer(options_.tokenizer_directory);
    const MarkedText marked = unmark(value.get<std::string>());
    if (tokenizer_->bos() >= 0) {
      sample.input_ids.push_back(tokenizer_->bos());
      sample.labels.push_back(marked.target ? ignored_label : tokenizer_->bos());
    }
    for (const Tokenizer::Piece& piece : tokenizer_->encode(marked.text)) {
      const bool wanted = !marked.target ||
                          (piece.begin < marked.target->second && piece.end > marked.target->first);
      sample.input_ids.push_back(piece.id);
      sample.labels.push_back(wanted ? piece.id : ignored_label);
      if (piece.id >= options_.vocabulary) {
        fail(fmt::format("the tokenizer gives id {}, outside the model's vocabulary of {}",
                         piece.id, options_.vocabulary),
             "Use the tokenizer of this model (--tokenizer)");
      }
    }
  }

  void check(Sample& sample) const {
    if (sample.input_ids.empty()) fail("the sample is empty", "Give it tokens or remove it");
    if (sample.labels.size() != sample.input_ids.size()) {
      fail(fmt::format("{} labels for {} input_ids", sample.labels.size(), sample.input_ids.size()),
           "They must be aligned, −100 where nothing is predicted");
    }
    const auto length = static_cast<int64_t>(sample.input_ids.size());
    if (length > options_.max_length) {
      if (!options_.truncate) {
        fail(fmt::format("{} tokens, more than the {} allowed", length, options_.max_length),
             "Shorten it, raise --max-length, or cut with --truncate");
      }
      sample.input_ids.resize(static_cast<size_t>(options_.max_length));
      sample.labels.resize(static_cast<size_t>(options_.max_length));
    }
    if (sample.predicted() == 0) {
      fail("there is nothing to predict", "At least one label after the first must not be −100");
    }
  }

  std::string file_;
  const SampleOptions& options_;
  int64_t line_ = 0;
  std::set<std::string> ids_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

}  // namespace

std::vector<Sample> load_samples(const std::filesystem::path& file, const SampleOptions& options) {
  return SampleReader(file, options).read();
}

}  // namespace explaind
