#include "model/registry.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "core/error.hpp"
#include "model/activation.hpp"
#include "model/cnn.hpp"
#include "model/grokking_transformer.hpp"
#include "model/network.hpp"
#include "model/resnet9.hpp"
#include "model/sequential.hpp"

namespace explaind {
namespace {

/// The sizes of a configuration, each at least 1.
class Sizes {
 public:
  Sizes(const nlohmann::json& config, std::string where)
      : config_(config), where_(std::move(where)) {}

  /// "relu" where the key is missing.
  [[nodiscard]] Activation activation() const {
    const auto found = config_.find("activation");
    if (found == config_.end()) return Activation::relu;
    if (found->is_string()) {
      if (const auto function = activation_named(found->get<std::string>())) return *function;
    }
    throw DataError(where_, "model.config.activation is " + found->dump(),
                    fmt::format("Known: {}", fmt::join(activation_names(), ", ")));
  }

  [[nodiscard]] int64_t operator()(const char* key) const {
    const auto found = config_.find(key);
    if (found == config_.end()) {
      throw DataError(where_, fmt::format("model.config has no \"{}\"", key), "Add it");
    }
    if (!found->is_number_integer() || found->get<int64_t>() < 1) {
      throw DataError(where_, fmt::format("model.config.{} is {}", key, found->dump()),
                      "A whole number of at least 1 is needed");
    }
    return found->get<int64_t>();
  }

 private:
  const nlohmann::json& config_;
  std::string where_;
};

std::unique_ptr<Model> grokking_transformer(const Sizes& size, const std::string& where) {
  const GrokkingTransformerConfig config{.vocabulary = size("vocabulary"),
                                         .width = size("width"),
                                         .heads = size("heads"),
                                         .inner = size("inner"),
                                         .positions = size("positions"),
                                         .activation = size.activation()};
  if (config.width % config.heads != 0) {
    throw DataError(where,
                    fmt::format("{} heads do not divide the width {}", config.heads, config.width));
  }
  return std::make_unique<GrokkingTransformer>(config);
}

std::unique_ptr<Model> cnn(const Sizes& size, const std::string& where) {
  const CnnConfig config{.channels = size("channels"),
                         .height = size("height"),
                         .width = size("width"),
                         .filters1 = size("filters1"),
                         .filters2 = size("filters2"),
                         .hidden = size("hidden"),
                         .classes = size("classes"),
                         .activation = size.activation()};
  if (config.height < 4 || config.width < 4) {
    throw DataError(where,
                    fmt::format("images of {} × {} are too small for the model cnn", config.height,
                                config.width),
                    "At least 4 × 4");
  }
  return std::make_unique<Cnn>(config);
}

}  // namespace

std::vector<std::string> model_names() {
  return {"llama", "grokking_transformer", "cnn", "resnet9", "sequential"};
}

std::unique_ptr<Model> build_model(const nlohmann::json& description, const std::string& where) {
  const auto name = description.find("name"), config = description.find("config");
  if (name == description.end() || !name->is_string()) {
    throw DataError(where, "the model has no name", "Add \"name\" to \"model\"");
  }
  if (config == description.end() || !config->is_object()) {
    throw DataError(where, "the model has no config", "Add \"config\" to \"model\"");
  }
  const auto word = name->get<std::string>();
  const Sizes size(*config, where);
  if (word == "llama") return build_network(*config, where);
  if (word == "grokking_transformer") return grokking_transformer(size, where);
  if (word == "sequential") return std::make_unique<Sequential>(*config, where);
  if (word == "cnn") return cnn(size, where);
  if (word == "resnet9") {
    return std::make_unique<Resnet9>(Resnet9Config{.channels = size("channels"),
                                                   .width = size("width"),
                                                   .classes = size("classes"),
                                                   .activation = size.activation()});
  }
  throw DataError(where, "model '" + word + "' is not known",
                  fmt::format("Known: {}", fmt::join(model_names(), ", ")));
}

}  // namespace explaind
