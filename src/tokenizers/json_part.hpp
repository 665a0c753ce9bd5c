#pragma once
// A part of tokenizer.json that says where it stands, so that an error can name it.

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace explaind {

/// The way out of everything in a folder's tokenizer.json that is not obeyed: the five lines of
/// Python that make token ids.
std::string ids_by_transformers(const std::filesystem::path& folder);

/// Where something stands in a tokenizer.json, for errors that are found later.
struct JsonPlace {
  std::filesystem::path file;
  std::string where;  ///< "model.merges[3]"; empty: the whole file
  /// Throws DataError: the file, where in it, `problem`, and the way out.
  [[noreturn]] void refuse(const std::string& problem) const;
};

class JsonPart {
 public:
  /// Reads a file. Throws DataError: unreadable, not JSON, not an object, nested too deep. Numbers
  /// with a fraction are read as the tokenizers library reads them, which may differ in the last
  /// bit.
  static JsonPart of_file(const std::filesystem::path& path);

  [[nodiscard]] JsonPlace place() const { return {root_->path, where_}; }
  [[noreturn]] void refuse(const std::string& problem) const { place().refuse(problem); }

  [[nodiscard]] bool is_null() const { return value_->is_null(); }
  [[nodiscard]] const nlohmann::json& value() const { return *value_; }
  /// Of an object: the value of a key; null where there is none.
  [[nodiscard]] JsonPart at(const std::string& key) const;
  /// Throws where an object has other keys than these.
  void allow_only(std::initializer_list<const char*> keys) const;
  [[nodiscard]] std::vector<JsonPart> items() const;  ///< of a list
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string text_or(const std::string& otherwise) const;  ///< where it is null
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] bool boolean_or(bool otherwise) const;
  [[nodiscard]] int64_t id() const;  ///< of a token: 0 … 2³² − 1
  [[nodiscard]] char32_t one_character() const;
  /// "type" of an object.
  [[nodiscard]] std::string type() const;

 private:
  struct Root {
    std::filesystem::path path;
    nlohmann::json json;
  };
  JsonPart(std::shared_ptr<const Root> root, const nlohmann::json* value, std::string where)
      : root_(std::move(root)), value_(value), where_(std::move(where)) {}
  [[nodiscard]] std::string shown() const;

  std::shared_ptr<const Root> root_;
  const nlohmann::json* value_;
  std::string where_;
};

}  // namespace explaind
