#include "checkpoint/safetensors_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "checkpoint/json_file.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

constexpr const char* damaged =
    "The file is damaged or was not written as safetensors: copy or save it again";

/// One entry of the header as it was written.
struct Entry {
  std::string name;
  std::string dtype;
  std::vector<uint64_t> shape, offsets;
  std::set<std::string> fields;
};

/// Builds the entries while the JSON is read. Nothing nests deeper than the format does (3), so a
/// hostile header costs neither stack nor memory, and repeated names are seen.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& where) : where_(where) {}

  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;

  bool null() override { return other("null"); }
  bool boolean(bool /*value*/) override { return other("a boolean"); }
  bool number_integer(number_integer_t value) override {
    return other(fmt::format("the number {}", value));
  }
  bool number_float(number_float_t /*value*/, const string_t& text) override {
    return other("the number " + text);
  }
  bool binary(binary_t& /*value*/) override { return other("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::array) return other(fmt::format("the number {}", value));
    (key_ == "shape" ? entries.back().shape : entries.back().offsets).push_back(value);
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata) {
      metadata[key_] = value;
    } else if (place_ == Place::entry && key_ == "dtype") {
      entries.back().dtype = value;
    } else {
      other("a string");
    }
    return true;
  }

  bool start_object(size_t /*size*/) override {
    if (place_ == Place::outside) {
      place_ = Place::header;
    } else if (place_ == Place::header && key_ == "__metadata__") {
      place_ = Place::metadata;
    } else if (place_ == Place::header) {
      place_ = Place::entry;
      entries.emplace_back();
      entries.back().name = key_;
    } else {
      other("an object");
    }
    return true;
  }

  bool key(string_t& value) override {
    key_ = value;
    if (place_ == Place::header) {
      if (!names_.insert(value).second) fail("the name \"" + value + "\" is given twice");
    } else if (place_ == Place::metadata) {
      if (metadata.contains(value)) fail("__metadata__ gives \"" + value + "\" twice");
      metadata.emplace(value, "");
    } else {
      if (value != "dtype" && value != "shape" && value != "data_offsets") {
        fail(tensor() + "unknown field \"" + value + "\"");
      }
      if (!entries.back().fields.insert(value).second) {
        fail(tensor() + "the field \"" + value + "\" is given twice");
      }
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::entry) {
      for (const char* field : {"dtype", "shape", "data_offsets"}) {
        if (!entries.back().fields.contains(field)) {
          fail(tensor() + "the field \"" + field + "\" is missing");
        }
      }
      if (entries.back().offsets.size() != 2) {
        fail(tensor() + "data_offsets must hold two numbers, not " +
             std::to_string(entries.back().offsets.size()));
      }
    }
    place_ = place_ == Place::header ? Place::outside : Place::header;
    return true;
  }

  bool start_array(size_t /*size*/) override {
    if (place_ != Place::entry || key_ == "dtype") return other("an array");
    place_ = Place::array;
    return true;
  }

  bool end_array() override {
    place_ = Place::entry;
    return true;
  }

  bool parse_error(size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::json::exception& error) override {
    fail("the header is not valid JSON: " + json_problem(error));
  }

 private:
  enum class Place { outside, header, metadata, entry, array };

  [[noreturn]] void fail(const std::string& problem) const {
    throw DataError(where_, problem, damaged);
  }

  [[nodiscard]] std::string tensor() const { return "tensor \"" + entries.back().name + "\": "; }

  /// A value of a type that does not belong where it stands.
  [[noreturn]] bool other(const std::string& found) const {
    switch (place_) {
      case Place::outside:
        fail("the header is not a JSON object but " + found);
      case Place::header:
        fail("the entry \"" + key_ + "\" is not an object but " + found);
      case Place::metadata:
        fail("__metadata__ must hold strings, but \"" + key_ + "\" is " + found);
      case Place::entry:
        fail(tensor() + key_ + (key_ == "dtype" ? " must be a string" : " must be an array") +
             ", not " + found);
      case Place::array:
        break;
    }
    fail(tensor() + key_ + " must hold integers from 0 to 2^63 − 1, not " + found);
  }

  const std::string& where_;
  Place place_ = Place::outside;
  std::string key_;
  std::set<std::string> names_;
};

[[noreturn]] void fail(const std::string& where, const Entry& entry, const std::string& problem) {
  throw DataError(where, "tensor \"" + entry.name + "\": " + problem, damaged);
}

/// Bytes of shape × dtype, checked for overflow.
uint64_t checked_bytes(const Entry& entry, Dtype dtype, const std::string& where) {
  constexpr auto limit = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  uint64_t product = 1;
  for (const uint64_t extent : entry.shape) {
    if (extent > limit) {
      fail(where, entry,
           fmt::format("shape must hold integers from 0 to 2^63 − 1, not the number {}", extent));
    }
    if (__builtin_mul_overflow(product, extent, &product) || product > limit) {
      fail(where, entry, "the product of its shape overflows");
    }
  }
  if (__builtin_mul_overflow(product, dtype_size(dtype), &product) || product > limit) {
    fail(where, entry, "the product of its shape overflows");
  }
  return product;
}

/// Checks one entry by itself; `data` holds all tensors' bytes.
TensorView view(const Entry& entry, std::span<const std::byte> data, const std::string& where) {
  const std::optional<Dtype> dtype = parse_dtype(entry.dtype);
  if (!dtype) {
    throw DataError(where,
                    "tensor \"" + entry.name + "\" has the unknown dtype \"" + entry.dtype +
                        "\"; F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL are read",
                    "Save the checkpoint in one of these");
  }
  const uint64_t bytes = checked_bytes(entry, *dtype, where);
  const uint64_t begin = entry.offsets[0], end = entry.offsets[1];
  if (end < begin)
    fail(where, entry, fmt::format("it ends ({}) before it begins ({})", end, begin));
  TensorView tensor;
  tensor.name = entry.name;
  tensor.dtype = *dtype;
  tensor.shape.assign(entry.shape.begin(), entry.shape.end());
  if (end - begin != bytes) {
    fail(where, entry,
         fmt::format("its offsets span {} bytes, but {} of shape {} takes {}", end - begin,
                     entry.dtype, shape_to_string(tensor.shape), bytes));
  }
  if (end > data.size()) {
    fail(where, entry,
         fmt::format("it ends at byte {} of the data, past the end of the file ({} bytes of data)",
                     end, data.size()));
  }
  tensor.data = data.data() + begin;
  tensor.bytes = bytes;
  return tensor;
}

/// The tensors' bytes must follow each other from the first byte of the data to the last.
void require_contiguous(const std::vector<TensorView>& sorted, std::span<const std::byte> data,
                        const std::string& where) {
  const auto offset = [&](const TensorView& tensor) {
    return static_cast<size_t>(tensor.data - data.data());
  };
  if (!sorted.empty() && offset(sorted.front()) != 0) {
    throw DataError(where,
                    fmt::format("the first tensor, \"{}\", begins at byte {}, not at 0",
                                sorted.front().name, offset(sorted.front())),
                    damaged);
  }
  size_t end = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    const size_t begin = offset(sorted[i]);
    if (begin != end) {
      const std::string pair =
          "the tensors \"" + sorted[i - 1].name + "\" and \"" + sorted[i].name + "\"";
      throw DataError(
          where,
          begin > end ? fmt::format("there is a gap between {} (bytes {} to {})", pair, end, begin)
                      : fmt::format("{} overlap (the first ends at {}, the second begins at {})",
                                    pair, end, begin),
          damaged);
    }
    end = begin + sorted[i].bytes;
  }
  if (end != data.size()) {
    throw DataError(where, fmt::format("{} trailing bytes belong to no tensor", data.size() - end),
                    damaged);
  }
}

/// The JSON text between the length and the data.
std::string_view header_text(std::span<const std::byte> file, const std::string& where) {
  if (file.size() < 8) {
    throw DataError(where, fmt::format("{} bytes are too few for a safetensors file", file.size()),
                    damaged);
  }
  uint64_t length = 0;
  for (size_t i = 0; i < 8; ++i) length |= static_cast<uint64_t>(file[i]) << (8 * i);
  if (length > max_safetensors_header) {
    throw DataError(
        where,
        fmt::format("a header of {} bytes is over the limit of {}", length, max_safetensors_header),
        damaged);
  }
  if (length > file.size() - 8) {
    throw DataError(where,
                    fmt::format("the file is cut short: {} bytes, but the header alone ends at {}",
                                file.size(), length + 8),
                    damaged);
  }
  return {reinterpret_cast<const char*>(file.data()) + 8, length};
}

}  // namespace

SafetensorsContents parse_safetensors(std::span<const std::byte> file, const std::string& where) {
  const std::string_view text = header_text(file, where);
  // The parser skips a byte order mark and takes a zero byte for the end; the format allows
  // neither.
  if (text.empty() || text.front() != '{') {
    throw DataError(where, "the header is not a JSON object: it does not begin with {", damaged);
  }
  if (text.find('\0') != std::string_view::npos) {
    throw DataError(where, "the header is not valid JSON: it holds a zero byte", damaged);
  }
  HeaderReader reader(where);
  nlohmann::json::sax_parse(text, &reader);

  SafetensorsContents contents;
  contents.header_bytes = 8 + text.size();
  contents.metadata = std::move(reader.metadata);
  const std::span<const std::byte> data = file.subspan(contents.header_bytes);
  for (const Entry& entry : reader.entries) contents.tensors.push_back(view(entry, data, where));
  std::sort(contents.tensors.begin(), contents.tensors.end(),
            [](const TensorView& a, const TensorView& b) {
              return std::pair(a.data, a.bytes) < std::pair(b.data, b.bytes);
            });
  require_contiguous(contents.tensors, data, where);
  return contents;
}

}  // namespace explaind
