#include "checkpoint/layouts/nanotron_shards.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <regex>
#include <utility>

#include "core/elements.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

constexpr const char* copy_shards = "Copy all files of the checkpoint";

/// A slice of Python along each axis, "0,64,None|None,None,None"; the bounds, where there are some.
struct PythonSlices {
  std::vector<std::pair<std::optional<int64_t>, std::optional<int64_t>>> axes;
};

class ShardReader {
 public:
  ShardReader(const SafetensorsFile& file, std::string where)
      : metadata_(file.metadata()), where_(std::move(where)) {}

  [[nodiscard]] std::vector<int64_t> whole_shape() const {
    std::vector<int64_t> shape;
    std::string number;
    for (const char c : entry("unsharded_shape") + ",") {
      if (c >= '0' && c <= '9') number += c;
      if (c != ',' || number.empty()) continue;
      shape.push_back(parse(number));
      number.clear();
    }
    return shape;
  }
  /// The axis along which `slices` divide, and they.
  [[nodiscard]] size_t read(const TensorView& part, const std::vector<int64_t>& whole,
                            std::vector<NanotronShard::Slice>& slices) const {
    if (part.shape.size() != whole.size() || whole.empty())
      refuse("is of another rank than the whole");
    std::optional<size_t> axis;
    for (const std::string& pair : split(entry("local_global_slices_pairs"), ';')) {
      const std::vector<std::string> sides = split(pair, '#');
      if (sides.size() != 2) refuse("its slices are none");
      const PythonSlices local = slices_of(sides[0], part.shape),
                         global = slices_of(sides[1], whole);
      NanotronShard::Slice slice{0, 0, part.shape[axis.value_or(0)]};
      for (size_t i = 0; i < whole.size(); ++i) {
        const int64_t from = local.axes[i].first.value_or(0), to = global.axes[i].first.value_or(0);
        const int64_t count = local.axes[i].second.value_or(part.shape[i]) - from;
        if (count != global.axes[i].second.value_or(whole[i]) - to || count < 0 || from < 0 ||
            to < 0 || from + count > part.shape[i] || to + count > whole[i]) {
          refuse("its slices do not fit its shape");
        }
        if (count == whole[i]) continue;
        if (axis.value_or(i) != i) refuse("is divided along two axes");
        axis = i;
        slice = {from, to, count};
      }
      if (!axis) slice = {0, 0, whole[0]};
      slices.push_back(slice);
    }
    return axis.value_or(0);
  }
  [[noreturn]] void refuse(const std::string& problem) const {
    throw DataError(where_, problem, copy_shards);
  }

 private:
  [[nodiscard]] std::string entry(const std::string& key) const {
    const auto found = metadata_.find(key);
    if (found == metadata_.end())
      refuse("does not say which part of the tensor it is (" + key + ")");
    return found->second;
  }
  static std::vector<std::string> split(const std::string& text, char mark) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
      if (c == mark) {
        parts.emplace_back();
      } else {
        parts.back() += c;
      }
    }
    return parts;
  }
  [[nodiscard]] int64_t parse(const std::string& text) const {
    constexpr size_t longest = 15;
    if (text.empty() || text.size() > longest ||
        text.find_first_not_of("0123456789") != std::string::npos) {
      refuse("its slices are none");
    }
    return std::stoll(text);
  }
  [[nodiscard]] PythonSlices slices_of(const std::string& text,
                                       const std::vector<int64_t>& shape) const {
    PythonSlices slices;
    for (const std::string& each : split(text, '|')) {
      const std::vector<std::string> bounds = split(each, ',');
      if (bounds.size() != 3 || (bounds[2] != "None" && bounds[2] != "1")) {
        refuse("its slices are none");
      }
      const auto bound = [&](const std::string& word) {
        return word == "None" ? std::nullopt : std::optional(parse(word));
      };
      slices.axes.emplace_back(bound(bounds[0]), bound(bounds[1]));
    }
    if (slices.axes.size() != shape.size()) refuse("its slices are of another rank");
    return slices;
  }

  const std::map<std::string, std::string>& metadata_;
  std::string where_;
};

/// The parts must make up the whole, each row once.
void require_whole(const NanotronTensor& tensor, const std::string& name,
                   const std::string& where) {
  std::vector<std::pair<int64_t, int64_t>> rows;
  for (const NanotronShard& shard : tensor.shards) {
    for (const NanotronShard::Slice& each : shard.slices)
      rows.emplace_back(each.global, each.count);
  }
  std::sort(rows.begin(), rows.end());
  int64_t next = 0;
  for (const auto& [first, count] : rows) {
    if (first != next) {
      throw DataError(
          where,
          fmt::format("the parts of {} {} from row {} on", name,
                      first < next ? "overlap" : "leave something out", std::min(first, next)),
          copy_shards);
    }
    next += count;
  }
  if (next == tensor.shape[tensor.axis]) return;
  throw DataError(
      where,
      fmt::format("the parts of {} end at row {} of {}", name, next, tensor.shape[tensor.axis]),
      copy_shards);
}

}  // namespace

void NanotronTensor::add(Assembly& to, const std::string& name,
                         const std::vector<TensorView>& parts) const {
  std::vector<Piece> pieces;
  for (size_t r = 0; r < parts.size(); ++r) {
    if (!divided()) {
      pieces.push_back({.from = parts[r].data, .run = parts[r].bytes});
      break;
    }
    for (const NanotronShard::Slice& each : shards[r].slices) {
      size_t runs = 1, inner = dtype_size(parts[r].dtype);
      for (size_t i = 0; i < axis; ++i) runs *= static_cast<size_t>(shape[i]);
      for (size_t i = axis + 1; i < shape.size(); ++i) inner *= static_cast<size_t>(shape[i]);
      pieces.push_back({.from = parts[r].data + static_cast<size_t>(each.local) * inner,
                        .run = static_cast<size_t>(each.count) * inner,
                        .to = static_cast<size_t>(each.global) * inner,
                        .runs = runs,
                        .from_step = static_cast<size_t>(shards[r].data.shape[axis]) * inner,
                        .to_step = static_cast<size_t>(shape[axis]) * inner});
    }
  }
  to.add(name, parts[0].dtype, shape, std::move(pieces));
}

std::map<std::string, NanotronTensor> read_nanotron_shards(const fs::path& folder) {
  static const std::regex ranks(
      R"((.*)_pp-rank-(\d{1,9})-of-(\d{1,9})_tp-rank-(\d{1,9})-of-([1-9]\d{0,8})(_exp-rank-.*)?)");
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder / "model")) {
    if (entry.path().extension() == ".safetensors") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::map<std::string, NanotronTensor> tensors;
  std::map<std::string, std::map<int64_t, fs::path>> parts;  // of divided ones, by rank
  std::map<std::string, int64_t> of;
  for (const fs::path& path : paths) {
    std::string stem = path.stem().string(), name;
    std::smatch match;
    const bool divided = std::regex_match(stem, match, ranks);
    if (divided && match[6].matched && match[6].str() != "_exp-rank-0-of-1") {
      throw DataError(path.string(), "is a part of an expert", "Mixtures of experts are not read");
    }
    if (divided) stem = match[1];
    constexpr std::string_view begin = "model_";
    if (!stem.starts_with(begin)) throw DataError(path.string(), "is no file of nanotron's", "");
    for (const fs::path& part : path.parent_path().lexically_relative(folder / "model")) {
      name += part.string() + ".";
    }
    name += stem.substr(begin.size());
    const int64_t rank = divided ? std::stoll(match[4]) : 0;
    const int64_t count = divided ? std::stoll(match[5]) : 1;
    if (!parts[name].emplace(rank, path).second || of.emplace(name, count).first->second != count) {
      throw DataError(folder.string(), "has parts of " + name + " of two kinds of division",
                      "Move those of another checkpoint away");
    }
  }
  for (const auto& [name, files] : parts) {
    NanotronTensor tensor;
    for (int64_t rank = 0; rank < of[name]; ++rank) {
      const auto found = files.find(rank);
      if (found == files.end()) {
        std::string missing = files.begin()->second.filename().string();
        const std::string word = fmt::format("tp-rank-{}-of", files.begin()->first);
        missing.replace(missing.find(word), word.size(), fmt::format("tp-rank-{}-of", rank));
        throw DataError(files.begin()->second.parent_path().string(), "has no " + missing,
                        copy_shards);
      }
      const auto file = std::make_shared<const SafetensorsFile>(found->second);
      const ShardReader reader(*file, found->second.string());
      NanotronShard shard{.file = file, .data = {}, .slices = {}};
      for (const TensorView& each : file->tensors()) {
        if (each.name == "data") shard.data = each;
      }
      if (shard.data.data == nullptr) reader.refuse("holds no tensor \"data\"");
      shard.data.name = name;
      const bool divided =
          files.begin()->second.stem().string().find("_tp-rank-") != std::string::npos;
      const std::vector<int64_t> whole = divided ? reader.whole_shape() : shard.data.shape;
      if (rank == 0) tensor.shape = whole;
      if (whole != tensor.shape)
        reader.refuse("is of a tensor of another shape than its other parts");
      if (divided) {
        const size_t axis = reader.read(shard.data, whole, shard.slices);
        if (rank == 0) tensor.axis = axis;
        if (axis != tensor.axis)
          reader.refuse("is divided along another axis than its other parts");
      }
      tensor.shards.push_back(std::move(shard));
    }
    if (tensor.divided()) require_whole(tensor, name, folder.string());
    tensors.emplace(name, std::move(tensor));
  }
  if (tensors.empty()) throw DataError(folder.string(), "holds no weights in model/", copy_shards);
  return tensors;
}

}  // namespace explaind
