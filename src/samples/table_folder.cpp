#include "samples/table_folder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <utility>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "samples/arrow/arrow_rows.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

constexpr const char* remedy_of_tables =
    "Name one file, or a folder that holds the files of one table and no others";

/// "train-00002-of-00012.parquet"
struct ShardName {
  std::string table;  ///< "train-…-of-00012.parquet"
  int64_t number = 0, count = 0;
};

std::optional<ShardName> shard_name(const std::string& name) {
  static const std::regex form(R"((.*?)(\d{1,9})-of-(\d{1,9})(.*))");
  std::smatch match;
  if (!std::regex_match(name, match, form)) return std::nullopt;
  return ShardName{.table = match[1].str() + "…-of-" + match[3].str() + match[4].str(),
                   .number = std::stoll(match[2]),
                   .count = std::stoll(match[3])};
}

/// "a, b and 4 more".
std::string first_of(const std::vector<std::string>& names) {
  constexpr size_t shown = 5;
  const std::vector<std::string> first(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(shown, names.size())));
  return fmt::format("{}{}", fmt::join(first, ", "),
                     names.size() > shown ? fmt::format(" and {} more", names.size() - shown) : "");
}

/// The name of shard `number`, as its neighbours are named.
std::string name_of_shard(const std::string& table, const std::string& like, int64_t number) {
  const size_t before = table.find("…");
  const size_t digits = like.find("-of-", before) - before;
  return fmt::format("{}{:0{}}{}", table.substr(0, before), number, digits,
                     table.substr(before + std::string("…").size()));
}

/// Names of shards must be all of one table, and all of it.
void require_whole(const fs::path& folder, const std::vector<fs::path>& files) {
  std::map<std::string, std::map<int64_t, std::string>> tables;  // table → number → name
  std::vector<std::string> others;
  int64_t count = 0;
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    const std::optional<ShardName> shard = shard_name(name);
    if (!shard) {
      others.push_back(name);
      continue;
    }
    count = shard->count;
    const auto [place, fresh] = tables[shard->table].emplace(shard->number, name);
    if (!fresh) {
      throw DataError(folder.string(),
                      fmt::format("holds {} and {}, which are one shard", place->second, name),
                      "Remove one of them");
    }
  }
  if (tables.empty()) return;
  const auto& [table, shards] = *tables.begin();
  if (tables.size() > 1 || !others.empty()) {
    const std::string& other =
        others.empty() ? std::next(tables.begin())->second.begin()->second : others.front();
    throw DataError(
        folder.string(),
        fmt::format("holds files of several tables: {} and {}", shards.begin()->second, other),
        remedy_of_tables);
  }
  // Numbers begin at 0; a few programs begin at 1.
  const int64_t first = !shards.contains(0) && shards.contains(count) ? 1 : 0;
  std::vector<std::string> missing;
  for (int64_t number = first; number < first + count; ++number) {
    if (!shards.contains(number)) {
      missing.push_back(name_of_shard(table, shards.begin()->second, number));
    }
  }
  if (!missing.empty()) {
    throw DataError(folder.string(),
                    fmt::format("holds {} of {} files of its table; missing: {}", shards.size(),
                                count, first_of(missing)),
                    "Download the rest, or name one of the files that are there");
  }
  if (static_cast<int64_t>(shards.size()) != count) {
    throw DataError(
        folder.string(),
        fmt::format("holds {}, and its table has {} files", shards.rbegin()->second, count),
        "Remove what is not part of it");
  }
}

const char* kind_words(ExplaindArrowForm form) {
  switch (form) {
    case explaind_parquet:
      return "a Parquet file";
    case explaind_ipc_file:
      return "an Arrow file";
    case explaind_ipc_stream:
      break;
  }
  return "an Arrow stream";
}

ExplaindArrowForm form_of(const fs::path& file) {
  const std::optional<ExplaindArrowForm> form = arrow_form_of(file);
  if (!form) {
    throw DataError(file.string(), "is no Parquet or Arrow file, whatever its name says",
                    "Download it again: it may be a pointer to the file (git lfs pull), or a page "
                    "with an error");
  }
  return *form;
}

/// What the columns of two files differ in; empty where it is nothing.
std::string difference(const std::vector<ArrowColumn>& here, const std::vector<ArrowColumn>& there,
                       const std::string& other) {
  const auto find = [](const std::vector<ArrowColumn>& columns, const std::string& name) {
    return std::find_if(columns.begin(), columns.end(),
                        [&](const ArrowColumn& each) { return each.name == name; });
  };
  for (const ArrowColumn& each : here) {
    const auto found = find(there, each.name);
    if (found == there.end()) {
      return fmt::format("has the column '{}', which {} has not", each.name, other);
    }
    if (each.type != found->type && each.type != "null" && found->type != "null") {
      return fmt::format("has the column '{}' as {}, and {} as {}", each.name, each.type, other,
                         found->type);
    }
  }
  for (const ArrowColumn& each : there) {
    if (find(here, each.name) == here.end()) {
      return fmt::format("has no column '{}', and {} has", each.name, other);
    }
  }
  return "";
}

class TableFolder final : public SampleRows {
 public:
  explicit TableFolder(const fs::path& folder)
      : folder_(folder.string()), files_(table_files(folder)), form_(form_of(files_.front())) {
    const std::vector<ArrowColumn> first = arrow_columns(files_.front(), form_);
    for (const fs::path& file : files_) {
      const ExplaindArrowForm form = form_of(file);
      if (form != form_) {
        throw DataError(file.string(),
                        fmt::format("is {}, and {} is {}", kind_words(form),
                                    files_.front().filename().string(), kind_words(form_)),
                        remedy_of_tables);
      }
      const std::string differs =
          difference(arrow_columns(file, form_), first, files_.front().filename().string());
      if (!differs.empty()) throw DataError(file.string(), differs, remedy_of_tables);
    }
    open();
  }

  std::optional<nlohmann::json> next() override {
    while (true) {
      std::optional<nlohmann::json> row = rows_->next();
      if (row) {
        ++number_;
        return row;
      }
      if (current_ + 1 == files_.size()) return std::nullopt;
      ++current_;
      open();
    }
  }
  [[nodiscard]] std::string where() const override { return rows_->where(); }
  [[nodiscard]] int64_t number() const override { return number_; }
  [[nodiscard]] std::string remedy_of_none() const override { return rows_->remedy_of_none(); }
  [[nodiscard]] PythonRows python() const override {
    const std::string quoted = nlohmann::json(folder_).dump();
    if (form_ == explaind_parquet) {
      return {.import = "pyarrow.parquet",
              .rows = "pyarrow.parquet.read_table(" + quoted + ").to_pylist()"};
    }
    return {.import = "glob, pyarrow.ipc",
            .rows = fmt::format("(row for file in sorted(glob.glob({} + \"/*.arrow\")) for row in "
                                "pyarrow.ipc.{}(file).read_all().to_pylist())",
                                quoted, form_ == explaind_ipc_file ? "open_file" : "open_stream")};
  }

 private:
  void open() { rows_ = open_arrow_rows(files_[current_], form_); }

  std::string folder_;
  std::vector<fs::path> files_;
  ExplaindArrowForm form_;
  size_t current_ = 0;
  std::unique_ptr<SampleRows> rows_;
  int64_t number_ = 0;
};

}  // namespace

std::vector<fs::path> table_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::vector<std::string> lines, folders;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const std::string extension = entry.path().extension().string();
    if (name.starts_with(".")) continue;
    if (entry.is_directory()) {
      folders.push_back(name);
    } else if (extension == ".parquet" || extension == ".arrow") {
      files.push_back(entry.path());
    } else if (extension == ".jsonl") {
      lines.push_back(name);
    }
  }
  if (error) throw DataError(folder.string(), "cannot be read: " + error.message(), "Check it");
  std::sort(files.begin(), files.end());
  std::sort(lines.begin(), lines.end());
  std::sort(folders.begin(), folders.end());
  if (files.empty()) {
    const std::string what = !lines.empty() ? fmt::format("; {} is JSON Lines", lines.front())
                             : !folders.empty()
                                 ? fmt::format("; it holds the folders {}", first_of(folders))
                                 : "";
    throw DataError(folder.string(), "is a folder without *.parquet and *.arrow files" + what,
                    "Name a file of JSON Lines, or the folder right above the files of one table");
  }
  if (!lines.empty()) {
    throw DataError(folder.string(),
                    fmt::format("holds {} and {}, which are of different kinds",
                                files.front().filename().string(), lines.front()),
                    remedy_of_tables);
  }
  require_whole(folder, files);
  return files;
}

std::unique_ptr<SampleRows> open_table_folder(const fs::path& folder) {
  return std::make_unique<TableFolder>(folder);
}

}  // namespace explaind
