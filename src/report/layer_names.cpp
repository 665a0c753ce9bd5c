#include "report/layer_names.hpp"

#include <algorithm>
#include <set>

namespace explaind {
namespace {

bool of_blocks(const std::string& kind) {
  return kind == "attention" || kind == "mlp" || kind == "convolution" || kind.empty();
}

}  // namespace

LayerNames::LayerNames(const std::vector<LayerPart>& parts) : parts_(parts) {
  std::set<int> all;
  for (const LayerPart& part : parts) all.insert(part.layer);
  layers_.assign(all.begin(), all.end());
  const bool transformer = std::any_of(parts.begin(), parts.end(), [](const LayerPart& part) {
    return part.kind == "attention" || part.kind == "mlp";
  });
  for (const int layer : layers_) {
    const std::vector<std::string> kinds = kinds_of(layer);
    const bool last = transformer && layers_.size() > 1 && layer == layers_.back();
    if (layer >= 0 && (!last || std::any_of(kinds.begin(), kinds.end(), of_blocks))) {
      blocks_.push_back(layer);
    }
  }
}

bool LayerNames::is_block(int layer) const {
  return std::binary_search(blocks_.begin(), blocks_.end(), layer);
}

std::vector<std::string> LayerNames::kinds_of(int layer) const {
  std::vector<std::string> kinds;
  for (const LayerPart& part : parts_) {
    if (part.layer == layer) kinds.push_back(part.kind);
  }
  return kinds;
}

std::string LayerNames::name(int layer) const {
  if (is_block(layer)) return "layer " + std::to_string(layer);
  std::string words;
  for (const std::string& kind : kinds_of(layer)) {
    if (kind.empty()) continue;
    words += (words.empty() ? "" : " and ") + (kind == "norm" ? "final norm" : kind);
  }
  if (!words.empty()) return words;
  return layer < 0 ? "before the blocks" : "layer " + std::to_string(layer);
}

std::string kind_name(const std::string& kind) {
  return kind == "mlp" ? "MLP" : kind.empty() ? "parts of several kinds" : kind;
}

}  // namespace explaind
