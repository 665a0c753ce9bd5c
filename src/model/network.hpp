#pragma once
// A network: named parameters and a chain of blocks, written against Ops.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/tensor_view.hpp"
#include "model/ops.hpp"
#include "scores/component.hpp"

namespace explaind {

/// Stateless apart from its shape: the weights live in the Ops.
///
/// Block 0 takes token ids (B T) and the last block returns logits (B T V); between blocks flows
/// one activation. Samples do not interact and a position sees only itself and earlier ones, so
/// right-padding changes nothing before it.
class Network {
 public:
  virtual ~Network() = default;

  /// Every parameter once (a tied matrix is one), in the order of the component axis.
  [[nodiscard]] virtual const std::vector<ParameterInfo>& parameters() const = 0;
  [[nodiscard]] virtual int64_t blocks() const = 0;
  [[nodiscard]] virtual at::Tensor block(int64_t index, const at::Tensor& input,
                                         Ops& ops) const = 0;
  /// Token ids must be below this.
  [[nodiscard]] virtual int64_t vocabulary() const = 0;
  /// Longest sample the position encoding was made for.
  [[nodiscard]] virtual int64_t max_positions() const = 0;
  /// True for a tensor that a checkpoint of this architecture may hold although the network does
  /// not use it (a tied matrix's second copy, rotary tables written by old versions).
  [[nodiscard]] virtual bool ignores(const std::string& tensor) const = 0;
};

/// All blocks in order: logits B T V.
at::Tensor forward(const Network& network, const at::Tensor& ids, Ops& ops);

/// Builds the network that a Hugging Face config.json describes; `where` names the file in
/// messages. Throws DataError for an architecture that is not supported (named).
std::unique_ptr<Network> build_network(const nlohmann::json& config, const std::string& where);

/// Throws DataError naming every missing, extra or mis-shaped tensor of `tensors` against the
/// network.
void require_parameters(const Network& network, const std::map<std::string, TensorView>& tensors,
                        const std::string& where);

}  // namespace explaind
