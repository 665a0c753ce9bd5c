// Tables as Parquet and Arrow files, by Apache Arrow.

#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <exception>
#include <memory>
#include <vector>

#include "tables/plugin_parts.hpp"

using explaind::arrow_plugin::last_error;
using explaind::arrow_plugin::require;
using explaind::arrow_plugin::value_of;

namespace {

/// Arrow prints what fails when a file that was not closed is destroyed: so it is closed first.
/// What fails then has been said already, or the file is not wanted.
struct OpenFile {
  explicit OpenFile(const std::string& path)
      : stream(value_of(arrow::io::FileOutputStream::Open(path))) {}
  ~OpenFile() { static_cast<void>(stream->Close()); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  std::shared_ptr<arrow::io::FileOutputStream> stream;
};

}  // namespace

/// A file to which rows are added, a row group or record batch at a time.
struct ExplaindArrowTable {
  ExplaindArrowTable(const std::string& path, int form, std::shared_ptr<arrow::Schema> columns)
      : schema(std::move(columns)), file(path) {
    if (form == explaind_parquet) {
      parquet::WriterProperties::Builder properties;
      properties.compression(parquet::Compression::SNAPPY);
      // The schema's notes are read back by Arrow's readers alone if it is stored as Arrow has it.
      const auto arrow_properties =
          parquet::ArrowWriterProperties::Builder().store_schema()->build();
      table = value_of(parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(),
                                                        file.stream, properties.build(),
                                                        arrow_properties));
    } else {
      arrow::ipc::IpcWriteOptions options = arrow::ipc::IpcWriteOptions::Defaults();
      options.use_threads = false;
      messages = value_of(arrow::ipc::MakeFileWriter(file.stream, schema, options));
    }
  }

  void append(size_t rows, const ExplaindArrowValues* columns) const {
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (int i = 0; i < schema->num_fields(); ++i) {
      arrays.push_back(array_of(*schema->field(i)->type(), rows, columns[i]));
    }
    const auto batch =
        arrow::RecordBatch::Make(schema, static_cast<int64_t>(rows), std::move(arrays));
    if (messages) {
      require(messages->WriteRecordBatch(*batch));
    } else {
      require(table->WriteRecordBatch(*batch));
    }
  }

  static std::shared_ptr<arrow::Array> array_of(const arrow::DataType& type, size_t rows,
                                                const ExplaindArrowValues& values) {
    const auto count = static_cast<int64_t>(rows);
    std::shared_ptr<arrow::Array> array;
    if (type.id() == arrow::Type::STRING) {
      arrow::StringBuilder builder;
      for (size_t row = 0; row < rows; ++row) require(builder.Append(values.texts[row]));
      require(builder.Finish(&array));
    } else if (type.id() == arrow::Type::INT64) {
      arrow::Int64Builder builder;
      require(builder.AppendValues(values.integers, count));
      require(builder.Finish(&array));
    } else {
      arrow::DoubleBuilder builder;
      require(builder.AppendValues(values.reals, count));
      require(builder.Finish(&array));
    }
    return array;
  }

  void finish() const {
    if (messages) {
      require(messages->Close());
    } else {
      require(table->Close());
    }
    require(file.stream->Close());
  }

  std::shared_ptr<arrow::Schema> schema;
  OpenFile file;  // outlives the writers, which may write when they are destroyed
  std::unique_ptr<parquet::arrow::FileWriter> table;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> messages;
};

namespace explaind::arrow_plugin {

ExplaindArrowTable* create_table(const char* path, int form, const ExplaindArrowField* fields,
                                 size_t count, const ExplaindArrowNote* notes, size_t note_count) {
  try {
    std::vector<std::shared_ptr<arrow::Field>> columns;
    for (size_t i = 0; i < count; ++i) {
      const auto type = fields[i].type == explaind_text      ? arrow::utf8()
                        : fields[i].type == explaind_integer ? arrow::int64()
                                                             : arrow::float64();
      columns.push_back(arrow::field(fields[i].name, type, /*nullable=*/false));
    }
    std::vector<std::string> names, texts;
    for (size_t i = 0; i < note_count; ++i) {
      names.emplace_back(notes[i].name);
      texts.emplace_back(notes[i].text);
    }
    return new ExplaindArrowTable(path, form,
                                  arrow::schema(columns, arrow::key_value_metadata(names, texts)));
  } catch (const std::exception& error) {
    last_error() = error.what();
    return nullptr;
  }
}

int append_rows(ExplaindArrowTable* table, size_t rows, const ExplaindArrowValues* columns) {
  try {
    table->append(rows, columns);
    return 1;
  } catch (const std::exception& error) {
    last_error() = error.what();
    return 0;
  }
}

int finish_table(ExplaindArrowTable* table, int whole) {
  const std::unique_ptr<ExplaindArrowTable> owned(table);
  if (whole == 0) return 0;
  try {
    table->finish();
    return 1;
  } catch (const std::exception& error) {
    last_error() = error.what();
    return 0;
  }
}

}  // namespace explaind::arrow_plugin
