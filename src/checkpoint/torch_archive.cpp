#include "checkpoint/torch_archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <set>

#include "checkpoint/plain_data.hpp"
#include "checkpoint/unpickler.hpp"
#include "checkpoint/zip_archive.hpp"
#include "core/error.hpp"
#include "core/file_kind.hpp"

namespace explaind {
namespace {

using Bytes = std::span<const std::byte>;

constexpr const char* copy_again = "Copy the file again, or save it again with PyTorch";

/// The name of an entry, without what a terminal would obey.
std::string shown_name(std::string_view name) {
  std::string text(name.substr(0, 100));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

TorchArchive parse_zip_archive(Bytes file, const std::string& where) {
  const ZipArchive zip = parse_zip(file, where);
  // Everything lies under one folder, whatever its name ("archive" or "pytorch_model").
  const std::string* pickle = nullptr;
  for (const auto& [name, bytes] : zip.entries) {
    if (name.ends_with("/data.pkl")) pickle = &name;
  }
  if (pickle == nullptr) {
    for (const auto& [name, bytes] : zip.entries) {
      if (name.ends_with(".npy")) {
        throw DataError(where,
                        "is an archive of NumPy (npz), as MLX and JAX programs write weights",
                        "Take the checkpoint in the form of transformers' save_pretrained");
      }
      if (name.ends_with(".safetensors") || name.ends_with(".bin") || name.ends_with(".pt")) {
        throw DataError(where, fmt::format("is a zip archive with {} in it", shown_name(name)),
                        "Unpack it in that folder");
      }
    }
    const bool script = zip.entries.contains("constants.pkl");
    throw DataError(where,
                    script ? "is a TorchScript program, not the weights of a model"
                           : "is a zip archive, but not of torch.save: it holds no data.pkl",
                    script ? "Save its state: torch.save(model.state_dict(), …)" : copy_again);
  }
  const std::string folder = pickle->substr(0, pickle->size() - std::strlen("data.pkl"));
  const auto order = zip.entries.find(folder + "byteorder");
  if (order != zip.entries.end() && (order->second.empty() || order->second[0] != std::byte{'l'})) {
    throw DataError(where, "was written by a machine of another byte order",
                    "Save it again here: " + resave_command(where));
  }
  TorchArchive archive{.pickle = zip.entries.at(*pickle), .storages = {}, .header = zip.directory};
  const std::string data = folder + "data/";
  for (const auto& [name, bytes] : zip.entries) {
    if (name.starts_with(data)) archive.storages.emplace(name.substr(data.size()), bytes);
  }
  return archive;
}

/// The number 0x1950a86a20f9469cfc6c, pickled: the beginning of a file of PyTorch before 1.6.
constexpr std::string_view old_mark = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8P\x19.";

/// Five pickles (mark, version, system, object, keys of the storages in order), then for each
/// storage the number of its elements in 64 bits and its bytes.
TorchArchive parse_old_archive(Bytes file, const std::string& where) {
  Bytes rest = file.subspan(old_mark.size());
  rest = first_pickle(rest, where).rest;  // the version, 1001
  const PickleExtent system = first_pickle(rest, where);
  const PlainData about = unpickle_plain_data(system.pickle, where);
  const PlainData* little = about.find("little_endian");
  if (little != nullptr && little->as<bool>() != nullptr && !*little->as<bool>()) {
    throw DataError(where, "was written by a machine of another byte order",
                    "Save it again here: " + resave_command(where));
  }
  const PickleExtent object = first_pickle(system.rest, where);
  const PickleExtent keys = first_pickle(object.rest, where);
  std::map<std::string_view, size_t> element_bytes;
  for (const PickledStorage& storage : object.storages) {
    element_bytes[storage.key] = dtype_size(storage.dtype);
  }
  TorchArchive archive{.pickle = object.pickle,
                       .storages = {},
                       .header = file.first(file.size() - keys.rest.size())};
  const PlainData list = unpickle_plain_data(keys.pickle, where);
  if (list.as<PlainList>() == nullptr) {
    throw DataError(where, "does not list its storages", copy_again);
  }
  rest = keys.rest;
  for (const PlainData& each : list.as<PlainList>()->items) {
    const auto* key = each.as<std::string_view>();
    const auto size = key == nullptr ? element_bytes.end() : element_bytes.find(*key);
    if (size == element_bytes.end()) {
      throw DataError(where, "lists a storage that no tensor uses", copy_again);
    }
    uint64_t elements = 0;
    if (rest.size() >= sizeof(elements)) std::memcpy(&elements, rest.data(), sizeof(elements));
    if (rest.size() < sizeof(elements) ||
        elements > (rest.size() - sizeof(elements)) / size->second) {
      throw DataError(where, fmt::format("is cut short within the storage {}", *key), copy_again);
    }
    const size_t bytes = static_cast<size_t>(elements) * size->second;
    archive.storages.emplace(*key, rest.subspan(sizeof(elements), bytes));
    rest = rest.subspan(sizeof(elements) + bytes);
  }
  return archive;
}

}  // namespace

bool is_zip(Bytes file) {
  return file.size() >= 2 && file[0] == std::byte{'P'} && file[1] == std::byte{'K'};
}

TorchArchive open_torch_archive(Bytes file, const std::string& where) {
  if (is_zip(file)) return parse_zip_archive(file, where);
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  refuse_foreign_content(text, where);
  if (text.starts_with(old_mark)) return parse_old_archive(file, where);
  if (text.empty()) throw DataError(where, "is empty", copy_again);
  if (old_mark.starts_with(text)) throw DataError(where, "is cut short", copy_again);
  throw DataError(
      where, "is not a file of torch.save",
      text.starts_with("\x80")
          ? "It is a pickle of Python: load it there, and save the state with torch.save"
          : copy_again);
}

}  // namespace explaind
