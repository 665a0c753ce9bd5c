// Zarr, version 2: a folder with a file a chunk.

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "app/formats/named_arrays.hpp"
#include "app/formats/writers.hpp"
#include "checkpoint/new_place.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

using nlohmann::ordered_json;

/// Numbers of a chunk, at most: 4 MB, which a reader over a network fetches in one request.
constexpr uint64_t chunk_numbers = uint64_t{1} << 19;
constexpr int zlib_level = 1;

/// The code points of UTF-8; what is none stands as U+FFFD.
std::u32string code_points(const std::string& text) {
  std::u32string points;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80    ? 1
                          : lead >= 0xF0 ? 4
                          : lead >= 0xE0 ? 3
                          : lead >= 0xC0 ? 2
                                         : 0;
    bool whole = length > 0 && i + length <= text.size();
    uint32_t point = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (size_t k = 1; whole && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      whole = (next & 0xC0U) == 0x80;
      point = point << 6U | (next & 0x3FU);
    }
    points += whole ? static_cast<char32_t>(point) : U'\uFFFD';
    i += whole ? length : 1;
  }
  return points;
}

class ZarrWriter final : public ResultWriter {
 public:
  ZarrWriter(const ResultHead& head, const std::filesystem::path& output)
      : arrays_(named_arrays_of(head)), place_(output, NewPlace::Kind::folder) {
    for (const NamedArrays::Dimension& each : arrays_.dimensions) shape_.push_back(each.size);
    // As few of the first axes as make a chunk small enough, and all of the later ones.
    chunk_ = shape_;
    for (uint64_t& length : chunk_) {
      const uint64_t rest = numbers_of(chunk_) / std::max<uint64_t>(1, length);
      length = std::max<uint64_t>(1, std::min(length, chunk_numbers / std::max<uint64_t>(1, rest)));
    }
    document(".zgroup", {{"zarr_format", 2}});
    document(".zattrs", said(arrays_.attributes));
    for (const auto& each : arrays_.coordinates) add(each);
    for (const NamedArrays::Variable& each : arrays_.variables) {
      begin(each.name, "<f8", shape_, chunk_, "NaN");
      ordered_json attributes = said(each.attributes);
      attributes["_ARRAY_DIMENSIONS"] = ordered_json::array();
      for (const auto& dim : arrays_.dimensions) {
        attributes["_ARRAY_DIMENSIONS"].push_back(dim.name);
      }
      document(each.name + "/.zattrs", attributes);
    }
  }

  [[nodiscard]] size_t keys_at_once() const override { return chunk_.front(); }

  void write(const QueryResult& part) override {
    const uint64_t inner = arrays_.inner();
    const uint64_t length = inner == 0 ? 0 : part.values.size() / inner;
    for (const NamedArrays::Variable& each : arrays_.variables) {
      for (uint64_t at = 0; at < length; at += chunk_.front()) {
        std::vector<uint64_t> index(shape_.size(), 0);
        index[0] = (done_ + at) / chunk_.front();
        do {
          write_chunk(each.name, index, part.*each.values, at, length);
        } while (advance(index));
      }
    }
    done_ += length;
  }

  void finish() override {
    put(".zmetadata",
        ordered_json{{"metadata", documents_}, {"zarr_consolidated_format", 1}}.dump(1));
    place_.publish();
  }

 private:
  static uint64_t numbers_of(const std::vector<uint64_t>& lengths) {
    uint64_t count = 1;
    for (const uint64_t each : lengths) count *= each;
    return count;
  }
  static ordered_json said(const Attributes& attributes) {
    ordered_json json = ordered_json::object();
    for (const auto& [name, text] : attributes) json[name] = text;
    return json;
  }
  void document(const std::string& name, const ordered_json& content) {
    documents_[name] = content;
    put(name, content.dump(1));
  }

  /// Nobody looks at the folder yet: all of it is synced at once, at the end.
  void put(const std::string& name, const std::string& bytes) const {
    errno = 0;
    std::ofstream file(place_.unfinished() / name, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (file) return;
    throw DataError(place_.path().string(),
                    "cannot be written: " + std::generic_category().message(errno),
                    "Check space and permissions, or name another folder");
  }

  void begin(const std::string& name, const std::string& type, const std::vector<uint64_t>& shape,
             const std::vector<uint64_t>& chunk, const ordered_json& fill) {
    std::filesystem::create_directory(place_.unfinished() / name);
    document(name + "/.zarray", {{"zarr_format", 2},
                                 {"shape", shape},
                                 {"chunks", chunk},
                                 {"dtype", type},
                                 {"compressor", {{"id", "zlib"}, {"level", zlib_level}}},
                                 {"fill_value", fill},
                                 {"order", "C"},
                                 {"filters", nullptr}});
  }

  void write_bytes(const std::string& file, const void* data, size_t bytes) const {
    uLongf size = compressBound(static_cast<uLong>(bytes));
    std::string packed(size, '\0');
    if (compress2(reinterpret_cast<Bytef*>(packed.data()), &size, static_cast<const Bytef*>(data),
                  static_cast<uLong>(bytes), zlib_level) != Z_OK) {
      throw Error(place_.path().string(), "cannot be compressed", "This is a defect: report it");
    }
    packed.resize(size);
    put(file, packed);
  }

  /// A coordinate is one chunk: a reader needs all of it.
  void add(const NamedArrays::Coordinate& coordinate) {
    const NamedArrays::Dimension& dim = arrays_.dimensions[coordinate.dimension];
    const std::vector<uint64_t> shape{dim.size}, chunk{std::max<uint64_t>(1, dim.size)};
    const std::string first = coordinate.name + "/0";
    if (const auto* numbers = std::get_if<std::vector<int64_t>>(&coordinate.values)) {
      begin(coordinate.name, "<i8", shape, chunk, nullptr);
      write_bytes(first, numbers->data(), numbers->size() * sizeof(int64_t));
    } else {
      const auto& texts = std::get<std::vector<std::string>>(coordinate.values);
      std::vector<std::u32string> points;
      size_t width = 1;
      for (const std::string& text : texts) {
        points.push_back(code_points(text));
        width = std::max(width, points.back().size());
      }
      std::vector<char32_t> characters(texts.size() * width, U'\0');
      for (size_t i = 0; i < points.size(); ++i) {
        points[i].copy(&characters[i * width], points[i].size());
      }
      begin(coordinate.name, "<U" + std::to_string(width), shape, chunk, nullptr);
      write_bytes(first, characters.data(), characters.size() * sizeof(char32_t));
    }
    document(coordinate.name + "/.zattrs", {{"_ARRAY_DIMENSIONS", {dim.name}}});
  }

  /// The next chunk with the same first index; false after the last.
  bool advance(std::vector<uint64_t>& index) const {
    for (size_t d = index.size(); d-- > 1;) {
      if (++index[d] * chunk_[d] < shape_[d]) return true;
      index[d] = 0;
    }
    return false;
  }

  /// at: where the chunk begins in the part, along the first axis, of which the part has `length`.
  void write_chunk(const std::string& name, const std::vector<uint64_t>& index,
                   const std::vector<double>& values, uint64_t at, uint64_t length) const {
    std::vector<double> chunk(numbers_of(chunk_), std::numeric_limits<double>::quiet_NaN());
    copy(values, index, chunk, 0, at, 0, at, length);
    std::string file = name + "/";
    for (size_t d = 0; d < index.size(); ++d) {
      if (d > 0) file += '.';
      file += std::to_string(index[d]);
    }
    write_bytes(file, chunk.data(), chunk.size() * sizeof(double));
  }

  /// Copies along axis d and those after it; from, to: places of what is before.
  void copy(const std::vector<double>& values, const std::vector<uint64_t>& index,
            std::vector<double>& chunk, size_t d, uint64_t from, uint64_t to, uint64_t begin,
            uint64_t end) const {
    const bool last = d + 1 == shape_.size();
    const uint64_t count = std::min(chunk_[d], end - begin);
    if (last) {
      std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(from), count,
                  chunk.begin() + static_cast<std::ptrdiff_t>(to));
      return;
    }
    const uint64_t next = index[d + 1] * chunk_[d + 1];
    for (uint64_t i = 0; i < count; ++i) {
      copy(values, index, chunk, d + 1, (from + i) * shape_[d + 1] + next, (to + i) * chunk_[d + 1],
           next, shape_[d + 1]);
    }
  }

  NamedArrays arrays_;
  NewPlace place_;
  std::vector<uint64_t> shape_, chunk_;
  ordered_json documents_ = ordered_json::object();
  uint64_t done_ = 0;  ///< entries of the first dimension
};

}  // namespace

std::unique_ptr<ResultWriter> zarr_writer(const ResultHead& head,
                                          const std::filesystem::path& output) {
  return std::make_unique<ZarrWriter>(head, output);
}

}  // namespace explaind
