// One coordinate of a block's output at one position; of a classifier one of a layer's output, or
// every one.

#include <utility>

#include "samples/functionals/functionals.hpp"

namespace explaind {
namespace {

/// Of a language model.
class BlockActivation final : public FunctionalDefinition {
 public:
  BlockActivation(int64_t block, int64_t position, int64_t coordinate)
      : block_(block), position_(position), coordinate_(coordinate) {}
  [[nodiscard]] Reading reading() const override { return Reading::activation; }
  [[nodiscard]] std::string unit() const override { return "1"; }
  [[nodiscard]] std::optional<int64_t> position() const override { return position_; }
  [[nodiscard]] std::vector<FunctionalTerm> terms() const override {
    return {{.index = coordinate_, .factor = 1}};
  }
  [[nodiscard]] std::optional<int64_t> block() const override { return block_; }
  void require_of_language_model(int64_t /*vocabulary*/, int64_t blocks,
                                 int64_t width) const override {
    require_below(block_, blocks, "block");
    require_below(coordinate_, width, "coordinate");
  }
  void require_of_classifier(int64_t /*classes*/) const override { refuse_on_classifiers(); }

 private:
  int64_t block_, position_, coordinate_;
};

/// Of a classifier; without a coordinate each of them is an output.
class LayerActivation final : public FunctionalDefinition {
 public:
  LayerActivation(std::string layer, std::optional<int64_t> coordinate)
      : layer_(std::move(layer)), coordinate_(coordinate) {}
  [[nodiscard]] Reading reading() const override { return Reading::activation; }
  [[nodiscard]] std::string unit() const override { return "1"; }
  [[nodiscard]] std::vector<FunctionalTerm> terms() const override {
    if (!coordinate_) return {};
    return {{.index = *coordinate_, .factor = 1}};
  }
  [[nodiscard]] bool every_output() const override { return !coordinate_; }
  [[nodiscard]] std::string layer() const override { return layer_; }
  void require_of_language_model(int64_t /*vocabulary*/, int64_t /*blocks*/,
                                 int64_t /*width*/) const override {
    refuse_on_language_models();
  }
  void require_of_classifier(int64_t classes) const override {
    if (coordinate_) require_below(*coordinate_, classes, "coordinate");
  }

 private:
  std::string layer_;
  std::optional<int64_t> coordinate_;
};

}  // namespace

Functional read_activation(const FunctionalWords& words) {
  const size_t given = words.after.size();
  if ((given == 1 || given == 2) && !words.after[0].empty()) {
    std::optional<int64_t> coordinate;
    if (given == 2) coordinate = words.number(1);
    return Functional(std::make_shared<LayerActivation>(words.after[0], coordinate));
  }
  if (given != 3) words.refuse();
  const int64_t block = words.number(0), position = words.number(1);
  return Functional(std::make_shared<BlockActivation>(block, position, words.number(2)));
}

}  // namespace explaind
