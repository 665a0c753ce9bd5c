#pragma once
// What the sources of the Arrow library share.

#include <arrow/api.h>

#include <stdexcept>
#include <string>

#include "tables/plugin.hpp"

namespace explaind::arrow_plugin {

/// What error() says, of the calling thread.
std::string& last_error();

inline void require(const arrow::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.message());
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
