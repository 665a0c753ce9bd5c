#pragma once
// Layers as people name them: blocks by number, what stands before and after them by what it is.

#include <string>
#include <vector>

namespace explaind {

/// A kind of parameters in a layer, as scores are summed.
struct LayerPart {
  int layer = 0;
  std::string kind;
};

class LayerNames {
 public:
  explicit LayerNames(const std::vector<LayerPart>& parts);

  /// Ascending.
  [[nodiscard]] const std::vector<int>& layers() const { return layers_; }
  /// Those that are blocks, ascending.
  [[nodiscard]] const std::vector<int>& blocks() const { return blocks_; }
  [[nodiscard]] bool is_block(int layer) const;
  /// "layer 3", "embedding", "final norm and unembedding".
  [[nodiscard]] std::string name(int layer) const;

 private:
  [[nodiscard]] std::vector<std::string> kinds_of(int layer) const;

  std::vector<LayerPart> parts_;
  std::vector<int> layers_, blocks_;
};

/// A kind as it is written in a sentence.
std::string kind_name(const std::string& kind);

}  // namespace explaind
