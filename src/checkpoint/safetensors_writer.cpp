#include "checkpoint/safetensors_writer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "checkpoint/new_file.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

std::vector<const TensorView*> file_order(std::span<const TensorView> tensors) {
  std::vector<const TensorView*> order;
  std::set<std::string> names{"__metadata__"};
  for (const TensorView& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      throw std::invalid_argument("tensor name given twice or reserved: " + tensor.name);
    }
    if (tensor.bytes != static_cast<size_t>(tensor.elements()) * dtype_size(tensor.dtype)) {
      throw std::invalid_argument("bytes are not shape × dtype: " + tensor.name);
    }
    order.push_back(&tensor);
  }
  std::stable_sort(order.begin(), order.end(), [](const TensorView* a, const TensorView* b) {
    return dtype_size(a->dtype) > dtype_size(b->dtype);
  });
  return order;
}

/// Length and JSON, padded with spaces to a multiple of 8 bytes.
std::string header_bytes(const std::vector<const TensorView*>& order,
                         const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t offset = 0;
  for (const TensorView* tensor : order) {
    header[tensor->name] = {{"dtype", to_string(tensor->dtype)},
                            {"shape", tensor->shape},
                            {"data_offsets", {offset, offset + tensor->bytes}}};
    offset += tensor->bytes;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  std::string length(8, '\0');
  for (size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(text.size() >> (8 * i) & 0xffU);
  return length + text;
}

}  // namespace

void write_safetensors(const fs::path& path, std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::vector<const TensorView*> order = file_order(tensors);
  const std::string header = header_bytes(order, metadata);
  NewFile file(path);
  file.write(std::as_bytes(std::span(header)));
  for (const TensorView* tensor : order) file.write({tensor->data, tensor->bytes});
  file.publish();
}

}  // namespace explaind
