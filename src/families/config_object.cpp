#include "families/config_object.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "core/error.hpp"

namespace explaind {

using Json = nlohmann::json;

ConfigObject::ConfigObject(const Json& object, std::string where, std::string prefix)
    : object_(object), where_(std::move(where)), prefix_(std::move(prefix)) {}

bool ConfigObject::has(const std::string& key) const {
  asked_.insert(key);
  return object_.contains(key);
}

const Json* ConfigObject::find(const std::string& key) const {
  asked_.insert(key);
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

int64_t ConfigObject::size(const std::string& key) const { return size(require(key), key); }

int64_t ConfigObject::size(const std::string& key, int64_t fallback) const {
  const Json* value = find(key);
  return value == nullptr ? fallback : size(*value, key);
}

double ConfigObject::positive(const std::string& key) const { return positive(require(key), key); }

double ConfigObject::positive(const std::string& key, double fallback) const {
  const Json* value = find(key);
  return value == nullptr ? fallback : positive(*value, key);
}

bool ConfigObject::boolean(const std::string& key, bool fallback) const {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) fail(key, "must be true or false", *value);
  return value->get<bool>();
}

std::string ConfigObject::text(const std::string& key, const std::string& fallback) const {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_string()) fail(key, "must be a string", *value);
  return value->get<std::string>();
}

const Json* ConfigObject::object(const std::string& key) const {
  const Json* value = find(key);
  if (value != nullptr && !value->is_object()) fail(key, "must be an object", *value);
  return value;
}

void ConfigObject::refuse(const std::string& problem, const std::string& remedy) const {
  throw DataError(where_, problem, remedy);
}

void ConfigObject::fail(const std::string& key, const std::string& rule, const Json& value) const {
  std::string shown = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (shown.size() > 60) shown = shown.substr(0, 60) + "…";
  throw DataError(where_, prefix_ + key + " " + rule + ", not " + shown);
}

const Json& ConfigObject::require(const std::string& key) const {
  const Json* value = find(key);
  if (value == nullptr) throw DataError(where_, "the key " + prefix_ + key + " is missing");
  return *value;
}

int64_t ConfigObject::size(const Json& value, const std::string& key) const {
  constexpr int64_t limit = std::numeric_limits<int32_t>::max();
  const bool fits = value.is_number_unsigned()
                        ? value.get<uint64_t>() <= static_cast<uint64_t>(limit)
                        : value.is_number_integer() && value.get<int64_t>() <= limit;
  if (!fits || value.get<int64_t>() < 1) fail(key, "must be a positive 32-bit integer", value);
  return value.get<int64_t>();
}

double ConfigObject::positive(const Json& value, const std::string& key) const {
  if (!value.is_number() || !(value.get<double>() > 0) || !std::isfinite(value.get<double>())) {
    fail(key, "must be a positive number", value);
  }
  return value.get<double>();
}

}  // namespace explaind
