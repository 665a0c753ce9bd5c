#include "tables/table_file.hpp"

#include "core/error.hpp"
#include "tables/arrow_library.hpp"

namespace explaind {

TableFile::TableFile(const std::filesystem::path& path, Form form,
                     const std::vector<std::pair<std::string, TableColumn>>& columns,
                     const std::vector<std::pair<std::string, std::string>>& notes,
                     const std::filesystem::path& shown)
    : shown_(shown.string()),
      arrow_(&arrow_library(
          shown_, form == Form::parquet ? "is to be a file of Parquet" : "is to be a file of Arrow",
          "or ask for another format, as csv or netcdf")) {
  std::vector<ExplaindArrowField> fields;
  for (const auto& [name, column] : columns) {
    fields.push_back({name.c_str(), static_cast<int>(column.index())});
  }
  std::vector<ExplaindArrowNote> said;
  for (const auto& [name, text] : notes) said.push_back({name.c_str(), text.c_str()});
  table_ =
      arrow_->create(path.c_str(), form == Form::parquet ? explaind_parquet : explaind_ipc_file,
                     fields.data(), fields.size(), said.data(), said.size());
  if (table_ == nullptr) fail();
}

TableFile::~TableFile() {
  if (table_ != nullptr) arrow_->finish(table_, 0);
}

void TableFile::append(const std::vector<TableColumn>& columns) {
  std::vector<std::vector<const char*>> texts(columns.size());
  std::vector<ExplaindArrowValues> values;
  size_t rows = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    ExplaindArrowValues each{};
    if (const auto* list = std::get_if<std::vector<std::string>>(&columns[i])) {
      for (const std::string& text : *list) texts[i].push_back(text.c_str());
      each.texts = texts[i].data();
      rows = list->size();
    } else if (const auto* integers = std::get_if<std::vector<int64_t>>(&columns[i])) {
      each.integers = integers->data();
      rows = integers->size();
    } else {
      const auto& reals = std::get<std::vector<double>>(columns[i]);
      each.reals = reals.data();
      rows = reals.size();
    }
    values.push_back(each);
  }
  if (arrow_->append(table_, rows, values.data()) == 0) fail();
}

void TableFile::finish() {
  ExplaindArrowTable* table = table_;
  table_ = nullptr;
  if (arrow_->finish(table, 1) == 0) fail();
}

void TableFile::fail() const {
  throw DataError(shown_, std::string("cannot be written: ") + arrow_->error(),
                  "Check free space, quota and permissions of the file system");
}

}  // namespace explaind
