// Rows of Parquet and Arrow files as objects in JSON, by Apache Arrow.

#include "tables/plugin.hpp"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/util/config.h>
#include <parquet/arrow/reader.h>
#include <parquet/properties.h>

#include <cmath>
#include <cstdint>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tables/plugin_parts.hpp"

namespace {

using explaind::arrow_plugin::last_error;
using explaind::arrow_plugin::require;
using explaind::arrow_plugin::value_of;
using nlohmann::json;

/// Rows that are decoded at once.
constexpr int64_t rows_at_once = 256;

json of_scalar(const arrow::Scalar& scalar);

json of_array(const arrow::Array& array) {
  json list = json::array();
  for (int64_t i = 0; i < array.length(); ++i) {
    if (array.IsNull(i)) {
      list.push_back(nullptr);
    } else if (array.type_id() == arrow::Type::INT64) {
      list.push_back(static_cast<const arrow::Int64Array&>(array).Value(i));
    } else if (array.type_id() == arrow::Type::INT32) {
      list.push_back(static_cast<const arrow::Int32Array&>(array).Value(i));
    } else {
      list.push_back(of_scalar(*value_of(array.GetScalar(i))));
    }
  }
  return list;
}

json of_real(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

template <typename ScalarType>
auto number_of(const arrow::Scalar& scalar) {
  return static_cast<const ScalarType&>(scalar).value;
}

json of_struct(const arrow::StructScalar& scalar) {
  json object = json::object();
  const auto& type = static_cast<const arrow::StructType&>(*scalar.type);
  for (int i = 0; i < type.num_fields(); ++i) {
    object[type.field(i)->name()] = of_scalar(*scalar.value[static_cast<size_t>(i)]);
  }
  return object;
}

json of_scalar(const arrow::Scalar& scalar) {
  if (!scalar.is_valid) return nullptr;
  switch (scalar.type->id()) {
    case arrow::Type::NA:
      return nullptr;
    case arrow::Type::BOOL:
      return number_of<arrow::BooleanScalar>(scalar);
    case arrow::Type::INT8:
      return number_of<arrow::Int8Scalar>(scalar);
    case arrow::Type::INT16:
      return number_of<arrow::Int16Scalar>(scalar);
    case arrow::Type::INT32:
      return number_of<arrow::Int32Scalar>(scalar);
    case arrow::Type::INT64:
      return number_of<arrow::Int64Scalar>(scalar);
    case arrow::Type::UINT8:
      return number_of<arrow::UInt8Scalar>(scalar);
    case arrow::Type::UINT16:
      return number_of<arrow::UInt16Scalar>(scalar);
    case arrow::Type::UINT32:
      return number_of<arrow::UInt32Scalar>(scalar);
    case arrow::Type::UINT64:
      return number_of<arrow::UInt64Scalar>(scalar);
    case arrow::Type::FLOAT:
      return of_real(static_cast<double>(number_of<arrow::FloatScalar>(scalar)));
    case arrow::Type::DOUBLE:
      return of_real(number_of<arrow::DoubleScalar>(scalar));
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return std::string(static_cast<const arrow::BaseBinaryScalar&>(scalar).view());
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:  // no text, whatever the bytes look like
      return {{"bytes", static_cast<const arrow::BaseBinaryScalar&>(scalar).view().size()}};
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::LIST_VIEW:
    case arrow::Type::LARGE_LIST_VIEW:
    case arrow::Type::MAP:
      return of_array(*static_cast<const arrow::BaseListScalar&>(scalar).value);
    case arrow::Type::STRUCT:
      return of_struct(static_cast<const arrow::StructScalar&>(scalar));
    case arrow::Type::DICTIONARY:
      return of_scalar(
          *value_of(static_cast<const arrow::DictionaryScalar&>(scalar).GetEncodedValue()));
    case arrow::Type::EXTENSION:
      return of_scalar(*static_cast<const arrow::ExtensionScalar&>(scalar).value);
    case arrow::Type::RUN_END_ENCODED:
      return of_scalar(*static_cast<const arrow::RunEndEncodedScalar&>(scalar).value);
    default:
      return scalar.ToString();
  }
}

}  // namespace

/// A file, of which the chosen columns are read a record batch at a time.
struct ExplaindArrowFile {
  ExplaindArrowFile(const std::string& path, int form_of_file) : form(form_of_file) {
    input = value_of(arrow::io::ReadableFile::Open(path));
    if (form == explaind_parquet) {
      parquet::ArrowReaderProperties properties(/*use_threads=*/false);
      properties.set_batch_size(rows_at_once);
      properties.set_pre_buffer(false);  // would read whole row groups ahead, in threads
      parquet::arrow::FileReaderBuilder builder;
      require(builder.Open(input));
      table = value_of(
          builder.memory_pool(arrow::default_memory_pool())->properties(properties)->Build());
      require(table->GetSchema(&schema));
    } else {
      open_messages({});
    }
    for (int i = 0; i < schema->num_fields(); ++i) chosen.insert(i);
  }

  /// Begins an Arrow file anew, with these columns alone; none given: all.
  void open_messages(std::vector<int> included) {
    arrow::ipc::IpcReadOptions options = arrow::ipc::IpcReadOptions::Defaults();
    options.use_threads = false;
    options.included_fields = std::move(included);
    if (form == explaind_ipc_stream) {
      require(input->Seek(0));
      stream = value_of(arrow::ipc::RecordBatchStreamReader::Open(input, options));
      if (!schema) schema = stream->schema();
    } else {
      blocks = value_of(arrow::ipc::RecordBatchFileReader::Open(input, options));
      if (!schema) schema = blocks->schema();
    }
  }

  /// Columns of a Parquet file are leaves of the schema's tree.
  void begin() {
    begun = true;
    std::vector<int> included(chosen.begin(), chosen.end());
    if (form != explaind_parquet) {
      if (included.empty() && schema->num_fields() > 0) included = {0};  // none would mean all
      open_messages(included);
      return;
    }
    std::vector<int> groups(static_cast<size_t>(table->num_row_groups()));
    for (size_t i = 0; i < groups.size(); ++i) groups[i] = static_cast<int>(i);
    const parquet::SchemaDescriptor& tree = *table->parquet_reader()->metadata()->schema();
    std::vector<int> leaves;
    for (int leaf = 0; leaf < tree.num_columns(); ++leaf) {
      const int root = tree.group_node()->FieldIndex(*tree.GetColumnRoot(leaf));
      if (chosen.contains(root)) leaves.push_back(leaf);
    }
    batches = value_of(table->GetRecordBatchReader(groups, leaves));
  }

  std::shared_ptr<arrow::RecordBatch> next_batch() {
    std::shared_ptr<arrow::RecordBatch> read;
    if (form == explaind_parquet) {
      require(batches->ReadNext(&read));
    } else if (form == explaind_ipc_stream) {
      require(stream->ReadNext(&read));
    } else if (block < blocks->num_record_batches()) {
      read = value_of(blocks->ReadRecordBatch(block++));
    }
    if (read) require(read->ValidateFull());
    return read;
  }

  /// False after the last row.
  bool next() {
    if (!begun) begin();
    while (!batch || row + 1 >= batch->num_rows()) {
      batch = next_batch();
      row = -1;
      if (!batch) return false;
    }
    ++row;
    text = "{";
    int read = 0;  // of the batch's columns
    for (int i = 0; i < schema->num_fields(); ++i) {
      const arrow::Field& field = *schema->field(i);
      json value = true;
      if (chosen.contains(i)) {
        value = of_scalar(*value_of(batch->column(read++)->GetScalar(row)));
      } else if (field.type()->id() == arrow::Type::NA) {
        value = nullptr;
      }
      try {
        text += (i == 0 ? "" : ",") + json(field.name()).dump() + ":" + value.dump();
      } catch (const json::exception&) {
        throw std::runtime_error("the column '" + field.name() + "' is no UTF-8 in row " +
                                 std::to_string(rows + 1));
      }
    }
    text += "}";
    ++rows;
    return true;
  }

  int form;
  std::shared_ptr<arrow::io::ReadableFile> input;
  std::shared_ptr<arrow::Schema> schema;
  std::unique_ptr<parquet::arrow::FileReader> table;
  std::shared_ptr<arrow::RecordBatchReader> batches;
  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> stream;
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> blocks;
  std::set<int> chosen;  ///< columns that are read
  bool begun = false;
  int block = 0;
  std::shared_ptr<arrow::RecordBatch> batch;
  int64_t row = -1, rows = 0;  ///< of the batch; of all before it
  std::string text;
};

namespace {

ExplaindArrowFile* open_file(const char* path, int form) {
  try {
    return new ExplaindArrowFile(path, form);
  } catch (const std::exception& error) {
    last_error() = error.what();
    return nullptr;
  }
}

void close_file(ExplaindArrowFile* file) { delete file; }

size_t columns_of(const ExplaindArrowFile* file) {
  return static_cast<size_t>(file->schema->num_fields());
}

const char* column_of(const ExplaindArrowFile* file, size_t index) {
  return file->schema->field(static_cast<int>(index))->name().c_str();
}

const char* type_of(const ExplaindArrowFile* file, size_t index) {
  thread_local std::string words;
  words = file->schema->field(static_cast<int>(index))->type()->ToString();
  return words.c_str();
}

void select_columns(ExplaindArrowFile* file, const size_t* indices, size_t count) {
  file->chosen.clear();
  for (size_t i = 0; i < count; ++i) file->chosen.insert(static_cast<int>(indices[i]));
}

int next_row(ExplaindArrowFile* file, const char** text, size_t* length) {
  try {
    if (!file->next()) return 0;
    *text = file->text.data();
    *length = file->text.size();
    return 1;
  } catch (const std::exception& error) {
    last_error() = error.what();
    return -1;
  }
}

const char* error_text() { return last_error().c_str(); }

}  // namespace

std::string& explaind::arrow_plugin::last_error() {
  thread_local std::string text;
  return text;
}

extern "C" __attribute__((visibility("default"))) const ExplaindArrow* explaind_arrow_functions() {
  static const ExplaindArrow functions{.open = open_file,
                                       .close = close_file,
                                       .columns = columns_of,
                                       .column = column_of,
                                       .type = type_of,
                                       .select = select_columns,
                                       .next = next_row,
                                       .create = explaind::arrow_plugin::create_table,
                                       .append = explaind::arrow_plugin::append_rows,
                                       .finish = explaind::arrow_plugin::finish_table,
                                       .error = error_text};
  return &functions;
}
