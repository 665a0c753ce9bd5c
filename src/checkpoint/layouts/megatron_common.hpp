#pragma once
// `common.pt` of Megatron Core: what is not divided among ranks.

#include <filesystem>
#include <memory>
#include <optional>

#include "checkpoint/layouts/dcp_optimizer.hpp"
#include "checkpoint/layouts/tensor_plan.hpp"
#include "checkpoint/torch_file.hpp"
#include "checkpoint/weight_file.hpp"
#include "families/decoder_config.hpp"

namespace explaind {

class MegatronCommon {
 public:
  /// Null where the folder has none. Objects of Megatron's classes are read as data. Throws
  /// DataError where the file holds anything else.
  static std::shared_ptr<const MegatronCommon> open(const std::filesystem::path& folder);

  explicit MegatronCommon(const std::filesystem::path& path);

  /// Throws DataError where the training's arguments contradict the model's config.json, or ask for
  /// what a Hugging Face model does not do (interleaved rotary embedding).
  void require_model(const DecoderConfig& model) const;
  /// The groups of parameters. They are told by their shapes: Megatron does not say which
  /// parameters a group has, and lets weights of one dimension and biases not decay. shapes: of all
  /// parameters with a state. Throws DataError: groups that this does not tell apart, a
  /// hyper-parameter that is missing, buckets instead of parameters.
  [[nodiscard]] DcpGroups groups(const SavedShapes& shapes) const;
  /// Updates so far, of all parameters.
  [[nodiscard]] int64_t updates() const;

  [[nodiscard]] std::shared_ptr<const WeightFile> file() const { return file_; }

 private:
  [[nodiscard]] const PlainData& optimizer() const;
  [[noreturn]] void refuse(const std::string& problem, const std::string& remedy) const;

  std::shared_ptr<const TorchData> data_;
  std::shared_ptr<const WeightFile> file_;
};

}  // namespace explaind
