#include "samples/sample_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <utility>

#include "core/error.hpp"
#include "samples/chat_recipe.hpp"
#include "samples/sample_columns.hpp"

namespace explaind {
namespace {

using nlohmann::json;

/// What is there and not null.
bool has(const json& row, const std::string& key) {
  const auto found = row.find(key);
  return found != row.end() && !found->is_null();
}

}  // namespace

void SampleReader::fail(const std::string& problem, const std::string& remedy) const {
  throw DataError(where_, problem, remedy);
}

Sample SampleReader::read(const json& row, const std::string& where, int64_t number) {
  where_ = where;
  const PairKeys pair = pair_in(row);
  look_at_columns(row, pair);
  Sample sample;
  sample.id = word(row, "id", std::to_string(number));
  sample.group = word(row, "group", "");
  if (!pair.good.empty()) {
    read_pair(row, pair, sample);
    return sample;
  }
  require_one_form(row);
  if (has(row, "input_ids")) {
    read_tokens(row, sample);
  } else {
    for (const char* key : {"labels", "attention_mask"}) {
      if (has(row, key)) {
        fail(std::string(key) + " go with input_ids, not with text", "Remove them");
      }
    }
    texts_.add(target_of(row), where_, sample);
  }
  check(sample);
  return sample;
}

bool SampleReader::is_cut(const Sample& sample) const {
  return options_.window > 0 && static_cast<int64_t>(sample.input_ids.size()) > options_.window;
}

void SampleReader::say_columns(std::vector<std::string>& notes) const {
  const std::string file = file_.string();
  if (!ignored_.empty()) {
    notes.push_back(
        fmt::format("{}: columns that are not used: {}", file, fmt::join(ignored_, ", ")));
  }
  if (padded_ > 0) {
    notes.push_back(fmt::format("{}: padding was cut off {} sample{}, {} token{} in all", file,
                                padded_, padded_ == 1 ? "" : "s", padding_,
                                padding_ == 1 ? "" : "s"));
  }
  if (pairs_ > 0) {
    notes.push_back(fmt::format(
        "{}: {} minimal pair{}: F is log p(good) - log p(bad) in nats, each the sum over the "
        "tokens that are predicted",
        file, pairs_, pairs_ == 1 ? "" : "s"));
  }
  if (same_ > 0) {
    notes.push_back(
        fmt::format("{}: {} of them {} the same tokens in both sentences, so that F is 0", file,
                    same_, same_ == 1 ? "has" : "have"));
  }
}

void SampleReader::say_texts(std::vector<std::string>& notes) const {
  texts_.say(file_.string(), notes);
}

void SampleReader::look_at_columns(const json& row, const PairKeys& pair) {
  static const std::set<std::string> known{"id",        "group",  "text",
                                           "input_ids", "labels", "attention_mask"};
  const bool completes = has(row, "prompt") && has(row, "completion");
  const size_t tokens = has(row, "input_ids") ? row["input_ids"].size() : 0;
  for (const auto& [key, value] : row.items()) {
    if (known.contains(key) || (completes && (key == "prompt" || key == "completion"))) continue;
    if (!pair.good.empty() && (key == pair.good || key == pair.bad)) continue;
    const std::string why = why_not_ignored(key, value, tokens);
    if (!why.empty()) {
      fail(why,
           "Known: id, group, text, prompt, completion, good, bad, input_ids, labels, "
           "attention_mask");
    }
    if (!value.is_null()) ignored_.insert(key);
  }
}

SampleReader::PairKeys SampleReader::pair_in(const json& row) const {
  std::vector<PairKeys> found;
  for (const char* prefix : {"", "sentence_"}) {
    PairKeys keys{.good = std::string(prefix) + "good", .bad = std::string(prefix) + "bad"};
    if (!has(row, keys.good) || !has(row, keys.bad)) continue;
    const json &good = row[keys.good], &bad = row[keys.bad];
    // Numbers and flags are columns of the user's own.
    const bool sentence = good.is_string() || good.is_array() || bad.is_string() || bad.is_array();
    if (sentence) found.push_back(std::move(keys));
  }
  if (found.empty()) return {};
  if (found.size() > 1) {
    fail("has good and bad beside sentence_good and sentence_bad",
         "Keep one pair of them: they may say different things");
  }
  const PairKeys& keys = found.front();
  for (const char* other :
       {"text", "prompt", "completion", "messages", "input_ids", "labels", "attention_mask"}) {
    if (!has(row, other)) continue;
    fail(fmt::format("has {} beside {} and {}", other, keys.good, keys.bad),
         "Keep one of them: they may say different things. A pair's sentences are whole texts, or "
         "lists of token ids");
  }
  return keys;
}

/// A sample is a text, a prompt with its completion, or tokens.
void SampleReader::require_one_form(const json& row) const {
  const bool plain = has(row, "text") || has(row, "input_ids");
  const bool prompt = has(row, "prompt"), completion = has(row, "completion");
  if (plain && prompt && completion) {
    fail(
        fmt::format("has {} beside prompt and completion", has(row, "text") ? "text" : "input_ids"),
        "Keep one of them: they may say different things");
  }
  if (!plain) refuse_chat(row);
  for (const char* prefix : {"", "sentence_"}) {
    const std::string good = std::string(prefix) + "good", bad = std::string(prefix) + "bad";
    if (plain || prompt || completion || has(row, good) == has(row, bad)) continue;
    fail(fmt::format("has {} and no {}", has(row, good) ? good : bad, has(row, good) ? bad : good),
         "Give both sentences of the pair");
  }
  if (!plain && prompt != completion) {
    fail(prompt ? "has a prompt and no completion" : "has a completion and no prompt",
         "Give both, or the whole as text");
  }
  const bool both = has(row, "text") && has(row, "input_ids");
  if (!both && (plain || prompt)) return;
  std::string keys;
  for (const auto& [key, value] : row.items()) keys += (keys.empty() ? "'" : ", '") + key + "'";
  fail("needs either text or input_ids, or prompt and completion, or good and bad" +
           (keys.empty() ? "" : ", and has " + keys),
       "Give exactly one of them");
}

/// Conversations are no texts yet.
void SampleReader::refuse_chat(const json& row) const {
  std::vector<std::string> keys;
  if (has(row, "prompt") && has(row, "completion")) {
    if (row["prompt"].is_array() && row["completion"].is_array()) keys = {"prompt", "completion"};
  } else if (has(row, "messages")) {
    keys = {"messages"};
  }
  if (keys.empty()) return;
  fail(fmt::format("{} a conversation, which the checkpoint's chat template makes a text of: it "
                   "is a program (Jinja), and none is run here",
                   keys.size() == 1 ? "messages are" : "prompt and completion are"),
       chat_by_transformers(options_.tokenizer_directory, rows_, keys));
}

/// The text of a row without tokens.
TargetText SampleReader::target_of(const json& row) const {
  if (has(row, "text")) return unmark(words(row, "text"), where_);
  return join(words(row, "prompt"), words(row, "completion"), where_);
}

std::string SampleReader::words(const json& row, const std::string& key) const {
  const json& value = row.at(key);
  if (!value.is_string()) fail(key + " must be a string", "Change it");
  return value.get<std::string>();
}

std::string SampleReader::word(const json& row, const char* key,
                               const std::string& otherwise) const {
  if (!has(row, key)) return otherwise;
  const json& value = row.at(key);
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  fail(std::string(key) + " must be a string or a whole number", "Change it");
}

void SampleReader::read_pair(const json& row, const PairKeys& keys, Sample& sample) {
  if (!options_.pairs) {
    fail(fmt::format("{} and {} are a minimal pair, and a training batch has none", keys.good,
                     keys.bad),
         "Give the texts or tokens that were trained on");
  }
  sample.against.push_back({.id = sample.id, .group = sample.group, .input_ids = {}, .labels = {}});
  Sample& other = sample.against.front();
  if (row.at(keys.good).is_array() && row.at(keys.bad).is_array()) {
    for (const auto& [key, into] : {std::pair(keys.good, &sample), std::pair(keys.bad, &other)}) {
      into->input_ids = tokens(row.at(key), key);
      into->labels = into->input_ids;
      require_known(into->input_ids, key, 0, false);
    }
  } else if (row.at(keys.good).is_string() && row.at(keys.bad).is_string()) {
    const TargetText good = unmark(words(row, keys.good), where_),
                     bad = unmark(words(row, keys.bad), where_);
    if (good.target.has_value() != bad.target.has_value()) {
      fail(fmt::format("of {} and {} one has [TARGET] and the other has not", keys.good, keys.bad),
           "Mark what is compared in both, or in neither");
    }
    texts_.add(good, where_, sample);
    texts_.add(bad, where_, other);
  } else {
    fail(fmt::format("{} and {} must be two strings, or two lists of token ids", keys.good,
                     keys.bad),
         "Change them");
  }
  check_pair(sample, keys);
  ++pairs_;
  if (sample.input_ids == other.input_ids && sample.labels == other.labels) ++same_;
}

void SampleReader::read_tokens(const json& row, Sample& sample) {
  sample.input_ids = tokens(row.at("input_ids"), "input_ids");
  sample.labels = has(row, "labels") ? tokens(row.at("labels"), "labels") : sample.input_ids;
  // Padding often has an id that the model does not know.
  size_t cut = 0;
  if (has(row, "attention_mask")) cut = cut_padding(row.at("attention_mask"), sample);
  require_known(sample.input_ids, "input_ids", cut, false);
  require_known(sample.labels, "labels", cut, true);
}

/// Ones are what every token has here; zeros at an end are padding, and anything else is another
/// attention than the model's. Returns the tokens that were cut off at the beginning.
size_t SampleReader::cut_padding(const json& mask, Sample& sample) {
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

std::vector<int64_t> SampleReader::tokens(const json& list, const std::string& key) const {
  if (!list.is_array()) fail(key + " must be a list of token ids", "Change it");
  std::vector<int64_t> ids;
  for (const json& item : list) {
    const bool fits = !item.is_number_unsigned() || item.get<uint64_t>() <= INT64_MAX;
    if (!item.is_number_integer() || !fits) {
      fail(
          fmt::format("{}[{}] is not a whole number{}", key, ids.size(), fits ? "" : " of 63 bits"),
          "Change it");
    }
    ids.push_back(item.get<int64_t>());
  }
  return ids;
}

/// `cut`: the tokens that were before them in the file.
void SampleReader::require_known(const std::vector<int64_t>& ids, const std::string& key,
                                 size_t cut, bool labels) const {
  for (size_t i = 0; i < ids.size(); ++i) {
    const bool ignored = labels && ids[i] == ignored_label;
    if (ignored || (ids[i] >= 0 && ids[i] < options_.vocabulary)) continue;
    fail(fmt::format("{}[{}] = {} is outside the vocabulary of {}", key, i + cut, ids[i],
                     options_.vocabulary),
         "Use the tokenizer of this model");
  }
}

void SampleReader::check(Sample& sample) const {
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

/// Sentences are compared whole: a pair is neither truncated nor cut into windows.
void SampleReader::check_pair(const Sample& pair, const PairKeys& keys) const {
  for (const auto& [key, sequence] :
       {std::pair(keys.good, &pair), std::pair(keys.bad, &pair.against.front())}) {
    const auto length = static_cast<int64_t>(sequence->input_ids.size());
    if (length > options_.max_length || is_cut(*sequence)) {
      const bool window = length <= options_.max_length;
      fail(fmt::format("{} has {} tokens, more than the {} {}; a pair is not cut", key, length,
                       window ? options_.window : options_.max_length,
                       window ? "of a window" : "allowed"),
           window ? "Shorten it, or raise --window" : "Shorten it, or raise --max-length");
    }
    if (sequence->predicted() > 0) continue;
    fail(fmt::format("there is nothing to predict in {}", key),
         "A token is predicted by those before it: give the sentence two tokens at least, and a "
         "[TARGET] after the first");
  }
}

}  // namespace explaind
