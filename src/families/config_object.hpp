#pragma once
// Typed access to an object of a config.json.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace explaind {

/// A key that is null counts as absent, as in transformers. All functions throw DataError, naming
/// file and key, for a value of another type or outside its range.
class ConfigObject {
 public:
  /// object: must outlive this. where: the file; prefix: what stands before keys in messages.
  ConfigObject(const nlohmann::json& object, std::string where, std::string prefix = "");

  /// True where the key is there, with null too.
  [[nodiscard]] bool has(const std::string& key) const;
  /// Null where it is absent.
  [[nodiscard]] const nlohmann::json* find(const std::string& key) const;

  /// A positive 32-bit integer, so that products of two fit.
  [[nodiscard]] int64_t size(const std::string& key) const;
  [[nodiscard]] int64_t size(const std::string& key, int64_t fallback) const;
  [[nodiscard]] double positive(const std::string& key) const;
  [[nodiscard]] double positive(const std::string& key, double fallback) const;
  [[nodiscard]] bool boolean(const std::string& key, bool fallback) const;
  [[nodiscard]] std::string text(const std::string& key, const std::string& fallback) const;
  /// The object under `key`; null where it is absent.
  [[nodiscard]] const nlohmann::json* object(const std::string& key) const;

  /// Keys that were looked for: what is not among them was not obeyed.
  [[nodiscard]] const std::set<std::string>& asked() const { return asked_; }
  [[nodiscard]] const nlohmann::json& json() const { return object_; }
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] const std::string& prefix() const { return prefix_; }
  [[noreturn]] void refuse(const std::string& problem, const std::string& remedy = "") const;

 private:
  [[noreturn]] void fail(const std::string& key, const std::string& rule,
                         const nlohmann::json& value) const;
  [[nodiscard]] const nlohmann::json& require(const std::string& key) const;
  [[nodiscard]] int64_t size(const nlohmann::json& value, const std::string& key) const;
  [[nodiscard]] double positive(const nlohmann::json& value, const std::string& key) const;

  const nlohmann::json& object_;
  std::string where_, prefix_;
  mutable std::set<std::string> asked_;
};

}  // namespace explaind
