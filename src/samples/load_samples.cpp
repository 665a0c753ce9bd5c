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
#include "samples/chat_recipe.hpp"
#include "samples/sample.hpp"
#include "samples/sample_columns.hpp"
#include "samples/text_tokens.hpp"
#include "samples/windows.hpp"

namespace explaind {
namespace {

using nlohmann::json;

class SampleReader {
 public:
  SampleReader(const std::filesystem::path& file, const SampleOptions& options)
      : file_(file.string()), options_(options), texts_(options) {}

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
      keep(parse(text), samples);
    }
    if (in.bad()) throw DataError(file_, "reading failed", "Check the file system");
    if (samples.empty()) throw DataError(file_, "holds no samples", "Write one JSON object a line");
    if (notes != nullptr) say(*notes);
    return samples;
  }

 private:
  std::string where() const { return fmt::format("{}:{}", file_, line_); }

  [[noreturn]] void fail(const std::string& problem, const std::string& remedy) const {
    throw DataError(where(), problem, remedy);
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
    if (cut_ > 0) say_windows(notes);
    texts_.say(file_, notes);
  }

  void say_windows(std::vector<std::string>& notes) const {
    std::string note = fmt::format(
        "{}: {} of more than {} tokens {} cut into {} (ID#0, ID#1, …) that begin {} tokens apart; "
        "a token is predicted in the first that has it",
        file_, counted(cut_, "sample"), options_.window, cut_ == 1 ? "was" : "were",
        counted(windows_, "window"), options_.stride);
    if (left_out_ > 0) {
      note += fmt::format(", and {} more, in which nothing is to be predicted, {} left out",
                          left_out_, left_out_ == 1 ? "is" : "are");
    }
    if (unpredicted_ > 0) {
      note += fmt::format(
          ". {} to be predicted {} a window and {} predicted by none: a stride below {} predicts "
          "{}",
          counted(unpredicted_, "token"), unpredicted_ == 1 ? "begins" : "begin",
          unpredicted_ == 1 ? "is" : "are", options_.window, unpredicted_ == 1 ? "it" : "them");
    }
    notes.push_back(std::move(note));
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
    const bool completes = has(object, "prompt") && has(object, "completion");
    const size_t tokens = has(object, "input_ids") ? object["input_ids"].size() : 0;
    for (const auto& [key, value] : object.items()) {
      if (known.contains(key) || (completes && (key == "prompt" || key == "completion"))) continue;
      const std::string why = why_not_ignored(key, value, tokens);
      if (!why.empty()) {
        fail(why, "Known: id, group, text, prompt, completion, input_ids, labels, attention_mask");
      }
      if (!value.is_null()) ignored_.insert(key);
    }
  }

  /// Adds a sample, or its windows.
  void keep(Sample sample, std::vector<Sample>& samples) {
    if (!is_cut(sample)) {
      samples.push_back(std::move(sample));
      return;
    }
    SampleWindows cut = cut_into_windows(sample, options_.window, options_.stride);
    if (cut.windows.empty()) {
      fail("there is nothing to predict in any of its windows",
           "What it predicts begins a window: use a --stride below --window");
    }
    ++cut_;
    windows_ += cut.windows.size();
    left_out_ += cut.left_out;
    unpredicted_ += cut.unpredicted;
    for (Sample& window : cut.windows) {
      require_new(window.id);
      samples.push_back(std::move(window));
    }
  }

  bool is_cut(const Sample& sample) const {
    return options_.window > 0 && static_cast<int64_t>(sample.input_ids.size()) > options_.window;
  }

  void require_new(const std::string& id) {
    if (!ids_.insert(id).second) fail("id '" + id + "' is not unique", "Rename it");
  }

  Sample parse(const std::string& text) {
    const json object = object_of(text);
    look_at_columns(object);
    Sample sample;
    sample.id = word(object, "id", std::to_string(line_));
    sample.group = word(object, "group", "");
    require_new(sample.id);
    require_one_form(object);
    if (has(object, "input_ids")) {
      read_tokens(object, sample);
    } else {
      for (const char* key : {"labels", "attention_mask"}) {
        if (has(object, key)) {
          fail(std::string(key) + " go with input_ids, not with text", "Remove them");
        }
      }
      texts_.add(target_of(object), where(), sample);
    }
    check(sample);
    return sample;
  }

  /// A sample is a text, a prompt with its completion, or tokens.
  void require_one_form(const json& object) const {
    const bool plain = has(object, "text") || has(object, "input_ids");
    const bool prompt = has(object, "prompt"), completion = has(object, "completion");
    if (plain && prompt && completion) {
      fail(fmt::format("has {} beside prompt and completion",
                       has(object, "text") ? "text" : "input_ids"),
           "Keep one of them: they may say different things");
    }
    if (!plain) refuse_chat(object);
    if (!plain && prompt != completion) {
      fail(prompt ? "has a prompt and no completion" : "has a completion and no prompt",
           "Give both, or the whole as text");
    }
    const bool both = has(object, "text") && has(object, "input_ids");
    if (!both && (plain || prompt)) return;
    std::string keys;
    for (const auto& [key, value] : object.items())
      keys += (keys.empty() ? "'" : ", '") + key + "'";
    fail("needs either text or input_ids, or prompt and completion" +
             (keys.empty() ? "" : ", and has " + keys),
         "Give exactly one of them");
  }

  /// Conversations are no texts yet.
  void refuse_chat(const json& object) const {
    std::vector<std::string> keys;
    if (has(object, "prompt") && has(object, "completion")) {
      if (object["prompt"].is_array() && object["completion"].is_array())
        keys = {"prompt", "completion"};
    } else if (has(object, "messages")) {
      keys = {"messages"};
    }
    if (keys.empty()) return;
    fail(fmt::format("{} a conversation, which the checkpoint's chat template makes a text of: it "
                     "is a program (Jinja), and none is run here",
                     keys.size() == 1 ? "messages are" : "prompt and completion are"),
         chat_by_transformers(options_.tokenizer_directory, file_, keys));
  }

  /// The text of a line without tokens.
  TargetText target_of(const json& object) const {
    if (has(object, "text")) return unmark(words(object, "text"), where());
    return join(words(object, "prompt"), words(object, "completion"), where());
  }

  std::string words(const json& object, const char* key) const {
    const json& value = object[key];
    if (!value.is_string()) fail(std::string(key) + " must be a string", "Change it");
    return value.get<std::string>();
  }

  void read_tokens(const json& object, Sample& sample) {
    sample.input_ids = tokens(object["input_ids"], "input_ids");
    sample.labels = has(object, "labels") ? tokens(object["labels"], "labels") : sample.input_ids;
    // Padding often has an id that the model does not know.
    size_t cut = 0;
    if (has(object, "attention_mask")) cut = cut_padding(object["attention_mask"], sample);
    require_known(sample.input_ids, "input_ids", cut, false);
    require_known(sample.labels, "labels", cut, true);
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

  void check(Sample& sample) const {
    if (sample.input_ids.empty()) fail("the sample is empty", "Give it tokens or remove it");
    if (sample.labels.size() != sample.input_ids.size()) {
      fail(fmt::format("{} labels for {} input_ids", sample.labels.size(), sample.input_ids.size()),
           "They must be aligned, −100 where nothing is predicted");
    }
    const auto length = static_cast<int64_t>(sample.input_ids.size());
    if (length > options_.max_length && !is_cut(sample)) {
      if (!options_.truncate) {
        fail(fmt::format("{} tokens, more than the {} allowed", length, options_.max_length),
             "Shorten it, raise --max-length, cut with --truncate, or (of --samples) into windows "
             "with --window");
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
  TextTokens texts_;
  std::set<std::string> ignored_;  ///< columns
  size_t padded_ = 0, padding_ = 0;
  size_t cut_ = 0, windows_ = 0;            ///< samples, and what they became
  int64_t left_out_ = 0, unpredicted_ = 0;  ///< windows, tokens
};

}  // namespace

std::vector<Sample> load_samples(const std::filesystem::path& file, const SampleOptions& options,
                                 std::vector<std::string>* notes) {
  return SampleReader(file, options).read(notes);
}

}  // namespace explaind
