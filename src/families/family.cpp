#include "families/family.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/error.hpp"

namespace explaind {
namespace {

using Json = nlohmann::json;

template <typename Matches>
const Family* find_family(const Matches& matches) {
  const auto found = std::find_if(families().begin(), families().end(),
                                  [&](const Family* each) { return matches(*each); });
  return found == families().end() ? nullptr : *found;
}

bool names_one_of(const std::string& architecture, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return architecture.find(word) != std::string::npos;
  });
}

[[noreturn]] void refuse_architecture(const ConfigObject& config, const std::string& name) {
  std::vector<std::string> known;
  for (const Family* each : families()) known.emplace_back(each->architecture);
  std::string kind;
  if (names_one_of(name, {"Moe", "MoE", "moe", "Mixtral", "mixtral", "Olmoe", "Dbrx", "DeepseekV",
                          "Arctic", "Jamba", "GptOss", "gpt_oss"})) {
    kind = ", a mixture of experts,";
  } else if (names_one_of(name,
                          {"Mamba", "mamba", "Rwkv", "rwkv", "xLSTM", "xlstm", "RecurrentGemma",
                           "recurrent_gemma", "RetNet", "Hyena", "Bamba", "FalconH1", "Zamba"})) {
    kind = ", a recurrent or state-space network,";
  }
  config.refuse(fmt::format("the architecture \"{}\"{} is not supported", name, kind),
                fmt::format("Supported are: {}", fmt::join(known, ", ")));
}

/// Empty where config.json names none.
std::string listed_architecture(const ConfigObject& config) {
  const Json* list = config.find("architectures");
  if (list == nullptr) return "";
  if (!list->is_array() || list->size() != 1 || !list->front().is_string()) {
    config.refuse("architectures must be a list of one name");
  }
  return list->front().get<std::string>();
}

}  // namespace

const std::vector<const Family*>& families() {
  static const std::vector<const Family*> all{
      &llama(),   &gpt_neox(), &olmo(),    &olmo2(),  &olmo3(),  &qwen2(), &qwen3(),
      &smollm3(), &mistral(),  &apertus(), &gemma2(), &gemma3(), &gpt2()};
  return all;
}

const Family& family_named(const std::string& model_type) {
  const Family* found =
      find_family([&](const Family& each) { return model_type == each.model_type; });
  if (found != nullptr) return *found;
  std::vector<std::string> known;
  for (const Family* each : families()) known.emplace_back(each->model_type);
  throw UsageError("--family", "'" + model_type + "' is not known",
                   fmt::format("Known: {}", fmt::join(known, ", ")));
}

const Family& family_of(const ConfigObject& config) {
  const std::string name = listed_architecture(config);
  const std::string type = config.text("model_type", "");
  if (name.empty()) {
    if (type.empty()) config.refuse("the key architectures is missing");
    const Family* found = find_family([&](const Family& each) { return type == each.model_type; });
    if (found == nullptr) refuse_architecture(config, type);
    return *found;
  }
  const Family* found = find_family([&](const Family& each) { return name == each.architecture; });
  if (found == nullptr) refuse_architecture(config, name);
  if (!type.empty() && type != found->model_type) {
    config.refuse(fmt::format("architectures says {} and model_type \"{}\"", name, type),
                  fmt::format("transformers goes by model_type: make it \"{}\" where that is right",
                              found->model_type));
  }
  return *found;
}

}  // namespace explaind
