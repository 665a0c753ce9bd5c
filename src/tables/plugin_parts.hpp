#pragma once
// What the sources of the Arrow library share.

#include <arrow/api.h>

#include <stdexcept>
#include <string>

#include "tables/plugin.hpp"

namespace explaind::arrow_plugin {

/// What error() says, of the calling thread.
std::string& last_error();

/// Why the system refused, where it did: Arrow's own words then say only what it had tried.
inline std::string reason_of(const arrow::Status& status) {
  if (status.detail() == nullptr) return status.message();
  const std::string detail = status.detail()->ToString();  // "[errno 28] No space left on device"
  const size_t end = detail.rfind("[errno ", 0) == 0 ? detail.find("] ") : std::string::npos;
  return end == std::string::npos ? status.message() + ": " + detail : detail.substr(end + 2);
}

inline void require(const arrow::Status& status) {
  if (!status.ok()) throw std::runtime_error(reason_of(status));
}

template <typename T>
T value_of(arrow::Result<T> result) {
  require(result.status());
  return std::move(result).ValueUnsafe();
}

ExplaindArrowTable* create_table(const char* path, int form, const ExplaindArrowField* fields,
                                 size_t count, const ExplaindArrowNote* notes, size_t note_count);
int append_rows(ExplaindArrowTable* table, size_t rows, const ExplaindArrowValues* columns);
int finish_table(ExplaindArrowTable* table, int whole);

}  // namespace explaind::arrow_plugin
