// The JSON Lines reader of prediction samples (contract: architecture §4, "Samples").

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "core/file_kind.hpp"
#include "samples/sample.hpp"
#include "samples/sample_columns.hpp"

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

  std::vector<Sample> read(std::vector<std::string>* notes) {
    if (std::filesystem::is_directory(file_)) {
      throw DataError(file_, "is a folder", "Name a file of JSON Lines, a sample on each");
    }
    std::ifstream in(file_);
    if (!in) throw DataError(file_, "cannot be read", "Check the path and its permissions");
    std::vector<Sample> samples;
    for (std::string text; std::getline(in, text);) {
      ++line_;
      if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
      if (line_ == 1) refuse_foreign_content(text, file_);
      samples.push_back(parse(text));
    }
    if (in.bad()) throw DataError(file_, "reading failed", "Check the file system");
    if (samples.empty()) throw DataError(file_, "holds no samples", "Write one JSON object a line");
    if (notes != nullptr) say(*notes);
    return samples;
  }

 private:
  [[noreturn]] void fail(const std::string& problem, const std::string& remedy) const {
    throw DataError(fmt::format("{}:{}", file_, line_), problem, remedy);
  }

  void say(std::vector<std::string>& notes) const {
    if (!ignored_.empty()) {
      notes.push_back(
          fmt::format("{}: columns that are not used: {}", file_, fmt::join(ignored_, ", ")));
    }
    if (padded_ > 0) {
      notes.push_back(fmt::format("{}: padding was cut off {} sample{}, {} token{} in all", file_,
                                  padded_, padded_ == 1 ? "" : "s", padding_,
                                  padding_ == 1 ? "" : "s"));
    }
    if (!tokenizer_) return;
    const auto twice = [&](size_t texts, const char* verb, int64_t id) {
      if (texts == 0) return;
      notes.push_back(fmt::format(
          "{}: {} {}{} with {}, which the tokenizer puts there too: it stands there twice", file_,
          counted(texts, "text"), verb, texts == 1 ? "s" : "", tokenizer_->piece(id)));
    };
    twice(begun_twice_, "begin", begun_twice_ > 0 ? tokenizer_->before().back() : 0);
    twice(ended_twice_, "end", ended_twice_ > 0 ? tokenizer_->after().front() : 0);
    for (std::string& note : tokenizer_->notes()) notes.push_back(std::move(note));
  }

  /// The line's object; JSON's own reader would keep either value of a key that is given twice.
  json object_of(const std::string& text) const {
    json object;
    std::set<std::string> keys;
    std::string twice;
    const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
      const bool key = event == json::parse_event_t::key && depth == 1;
      if (key && !keys.insert(parsed.get<std::string>()).second) twice = parsed.get<std::string>();
      return true;
    };
    try {
      object = json::parse(text, watch);
    } catch (const json::exception& error) {
      fail(std::string("not JSON: ") + error.what(), "Write one JSON object a line");
    }
    if (!object.is_object()) fail("not a JSON object", "Write {\"text\": …} or {\"input_ids\": …}");
    if (!twice.empty()) fail("the key '" + twice + "' is given twice", "Keep one of them");
    return object;
  }

  /// What is there and not null.
  static bool has(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && !found->is_null();
  }

  void look_at_columns(const json& object) {
    static const std::set<std::string> known{"id",        "group",  "text",
                                             "input_ids", "labels", "attention_mask"};
    const size_t tokens = has(object, "input_ids") ? object["input_ids"].size() : 0;
    for (const auto& [key, value] : object.items()) {
      if (known.contains(key)) continue;
      const std::string why = why_not_ignored(key, value, tokens);
      if (!why.empty()) {
        fail(why, "Known: id, group, text, input_ids, labels, attention_mask");
      }
      if (!value.is_null()) ignored_.insert(key);
    }
  }

  Sample parse(const std::string& text) {
    const json object = object_of(text);
    look_at_columns(object);
    Sample sample;
    sample.id = word(object, "id", std::to_string(line_));
    sample.group = word(object, "group", "");
    if (!ids_.insert(sample.id).second) fail("id '" + sample.id + "' is not unique", "Rename it");
    if (has(object, "text") == has(object, "input_ids")) {
      std::string keys;
      for (const auto& [key, value] : object.items())
        keys += (keys.empty() ? "'" : ", '") + key + "'";
      fail("needs either text or input_ids" + (keys.empty() ? "" : ", and has " + keys),
           "Give exactly one of them");
    }
    if (has(object, "text")) {
      for (const char* key : {"labels", "attention_mask"}) {
        if (has(object, key)) {
          fail(std::string(key) + " go with input_ids, not with text", "Remove them");
        }
      }
      tokenize(object["text"], sample);
    } else {
      sample.input_ids = tokens(object["input_ids"], "input_ids");
      sample.labels = has(object, "labels") ? tokens(object["labels"], "labels") : sample.input_ids;
      // Padding often has an id that the model does not know.
      size_t cut = 0;
      if (has(object, "attention_mask")) cut = cut_padding(object["attention_mask"], sample);
      require_known(sample.input_ids, "input_ids", cut, false);
      require_known(sample.labels, "labels", cut, true);
    }
    check(sample);
    return sample;
  }

  /// Ones are what every token has here; zeros at an end are padding, and anything else is another
  /// attention than the model's. Returns the tokens that were cut off at the beginning.
  size_t cut_padding(const json& mask, Sample& sample) {
    if (sample.labels.size() != sample.input_ids.size()) return 0;  // check() says so
    if (!mask.is_array() || mask.size() != sample.input_ids.size()) {
      fail(fmt::format("attention_mask must be a list as long as input_ids ({})",
                       sample.input_ids.size()),
           "Change it, or leave it out");
    }
    const auto is = [](const json& value, int number) {
      return value == json(number) || value == json(number == 1);
    };
    size_t first = 0, last = mask.size();
    while (first < last && is(mask[first], 0)) ++first;
    while (last > first && is(mask[last - 1], 0)) --last;
    for (size_t i = first; i < last; ++i) {
      if (is(mask[i], 1)) continue;
      fail(fmt::format("attention_mask[{}] is {}: only ones, and zeros at an end (padding), are "
                       "obeyed",
                       i, mask[i].dump()),
           "Leave tokens out that are not to be seen, and attention_mask too");
    }
    if (last - first == mask.size()) return 0;
    ++padded_;
    padding_ += mask.size() - (last - first);
    const auto cut = [&](std::vector<int64_t>& list) {
      list = {list.begin() + static_cast<std::ptrdiff_t>(first),
              list.begin() + static_cast<std::ptrdiff_t>(last)};
    };
    cut(sample.input_ids);
    cut(sample.labels);
    return first;
  }

  std::string word(const json& object, const char* key, const std::string& otherwise) const {
    if (!has(object, key)) return otherwise;
    const json& value = object[key];
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_integer()) return value.dump();
    fail(std::string(key) + " must be a string or a whole number", "Change it");
  }

  std::vector<int64_t> tokens(const json& list, const char* key) const {
    if (!list.is_array()) fail(std::string(key) + " must be a list of token ids", "Change it");
    std::vector<int64_t> ids;
    for (const json& item : list) {
      const bool fits = !item.is_number_unsigned() || item.get<uint64_t>() <= INT64_MAX;
      if (!item.is_number_integer() || !fits) {
        fail(fmt::format("{}[{}] is not a whole number{}", key, ids.size(),
                         fits ? "" : " of 63 bits"),
             "Change it");
      }
      ids.push_back(item.get<int64_t>());
    }
    return ids;
  }

  /// `cut`: the tokens that were before them in the file.
  void require_known(const std::vector<int64_t>& ids, const char* key, size_t cut,
                     bool labels) const {
    for (size_t i = 0; i < ids.size(); ++i) {
      const bool ignored = labels && ids[i] == ignored_label;
      if (ignored || (ids[i] >= 0 && ids[i] < options_.vocabulary)) continue;
      fail(fmt::format("{}[{}] = {} is outside the vocabulary of {}", key, i + cut, ids[i],
                       options_.vocabulary),
           "Use the tokenizer of this model");
    }
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
    if (const std::optional<std::string> token = tokenizer_->special_token_in(marked.text)) {
      fail(
          fmt::format("the text holds \"{}\", which is a token of its own in the tokenizer's files",
                      *token),
          "Give the ids that the model was trained with (input_ids), or leave it out");
    }
    const std::vector<Tokenizer::Piece> pieces = tokenizer_->encode(marked.text);
    look_at_ends(pieces);
    for (const int64_t id : tokenizer_->before()) add(id, !marked.target, sample);
    for (const Tokenizer::Piece& piece : pieces) {
      const bool wanted = !marked.target ||
                          (piece.begin < marked.target->second && piece.end > marked.target->first);
      add(piece.id, wanted, sample);
    }
    for (const int64_t id : tokenizer_->after()) add(id, !marked.target, sample);
  }

  /// A text that writes out the token that every sequence gets has it twice.
  void look_at_ends(const std::vector<Tokenizer::Piece>& pieces) {
    if (pieces.empty()) return;
    const std::vector<int64_t>& before = tokenizer_->before();
    const std::vector<int64_t>& after = tokenizer_->after();
    if (!before.empty() && pieces.front().id == before.back()) ++begun_twice_;
    if (!after.empty() && pieces.back().id == after.front()) ++ended_twice_;
  }

  /// One token of a text.
  void add(int64_t id, bool predicted, Sample& sample) const {
    if (id >= options_.vocabulary) {
      fail(fmt::format("the tokenizer gives id {}, outside the model's vocabulary of {}", id,
                       options_.vocabulary),
           "Use the tokenizer of this model (--tokenizer)");
    }
    sample.input_ids.push_back(id);
    sample.labels.push_back(predicted ? id : ignored_label);
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
  std::set<std::string> ignored_;  ///< columns
  size_t padded_ = 0, padding_ = 0;
  size_t begun_twice_ = 0, ended_twice_ = 0;  ///< texts
};

}  // namespace

std::vector<Sample> load_samples(const std::filesystem::path& file, const SampleOptions& options,
                                 std::vector<std::string>* notes) {
  return SampleReader(file, options).read(notes);
}

}  // namespace explaind
