#include "checkpoint/layouts/dcp_metadata.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "checkpoint/pickle_machine.hpp"
#include "checkpoint/tensor_view.hpp"
#include "core/elements.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

using pickled::Dict;
using pickled::Global;
using pickled::Machine;
using pickled::None;
using pickled::Record;
using pickled::Sequence;
using pickled::shown;
using pickled::Text;
using pickled::Value;

constexpr const char* save_dcp_again =
    "Save it again with torch.distributed.checkpoint.save of PyTorch 2.1 or later, or copy "
    "the file again";

/// What the pickle may name.
RecordTypes known_dcp_classes() {
  return {.names = {"torch.distributed.checkpoint.metadata.Metadata",
                    "torch.distributed.checkpoint.metadata.TensorStorageMetadata",
                    "torch.distributed.checkpoint.metadata.BytesStorageMetadata",
                    "torch.distributed.checkpoint.metadata.ChunkStorageMetadata",
                    "torch.distributed.checkpoint.metadata.TensorProperties",
                    "torch.distributed.checkpoint.metadata.MetadataIndex",
                    "torch.distributed.checkpoint.metadata.StorageMeta",
                    "torch.distributed.checkpoint.metadata._MEM_FORMAT_ENCODING",
                    "torch.distributed.checkpoint.filesystem._StorageInfo",
                    "olmo_core.distributed.checkpoint.filesystem._StorageInfo",
                    "torch.distributed._shard.sharded_tensor.metadata.TensorProperties",
                    "torch.distributed._shard.sharded_tensor.metadata.MEM_FORMAT_ENCODING",
                    "torch.Size",
                    "torch.serialization._get_layout",
                    "builtins.getattr",
                    "pathlib.PosixPath",
                    "pathlib._local.PosixPath",
                    "torch.float64",
                    "torch.float32",
                    "torch.float16",
                    "torch.bfloat16",
                    "torch.int64",
                    "torch.int32",
                    "torch.int16",
                    "torch.int8",
                    "torch.uint8",
                    "torch.bool"}};
}

std::optional<Dtype> dtype_named(std::string_view name) {
  static const std::map<std::string_view, Dtype> known{
      {"torch.float64", Dtype::f64},   {"torch.float32", Dtype::f32}, {"torch.float16", Dtype::f16},
      {"torch.bfloat16", Dtype::bf16}, {"torch.int64", Dtype::i64},   {"torch.int32", Dtype::i32},
      {"torch.int16", Dtype::i16},     {"torch.int8", Dtype::i8},     {"torch.uint8", Dtype::u8},
      {"torch.bool", Dtype::boolean}};
  const auto found = known.find(name);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

/// The class without its module.
std::string_view class_of(const Record& record) {
  return record.type.substr(record.type.rfind('.') + 1);
}

/// The machine's values as entries.
class DcpMetadataReader {
 public:
  explicit DcpMetadataReader(std::string where) : where_(std::move(where)) {}

  DcpMetadata read(const Value& root) {
    const Record& metadata = record(root, "Metadata");
    read_storage(dict(field(metadata, "storage_data"), "storage_data"));
    const Dict& states = dict(field(metadata, "state_dict_metadata"), "state_dict_metadata");
    read_paths(metadata.field("planner_data"));
    std::set<std::string_view> names;
    for (size_t i = 0; i + 1 < states.items->size(); i += 2) {
      const std::string_view name = text((*states.items)[i], "an entry's name");
      if (!names.insert(name).second)
        refuse(fmt::format("the entry {} is there twice", shown(name)));
      add(name, (*states.items)[i + 1]);
    }
    for (const auto& [file, number] : file_numbers_) result_.files.push_back(file);
    std::vector<size_t> place(file_numbers_.size());  // numbers were given in the pickle's order
    size_t next = 0;
    for (const auto& [file, number] : file_numbers_) place[number] = next++;
    for (DcpEntry& entry : result_.entries) {
      entry.object.file = place.empty() ? 0 : place[entry.object.file];
      for (DcpChunk& chunk : entry.chunks) chunk.slice.file = place[chunk.slice.file];
    }
    return std::move(result_);
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw DataError(where_, problem, save_dcp_again);
  }
  const Record& record(const Value& value, std::string_view type) const {
    const auto* held = std::get_if<Record*>(&value.held);
    if (held == nullptr || class_of(**held) != type) {
      refuse(fmt::format("holds no {} where there must be one", type));
    }
    return **held;
  }
  const Value& field(const Record& record, const char* name) const {
    const Value* found = record.field(name);
    if (found == nullptr) refuse(fmt::format("a {} has no {}", class_of(record), name));
    return *found;
  }
  const Dict& dict(const Value& value, const char* what) const {
    const Dict* held = std::get_if<Dict>(&value.held);
    if (held == nullptr) refuse(fmt::format("{} is no dict", what));
    return *held;
  }
  std::string_view text(const Value& value, const char* what) const {
    const Text* held = std::get_if<Text>(&value.held);
    if (held == nullptr) refuse(fmt::format("{} is no text", what));
    return held->text;
  }
  int64_t whole(const Value& value, const char* what) const {
    const int64_t* held = std::get_if<int64_t>(&value.held);
    if (held == nullptr || *held < 0) {
      refuse(fmt::format("{} is no whole number from 0 on", what));
    }
    return *held;
  }
  /// A torch.Size, or a tuple.
  std::vector<int64_t> sizes(const Value& value, const char* what) const {
    const Value* numbers = &value;
    if (const auto* held = std::get_if<Record*>(&value.held)) {
      if ((*held)->type != "torch.Size" || (*held)->arguments->size() != 1) {
        refuse(fmt::format("{} is no torch.Size", what));
      }
      numbers = &(*held)->arguments->front();
    }
    const auto* sequence = std::get_if<Sequence>(&numbers->held);
    constexpr size_t largest_rank = 16;
    if (sequence == nullptr || sequence->items->size() > largest_rank) {
      refuse(fmt::format("{} is no list of sizes", what));
    }
    std::vector<int64_t> values;
    for (const Value& each : *sequence->items) values.push_back(whole(each, what));
    return values;
  }

  DcpSlice slice(const Value& value, std::string_view name) {
    const Record& info = record(value, "_StorageInfo");
    const Value* transforms = info.field("transform_descriptors");
    if (transforms != nullptr && !std::holds_alternative<None>(transforms->held)) {
      const auto* list = std::get_if<Sequence>(&transforms->held);
      const Text* first = list == nullptr || list->items->empty()
                              ? nullptr
                              : std::get_if<Text>(&list->items->front().held);
      if (list == nullptr || !list->items->empty()) {
        throw DataError(where_,
                        fmt::format("{} is stored through a transformation ({})", shown(name),
                                    first == nullptr ? "unnamed" : shown(first->text)),
                        "Save it without extensions (compression, encryption)");
      }
    }
    const std::string file(text(field(info, "relative_path"), "relative_path"));
    if (file.empty() || std::filesystem::path(file).filename() != file || file == "." ||
        file == "..") {
      refuse(fmt::format("\"{}\" is not the name of a file in the same folder", shown(file)));
    }
    const size_t number = file_numbers_.emplace(file, file_numbers_.size()).first->second;
    return {.file = number,
            .offset = static_cast<uint64_t>(whole(field(info, "offset"), "offset")),
            .length = static_cast<uint64_t>(whole(field(info, "length"), "length"))};
  }

  void read_storage(const Dict& storage) {
    for (size_t i = 0; i + 1 < storage.items->size(); i += 2) {
      const Record& index = record((*storage.items)[i], "MetadataIndex");
      const std::string_view name = text(field(index, "fqn"), "fqn");
      const Value* offset = index.field("offset");
      Place place{name, {}};
      if (offset != nullptr && !std::holds_alternative<None>(offset->held)) {
        place.second = sizes(*offset, "offset");
      }
      if (!storage_.emplace(std::move(place), slice((*storage.items)[i + 1], name)).second) {
        refuse(fmt::format("a part of {} is stored twice", shown(name)));
      }
    }
  }

  /// The nested state's keys, where the planner kept them.
  void read_paths(const Value* planner) {
    const Dict* paths = planner == nullptr ? nullptr : std::get_if<Dict>(&planner->held);
    if (paths == nullptr) return;
    for (size_t i = 0; i + 1 < paths->items->size(); i += 2) {
      const Text* name = std::get_if<Text>(&(*paths->items)[i].held);
      const auto* parts = std::get_if<Sequence>(&(*paths->items)[i + 1].held);
      if (name == nullptr || parts == nullptr) continue;
      constexpr size_t deepest = 32;
      if (parts->items->size() > deepest) refuse("an entry's path is too deep");
      std::vector<std::string>& path = paths_[name->text];
      path.clear();
      for (const Value& part : *parts->items) {
        if (const Text* key = std::get_if<Text>(&part.held)) {
          path.emplace_back(key->text);
        } else {
          path.push_back(std::to_string(whole(part, "a part of an entry's path")));
        }
      }
    }
  }

  Dtype dtype(const Record& tensor, std::string_view name) const {
    const auto* properties = std::get_if<Record*>(&field(tensor, "properties").held);
    const Value* type = nullptr;
    if (properties != nullptr) {  // a tuple, or a dict as before PyTorch 2.1
      type = (*properties)->field("dtype");
      const auto* state = std::get_if<Sequence>(&(*properties)->state.held);
      if (state != nullptr && !state->items->empty()) type = &state->items->front();
    }
    const Global* named = type == nullptr ? nullptr : std::get_if<Global>(&type->held);
    const std::optional<Dtype> found = named == nullptr ? std::nullopt : dtype_named(named->name);
    if (!found) refuse(fmt::format("{} has no type that is known", shown(name)));
    return *found;
  }

  void add(std::string_view name, const Value& value) {
    const auto* held = std::get_if<Record*>(&value.held);
    if (held == nullptr) refuse(fmt::format("{} is neither tensor nor object", shown(name)));
    DcpEntry& entry = result_.entries.emplace_back();
    entry.name = std::string(name);
    const auto path = paths_.find(name);
    if (path != paths_.end()) entry.path = path->second;
    if (class_of(**held) == "BytesStorageMetadata") {
      entry.object = place(name, {});
      return;
    }
    const Record& tensor = record(value, "TensorStorageMetadata");
    entry.tensor = true;
    entry.dtype = dtype(tensor, name);
    entry.shape = sizes(field(tensor, "size"), "size");
    int64_t elements = 1;
    for (const int64_t extent : entry.shape) {
      if (__builtin_mul_overflow(elements, extent, &elements) || elements > (int64_t{1} << 56)) {
        refuse(fmt::format("{} is larger than any file", shown(name)));
      }
    }
    const auto* chunks = std::get_if<Sequence>(&field(tensor, "chunks").held);
    if (chunks == nullptr) refuse(fmt::format("the chunks of {} are no list", shown(name)));
    for (const Value& each : *chunks->items) {
      const Record& chunk = record(each, "ChunkStorageMetadata");
      if (++chunks_ > storage_.size()) refuse("more parts are listed than are stored");
      DcpChunk& added = entry.chunks.emplace_back();
      added.offsets = sizes(field(chunk, "offsets"), "offsets");
      added.sizes = sizes(field(chunk, "sizes"), "sizes");
      added.slice = place(name, added.offsets);
      bool inside =
          added.offsets.size() == entry.shape.size() && added.sizes.size() == entry.shape.size();
      for (size_t axis = 0; inside && axis < entry.shape.size(); ++axis) {
        inside = added.sizes[axis] <= entry.shape[axis] &&
                 added.offsets[axis] <= entry.shape[axis] - added.sizes[axis];
      }
      if (!inside) {
        refuse(fmt::format("a part of {} at {} of size {} lies outside its shape {}", shown(name),
                           shape_to_string(added.offsets), shape_to_string(added.sizes),
                           shape_to_string(entry.shape)));
      }
    }
  }

  DcpSlice place(std::string_view name, const std::vector<int64_t>& offsets) const {
    auto found = storage_.find({name, offsets});
    if (found == storage_.end()) found = storage_.find({name, {}});
    if (found == storage_.end()) {
      refuse(fmt::format("{}{} is listed and stored nowhere", shown(name),
                         offsets.empty() ? "" : " at " + shape_to_string(offsets)));
    }
    return found->second;
  }

  using Place = std::pair<std::string_view, std::vector<int64_t>>;
  std::string where_;
  DcpMetadata result_;
  std::map<std::string, size_t> file_numbers_;
  std::map<Place, DcpSlice> storage_;
  std::map<std::string_view, std::vector<std::string>> paths_;
  size_t chunks_ = 0;
};

}  // namespace

DcpMetadata read_dcp_metadata(std::span<const std::byte> pickle, const std::string& where) {
  Machine machine(pickle, where, {.other = save_dcp_again, .wrapped = save_dcp_again},
                  known_dcp_classes());
  const Value root = machine.run();
  return DcpMetadataReader(where).read(root);
}

}  // namespace explaind
