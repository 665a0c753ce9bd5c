#include "checkpoint/layouts/deepspeed_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "checkpoint/step_name.hpp"
#include "core/elements.hpp"
#include "core/error.hpp"

namespace explaind {

DeepSpeedModel::DeepSpeedModel(const std::filesystem::path& path)
    : file_(open_training_file(path)) {
  const PlainData& root = file_->root();
  if (root.find("module") == nullptr || root.find("param_shapes") == nullptr) {
    refuse("holds no module and param_shapes, so it is none of DeepSpeed's");
  }
  if (const auto* groups = root.find("param_shapes")->as<PlainList>()) {
    for (const PlainData& each : groups->items) groups_.push_back(listed(each));
  } else if (root.find("param_shapes")->as<PlainDict>() != nullptr) {  // one group, before 0.4
    groups_.push_back(listed(*root.find("param_shapes")));
  }
  if (const PlainData* frozen = root.find("frozen_param_shapes")) {
    if (frozen->as<PlainDict>() != nullptr) frozen_ = listed(*frozen);
  }
  const PlainData* shared = root.find("shared_params");
  if (const auto* pairs = shared == nullptr ? nullptr : shared->as<PlainDict>()) {
    for (size_t i = 0; i < pairs->keys.size(); ++i) {
      const auto* second = pairs->keys[i].as<std::string_view>();
      const auto* first = pairs->values[i].as<std::string_view>();
      if (second != nullptr && first != nullptr) shared_.emplace(*second, *first);
    }
  }
  read_module(root.find("module"));
}

void DeepSpeedModel::refuse(const std::string& problem) const {
  throw DataError(file_->file().path().string(), problem, copy_all_files);
}

std::vector<ListedParameter> DeepSpeedModel::listed(const PlainData& names) const {
  std::vector<ListedParameter> all;
  const auto* dict = names.as<PlainDict>();
  if (dict == nullptr) refuse("lists its parameters in another way than by name");
  for (size_t i = 0; i < dict->keys.size(); ++i) {
    const auto* name = dict->keys[i].as<std::string_view>();
    const auto* shape = dict->values[i].as<PlainList>();
    if (name == nullptr || shape == nullptr) refuse("lists a parameter without name or shape");
    ListedParameter each{.name = std::string(*name), .shape = {}};
    int64_t held = 1;
    for (const PlainData& length : shape->items) {
      const auto* number = length.as<int64_t>();
      constexpr int64_t most = int64_t{1} << 48;  // numbers of one parameter
      if (number == nullptr || *number < 0 || *number > most ||
          *number > most / std::max<int64_t>(held, 1)) {
        refuse("the shape of " + each.name + " is none");
      }
      held *= *number;
      each.shape.push_back(*number);
    }
    all.push_back(std::move(each));
  }
  return all;
}

void DeepSpeedModel::read_module(const PlainData* module) {
  std::set<std::string_view> buffers;
  const PlainData* names = file_->root().find("buffer_names");
  if (const auto* list = names == nullptr ? nullptr : names->as<PlainList>()) {
    for (const PlainData& each : list->items) {
      if (const auto* name = each.as<std::string_view>()) buffers.insert(*name);
    }
  }
  const auto* dict = module->as<PlainDict>();
  if (dict == nullptr) return;  // of pipelines, whose layers have files of their own
  for (size_t i = 0; i < dict->keys.size(); ++i) {
    const auto* name = dict->keys[i].as<std::string_view>();
    const auto* tensor = dict->values[i].as<PickledTensor>();
    if (name == nullptr || tensor == nullptr || buffers.contains(*name) ||
        shared_.contains(std::string(*name))) {
      continue;
    }
    module_.push_back(file_->view(*tensor));
    module_.back().name = *name;
  }
}

TensorView DeepSpeedModel::frozen_part(const std::string& name) const {
  const PlainData* parts = file_->root().find("frozen_param_fragments");
  const PlainData* part = parts == nullptr ? nullptr : parts->find(name);
  const auto* tensor = part == nullptr ? nullptr : part->as<PickledTensor>();
  if (tensor == nullptr) refuse("has no part of the frozen parameter " + name);
  TensorView view = file_->view(*tensor);
  view.name = name;
  return view;
}

void add_frozen_parts(Assembly& to, const DeepSpeedModels& models, bool divided,
                      std::set<std::string>& known) {
  for (const ListedParameter& each : models[0]->frozen()) {
    if (!known.insert(each.name).second) continue;
    if (!divided) {
      to.add(models[0]->frozen_part(each.name));
      continue;
    }
    std::vector<Piece> pieces;
    int64_t at = 0;
    const int64_t count = elements(each.shape);
    Dtype dtype = Dtype::f32;
    for (const auto& model : models) {
      const TensorView part = model->frozen_part(each.name);
      dtype = part.dtype;
      const int64_t length = std::min(part.elements(), count - at);
      if (length <= 0) continue;
      pieces.push_back(piece_of(part, 0, length, at, model->file()->file().path().string()));
      at += length;
    }
    to.add(each.name, dtype, each.shape, std::move(pieces));
  }
  if (divided) return;  // the rest of the model's copy are empty tensors
  for (const TensorView& each : models[0]->module()) {
    if (is_floating(each.dtype) && known.insert(each.name).second) to.add(each);
  }
}

void require_deepspeed_adamw(const PlainData* config, const std::vector<AdamWGroup>& groups,
                             const std::string& where) {
  const PlainData* optimizer = config == nullptr ? nullptr : config->find("optimizer");
  const PlainData* type = optimizer == nullptr ? nullptr : optimizer->find("type");
  const auto* name = type == nullptr ? nullptr : type->as<std::string_view>();
  if (name == nullptr) return;  // the training program's own: its state says what it is
  const std::string small = small_letters(*name);
  if (small != "adam" && small != "adamw") {
    throw DataError(
        where,
        fmt::format("is the state of the optimizer {}; steps are decomposed of AdamW", *name),
        "Train with AdamW, or leave out --source steps: the change of weights alone "
        "needs no optimizer state");
  }
  const PlainData* parameters = optimizer->find("params");
  const PlainData* mode = parameters == nullptr ? nullptr : parameters->find("adam_w_mode");
  const bool* decoupled = mode == nullptr ? nullptr : mode->as<bool>();
  const bool decays = std::any_of(groups.begin(), groups.end(),
                                  [](const AdamWGroup& group) { return group.weight_decay != 0; });
  if (small == "adam" && decoupled != nullptr && !*decoupled && decays) {
    throw DataError(where,
                    "is the state of Adam whose weight decay enters the gradient (adam_w_mode is "
                    "false); steps are decomposed of AdamW",
                    "Train with AdamW, or leave out --source steps: the change of weights alone "
                    "needs no optimizer state");
  }
}

std::string clipping_note(const PlainData* optimizer_state) {
  const PlainData* clip = optimizer_state == nullptr ? nullptr : optimizer_state->find("clip_grad");
  if (clip == nullptr) return "";
  const auto* number = clip->as<double>();
  const auto* whole = clip->as<int64_t>();
  const double norm = number != nullptr  ? *number
                      : whole != nullptr ? static_cast<double>(*whole)
                                         : 0;
  return norm > 0 ? fmt::format(
                        "gradients were clipped to a norm of {} (for --source steps: --clip "
                        "{})",
                        norm, norm)
                  : "";
}

}  // namespace explaind
