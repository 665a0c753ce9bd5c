#pragma once
// The pieces of a model and their ids.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace explaind {

class PieceTable {
 public:
  void reserve(size_t pieces) { ids_.reserve(pieces); }
  /// A piece that is given again gets the new id.
  void set(std::string piece, int64_t id) { ids_.insert_or_assign(std::move(piece), id); }
  [[nodiscard]] std::optional<int64_t> find(std::string_view piece) const {
    const auto found = ids_.find(piece);
    if (found == ids_.end()) return std::nullopt;
    return found->second;
  }
  [[nodiscard]] size_t size() const { return ids_.size(); }
  [[nodiscard]] auto begin() const { return ids_.begin(); }
  [[nodiscard]] auto end() const { return ids_.end(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, int64_t, Hash, std::equal_to<>> ids_;
};

}  // namespace explaind
