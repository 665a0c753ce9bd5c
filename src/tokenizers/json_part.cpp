#include "tokenizers/json_part.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string_view>

#include "core/error.hpp"
#include "core/file_kind.hpp"
#include "core/whole_file.hpp"
#include "tokenizers/characters.hpp"

namespace explaind {
namespace {

using nlohmann::json;

/// A number as serde_json reads it: the digits as a whole number, rounded, then divided by a power
/// of ten. Ties between segmentations of a Unigram model are decided by its last bit.
double as_serde_reads(std::string_view text) {
  const bool negative = text.starts_with('-');
  uint64_t digits = 0;
  int exponent = 0;
  bool full = false, fraction = false;
  size_t at = negative ? 1 : 0;
  for (; at < text.size() &&
         (std::isdigit(static_cast<unsigned char>(text[at])) != 0 || text[at] == '.');
       ++at) {
    if (text[at] == '.') {
      fraction = true;
      continue;
    }
    const auto digit = static_cast<uint64_t>(text[at] - '0');
    full = full || digits > (UINT64_MAX - digit) / 10;
    if (!full) digits = digits * 10 + digit;
    exponent += full ? (fraction ? 0 : 1) : (fraction ? -1 : 0);
  }
  if (at < text.size()) {
    exponent += std::atoi(std::string(text.substr(at + 1, 6)).c_str());  // after e or E
  }
  auto value = static_cast<double>(digits);
  const auto power = [](int n) { return std::strtod(fmt::format("1e{}", n).c_str(), nullptr); };
  constexpr int most = 308;
  while (exponent < -most && value != 0) {
    value /= power(most);
    exponent += most;
  }
  if (value != 0) value = exponent < 0 ? value / power(-exponent) : value * power(exponent);
  return negative ? -value : value;
}

/// Builds the values, with that reading of numbers and a bound on nesting.
class Builder final : public json::json_sax_t {
 public:
  explicit Builder(json& root) : root_(root) {}
  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t, const string_t& text) override {
    const double value = as_serde_reads(text);
    return std::isfinite(value) && put(value);
  }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(size_t position, const std::string&, const json::exception&) override {
    broken_at_ = position;
    return false;
  }
  [[nodiscard]] bool too_deep() const { return too_deep_; }
  [[nodiscard]] size_t broken_at() const { return broken_at_; }

 private:
  json& add(json value) {
    if (open_.empty()) return root_ = std::move(value);
    json& within = *open_.back();
    if (within.is_object()) return within[key_] = std::move(value);
    within.push_back(std::move(value));
    return within.back();
  }
  bool put(json value) {
    add(std::move(value));
    return true;
  }
  bool open(json value) {
    constexpr size_t deepest = 32;
    too_deep_ = open_.size() == deepest;
    if (!too_deep_) open_.push_back(&add(std::move(value)));
    return !too_deep_;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  json& root_;
  std::vector<json*> open_;  ///< lists and objects that have not ended, the outermost first
  std::string key_;
  bool too_deep_ = false;
  size_t broken_at_ = 0;
};

}  // namespace

std::string ids_by_transformers(const std::filesystem::path& folder) {
  return fmt::format(
      "Give token ids (input_ids) instead of text; this makes them:\n"
      "  import json, transformers\n"
      "  tokenizer = transformers.AutoTokenizer.from_pretrained({})\n"
      "  for line in open(\"samples.jsonl\"):\n"
      "      sample = json.loads(line)\n"
      "      print(json.dumps({{\"input_ids\": "
      "tokenizer(sample.pop(\"text\"))[\"input_ids\"], **sample}}))",
      nlohmann::json(folder.string()).dump(-1, ' ', false, json::error_handler_t::replace));
}

JsonPart JsonPart::of_file(const std::filesystem::path& path) {
  const std::string content = read_whole_file(path);
  refuse_foreign_content(content, path.string());
  auto root = std::make_shared<Root>();
  root->path = path;
  Builder builder(root->json);
  if (!json::sax_parse(content, &builder)) {
    throw DataError(path.string(),
                    builder.too_deep()
                        ? "is nested too deep to be a tokenizer"
                        : fmt::format("is not JSON from byte {}", builder.broken_at()),
                    "Bring the file again from where it was published");
  }
  if (!root->json.is_object()) {
    throw DataError(path.string(), "not a JSON object",
                    "Bring the file again from where it was published");
  }
  const json* value = &root->json;
  return {std::move(root), value, ""};
}

void JsonPlace::refuse(const std::string& problem) const {
  throw DataError(file.string(), where.empty() ? problem : where + " " + problem,
                  ids_by_transformers(file.parent_path()));
}

JsonPart JsonPart::at(const std::string& key) const {
  static const json nothing;
  if (!value_->is_object()) refuse("must be an object, not " + shown());
  const auto found = value_->find(key);
  return {root_, found == value_->end() ? &nothing : &*found,
          where_.empty() ? key : where_ + "." + key};
}

void JsonPart::allow_only(std::initializer_list<const char*> keys) const {
  if (!value_->is_object()) refuse("must be an object, not " + shown());
  for (const auto& [key, value] : value_->items()) {
    const std::string& name = key;
    if (std::any_of(keys.begin(), keys.end(), [&](const char* known) { return name == known; }))
      continue;
    at(key).refuse("is a key that is not known, and it may change what a text's tokens are");
  }
}

std::vector<JsonPart> JsonPart::items() const {
  if (!value_->is_array()) refuse("must be a list, not " + shown());
  std::vector<JsonPart> parts;
  parts.reserve(value_->size());
  for (size_t i = 0; i < value_->size(); ++i) {
    parts.push_back({root_, &(*value_)[i], fmt::format("{}[{}]", where_, i)});
  }
  return parts;
}

std::string JsonPart::text() const {
  if (!value_->is_string()) refuse("must be a text, not " + shown());
  return value_->get<std::string>();
}

std::string JsonPart::text_or(const std::string& otherwise) const {
  return is_null() ? otherwise : text();
}

bool JsonPart::boolean() const {
  if (!value_->is_boolean()) refuse("must be true or false, not " + shown());
  return value_->get<bool>();
}

bool JsonPart::boolean_or(bool otherwise) const { return is_null() ? otherwise : boolean(); }

int64_t JsonPart::id() const {
  if (!value_->is_number_unsigned() || value_->get<uint64_t>() > UINT32_MAX) {
    refuse("must be the id of a token, not " + shown());
  }
  return value_->get<int64_t>();
}

char32_t JsonPart::one_character() const {
  const std::string characters = text();
  if (characters.empty() || decode(characters, 0).size != characters.size()) {
    refuse("must be one character, not " + shown());
  }
  return decode(characters, 0).point;
}

std::string JsonPart::type() const { return at("type").text(); }

std::string JsonPart::shown() const {
  if (value_->is_object() || value_->is_array()) {
    return value_->is_object() ? "an object" : "a list";
  }
  if (value_->is_null()) return "nothing";
  std::string text = value_->dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
  constexpr size_t most = 60;
  if (text.size() > most) text = text.substr(0, most) + "…";
  return text;
}

}  // namespace explaind
