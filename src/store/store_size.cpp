#include "store/store_size.hpp"

#include <algorithm>
#include <string>
#include <variant>

namespace explaind {
namespace {

/// Configuration, identity and history of a run, beyond what lies in the front anyway.
constexpr uint64_t usual_provenance = uint64_t{8} << 10;

uint64_t bytes_of(const Variable& variable, const StoreSchema& schema) {
  uint64_t bytes = H5Tget_size(variable.type);
  for (const std::string& dim : variable.dims) bytes *= dimension_size(schema, dim);
  return bytes;
}

uint64_t bytes_of(const Labels& labels) {
  if (const auto* numbers = std::get_if<std::vector<int64_t>>(&labels.values)) {
    return numbers->size() * sizeof(int64_t);
  }
  uint64_t longest = 1, count = 0;
  for (const std::string& text : std::get<std::vector<std::string>>(labels.values)) {
    longest = std::max<uint64_t>(longest, text.size());
    ++count;
  }
  return longest * count;
}

/// What lies in front, and the bytes of what does not fit there.
struct FileSize {
  FrontRoom front;
  uint64_t behind = 0;
};

FileSize size_of(const StoreSchema& schema, const std::vector<Labels>& labels) {
  constexpr uint64_t of_file = 8192, of_object = 1536, of_list = 256;
  FileSize size;
  FrontRoom& room = size.front;
  const std::vector<Variable> variables = unit_filled_variables(schema);
  room.metadata = of_file + of_object * (variables.size() + labels.size());
  room.small_data = of_file;
  for (const auto& [name, text] : schema.provenance) {
    (is_attribute(name, text) ? room.metadata : room.small_data) += text.size();
    room.metadata += of_object;
  }
  for (const Labels& each : labels) room.small_data += bytes_of(each) + of_list;
  for (const Variable& each : variables) {
    const uint64_t bytes = bytes_of(each, schema);
    (bytes <= room.small_data ? room.small_data : size.behind) += bytes;
    room.small_data += of_list;
  }
  return size;
}

}  // namespace

std::vector<Variable> unit_filled_variables(const StoreSchema& schema) {
  std::vector<Variable> variables = unit_variables(schema);
  for (const auto& some :
       {certificate_variables(schema), score_variables(schema), dense_variables(schema)}) {
    variables.insert(variables.end(), some.begin(), some.end());
  }
  return variables;
}

FrontRoom front_room(const StoreSchema& schema, const std::vector<Labels>& labels) {
  return size_of(schema, labels).front;
}

uint64_t store_bytes(const StoreSchema& schema) {
  const FileSize size = size_of(schema, labels_of(schema));
  const uint64_t provenance = schema.provenance.empty() ? usual_provenance : 0;
  return size.front.metadata + size.front.small_data + size.behind + provenance +
         uint64_t{run_log_entries} * run_log_width;
}

}  // namespace explaind
