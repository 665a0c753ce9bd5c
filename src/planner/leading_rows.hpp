#pragma once
// A network of which only the first rows of the unembedding count.

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <vector>

#include "model/network.hpp"

namespace explaind {

/// Everything is the other network's but the vocabulary, which is cut: what follows the blocks then
/// costs less, by as much. F means nothing here.
class LeadingRows final : public Network {
 public:
  /// network: must outlive this.
  LeadingRows(const Network& network, int64_t rows)
      : network_(network), rows_(std::min(rows, network.vocabulary())) {}

  [[nodiscard]] const std::vector<ParameterInfo>& parameters() const override {
    return network_.parameters();
  }
  [[nodiscard]] int64_t blocks() const override { return network_.blocks(); }
  [[nodiscard]] at::Tensor block(int64_t index, const at::Tensor& input, Ops& ops) const override {
    return network_.block(index, input, ops);
  }
  [[nodiscard]] std::vector<ParameterId> block_parameters(int64_t index) const override {
    return network_.block_parameters(index);
  }
  [[nodiscard]] ParameterId unembedding() const override { return network_.unembedding(); }
  [[nodiscard]] int64_t vocabulary() const override { return rows_; }
  [[nodiscard]] double logit_cap() const override { return network_.logit_cap(); }
  [[nodiscard]] int64_t max_positions() const override { return network_.max_positions(); }
  [[nodiscard]] bool positions_end() const override { return network_.positions_end(); }
  [[nodiscard]] bool ignores(const std::string& tensor) const override {
    return network_.ignores(tensor);
  }

 private:
  const Network& network_;
  int64_t rows_;
};

}  // namespace explaind
