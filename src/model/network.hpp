#pragma once
// A language model: named parameters and a chain of blocks, written against Ops.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/tensor_view.hpp"
#include "model/model.hpp"

namespace explaind {

/// Block 0 takes token ids (B T), between blocks flows one activation, and the last block returns
/// the final hidden states x (B T C). Logits are x Uᵀ with U, the unembedding, V C: no block, since
/// it is dealt with in slices of the vocabulary. A position sees only itself and earlier ones, so
/// right-padding changes nothing before it.
class Network : public Model {
 public:
  /// All blocks in order and the unembedding, whole. ids: B T. Returns B T V.
  [[nodiscard]] at::Tensor forward(const at::Tensor& input, Ops& ops) const final;
  /// Matrices from N(0, .02²), gains 1, biases 0.
  [[nodiscard]] InitialValue initial_value(ParameterId id) const override;

  [[nodiscard]] virtual int64_t blocks() const = 0;
  [[nodiscard]] virtual at::Tensor block(int64_t index, const at::Tensor& input,
                                         Ops& ops) const = 0;
  /// The parameters that a block uses whole; a matrix of which it looks up rows is not among them.
  [[nodiscard]] virtual std::vector<ParameterId> block_parameters(int64_t index) const = 0;
  /// U; where it is tied also the embedding.
  [[nodiscard]] virtual ParameterId unembedding() const = 0;
  /// c: logits are c tanh(x Uᵀ / c); 0: x Uᵀ.
  [[nodiscard]] virtual double logit_cap() const { return 0; }
  /// Numbers that a block's operations keep for each pair of positions of a sequence, where they
  /// keep any: attention that is not fused, and masks.
  [[nodiscard]] virtual int64_t pair_outputs(int64_t /*block*/) const { return 0; }
  /// Token ids must be below this.
  [[nodiscard]] virtual int64_t vocabulary() const = 0;
  /// Longest sample the position encoding was made for.
  [[nodiscard]] virtual int64_t max_positions() const = 0;
  /// True where nothing is defined for longer ones.
  [[nodiscard]] virtual bool positions_end() const { return false; }
  /// True for a tensor that a checkpoint of this architecture may hold although the network does
  /// not use it (a tied matrix's second copy, rotary tables written by old versions).
  [[nodiscard]] virtual bool ignores(const std::string& tensor) const = 0;
  /// Numbers that a checkpoint holds beside the weights, by name, for programs that read them
  /// there.
  [[nodiscard]] virtual std::vector<std::pair<std::string, double>> constants() const { return {}; }
  /// In which way a tensor that it ignores says another network than this one: a sentence with a
  /// remedy's full stop left out; empty where it says the same. Reads the tensor.
  [[nodiscard]] virtual std::string contradiction(
      const TensorView& ignored, const std::map<std::string, TensorView>& tensors) const {
    static_cast<void>(ignored), static_cast<void>(tensors);
    return "";
  }
};

/// Builds the network that a Hugging Face config.json describes; `where` names the file in
/// messages. Throws DataError for an architecture that is not supported (named).
std::unique_ptr<Network> build_network(const nlohmann::json& config, const std::string& where);

/// Throws DataError where a tensor that the network ignores contradicts it: a stored unembedding
/// that is not the embedding to which it is tied, rotary frequencies other than the config's. Reads
/// those tensors.
void require_agreement(const Network& network, const std::map<std::string, TensorView>& tensors,
                       const std::string& where);

/// Throws DataError naming every missing, extra or mis-shaped tensor of `tensors` against the
/// network.
void require_parameters(const Network& network, const std::map<std::string, TensorView>& tensors,
                        const std::string& where);

}  // namespace explaind
