// OLMo's first training program, whole: model.pt, optim.pt, train.pt and config.yaml.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "checkpoint/layouts/assembled_state.hpp"
#include "checkpoint/layouts/layout.hpp"
#include "checkpoint/layouts/olmo_settings.hpp"
#include "checkpoint/layouts/plain_yaml.hpp"
#include "checkpoint/layouts/torch_moments.hpp"
#include "checkpoint/tensor_names.hpp"
#include "checkpoint/trainer_groups.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// Rows of a tensor of OLMo's, and the name that Hugging Face's model has for them.
struct OlmoPart {
  std::string name;
  int64_t first = 0, count = 0;
};

/// "transformer.blocks.3.att_proj.weight" without what wrappers put before it.
std::string plain_olmo_name(const std::string& name) {
  const std::string own = unwrapped(name);
  const size_t begin = own.find("transformer.");
  return begin == std::string::npos ? own : own.substr(begin + std::string("transformer.").size());
}

/// Throws DataError for a tensor that neither OLMo nor OLMo-2 of Hugging Face has.
std::vector<OlmoPart> olmo_parts(const std::string& saved, const std::vector<int64_t>& shape,
                                 bool norms_have_gains, const std::string& where) {
  const std::string name = plain_olmo_name(saved);
  const int64_t rows = shape.empty() ? 0 : shape[0];
  const auto whole = [&](const std::string& own) { return std::vector<OlmoPart>{{own, 0, rows}}; };
  if (name == "wte.weight") return whole("model.embed_tokens.weight");
  if (name == "ff_out.weight") return whole("lm_head.weight");
  if (name == "ln_f.weight" && norms_have_gains) return whole("model.norm.weight");
  const std::string blocks = "blocks.";
  const size_t dot = name.starts_with(blocks) ? name.find('.', blocks.size()) : std::string::npos;
  const std::string layer =
      dot == std::string::npos
          ? ""
          : "model.layers." + name.substr(blocks.size(), dot - blocks.size()) + ".";
  const std::string rest = dot == std::string::npos ? "" : name.substr(dot + 1);
  if (rest == "att_proj.weight" && shape.size() == 2 && rows > shape[1] &&
      (rows - shape[1]) % 2 == 0) {
    const int64_t width = shape[1], of_keys = (rows - width) / 2;
    return {{layer + "self_attn.q_proj.weight", 0, width},
            {layer + "self_attn.k_proj.weight", width, of_keys},
            {layer + "self_attn.v_proj.weight", width + of_keys, of_keys}};
  }
  if (rest == "ff_proj.weight" && rows % 2 == 0) {  // what is multiplied, then the gate
    return {{layer + "mlp.up_proj.weight", 0, rows / 2},
            {layer + "mlp.gate_proj.weight", rows / 2, rows / 2}};
  }
  if (rest == "attn_out.weight") return whole(layer + "self_attn.o_proj.weight");
  if (rest == "ff_out.weight") return whole(layer + "mlp.down_proj.weight");
  if (norms_have_gains) {
    if (rest == "q_norm.weight") return whole(layer + "self_attn.q_norm.weight");
    if (rest == "k_norm.weight") return whole(layer + "self_attn.k_norm.weight");
    if (rest == "attn_norm.weight") return whole(layer + "post_attention_layernorm.weight");
    if (rest == "ff_norm.weight") return whole(layer + "post_feedforward_layernorm.weight");
  }
  throw DataError(where, "has the tensor " + saved + ", which no OLMo of Hugging Face has",
                  "Convert it with the program that trained it");
}

TensorView rows_of(const TensorView& tensor, const OlmoPart& part, const std::string& end) {
  TensorView rows = part.count == tensor.shape.at(0) ? tensor : tensor.rows(part.first, part.count);
  rows.name = part.name + end;
  return rows;
}

class OlmoState final : public AssembledState {
 public:
  explicit OlmoState(const fs::path& folder) : AssembledState(folder.string()), folder_(folder) {
    model_ = open_weight_file(folder_ / "model.pt");
    add_file(model_);
    const std::string where = (folder_ / "model.pt").string();
    norms_have_gains_ =
        std::any_of(model_->tensors().begin(), model_->tensors().end(),
                    [](const TensorView& each) { return each.name.ends_with(".q_norm.weight"); });
    for (const TensorView& each : model_->tensors()) {
      for (const OlmoPart& part : olmo_parts(each.name, each.shape, norms_have_gains_, where)) {
        assembled_weights().add(rows_of(each, part, ""));
      }
    }
    assembled_weights().finish();
    for (const std::string& note : model_->notes()) add_note(note);
    add_note(
        "tensor names: OLMo's were changed into Hugging Face's; queries, keys and values, and gate "
        "and up, are told apart");
    if (fs::exists(folder_ / "config.yaml")) {
      settings_ = read_plain_yaml(folder_ / "config.yaml");
      note_loss();
    }
  }

  [[nodiscard]] std::string what() const override { return "a checkpoint of OLMo (model.pt)"; }
  [[nodiscard]] std::optional<nlohmann::json> config() const override {
    return olmo_config(settings_);
  }

 private:
  [[noreturn]] static void refuse(const fs::path& path, const std::string& problem) {
    throw DataError(path.string(), problem, other_state);
  }
  /// What the training's loss and gradients were besides.
  void note_loss() {
    const auto clip = settings_.find("max_grad_norm");
    if (clip != settings_.end() && clip->is_number()) {
      add_note(
          fmt::format("gradients were clipped to a norm of {0} (for --source steps: "
                      "--clip {0})",
                      clip->get<double>()));
    }
    if (settings_.value("softmax_auxiliary_loss", nlohmann::json(false)) == true) {
      const nlohmann::json times = settings_.value("auxiliary_loss_multiplier", nlohmann::json());
      add_note(fmt::format("the training's loss had a z-loss of {} too",
                           times.is_number() ? times.get<double>() : 1e-4));
    }
  }

  [[nodiscard]] SavedOptimizer read_optimizer() const override {
    const fs::path path = folder_ / "optim.pt", progress_path = folder_ / "train.pt";
    for (const fs::path& each : {path, progress_path, folder_ / "config.yaml"}) {
      if (fs::exists(each)) continue;
      throw DataError(folder_.string(),
                      "has no " + each.filename().string() +
                          ": the next step needs moments (optim.pt), where the training stands "
                          "(train.pt) and its schedule (config.yaml)",
                      "Copy all files of the checkpoint");
    }
    const TrainingFile file = open_training_file(path);
    const TrainingFile progress_file = open_training_file(progress_path);
    const auto settings = settings_.find("optimizer");
    if (settings != settings_.end() && settings->is_object()) {
      const nlohmann::json name = settings->value("name", nlohmann::json("adamw"));
      if (name != "adamw") refuse(path, "is the state of the optimizer " + name.dump());
      if (settings->value("selective_updates", nlohmann::json(false)) == true) {
        refuse(path, "is of an AdamW that steps only what has a gradient (selective_updates)");
      }
    }
    const PlainData *states = file->root().find("state"),
                    *found = file->root().find("param_groups");
    const auto* groups = found == nullptr ? nullptr : found->as<PlainList>();
    if (states == nullptr || groups == nullptr) refuse(path, "holds no state and param_groups");
    SavedOptimizer read;
    for (const PlainData& each : groups->items) {
      const TorchGroup group(each, *file, read.groups.size());
      AdamWGroup own = adamw_of(group);
      own.learning_rate = next_rate(own.learning_rate, *progress_file);
      for (const auto& [name, state] : states_of(group, each, *states)) {
        add(read, name, *state, file, path);
      }
      read.groups.push_back(own);
    }
    add_file(as_weight_file(file));
    add_file(as_weight_file(progress_file));
    return read;
  }

  /// Parameters by name (FSDP's full state), or numbers with param_names beside them. Those without
  /// state are frozen.
  static std::vector<std::pair<std::string, const PlainData*>> states_of(const TorchGroup& group,
                                                                         const PlainData& entry,
                                                                         const PlainData& states) {
    const std::vector<std::string> names = group.names();
    const PlainData* parameters = entry.find("params");
    const auto* list = parameters == nullptr ? nullptr : parameters->as<PlainList>();
    if (list == nullptr) group.refuse("params is no list");
    std::vector<std::pair<std::string, const PlainData*>> all;
    for (size_t i = 0; i < list->items.size(); ++i) {
      const auto* name = list->items[i].as<std::string_view>();
      const auto* number = list->items[i].as<int64_t>();
      if (name == nullptr && (number == nullptr || i >= names.size())) {
        group.refuse("does not name its parameters");
      }
      const PlainData* state = name != nullptr ? states.find(*name) : states.find(*number);
      if (state != nullptr)
        all.emplace_back(name != nullptr ? std::string(*name) : names[i], state);
    }
    return all;
  }

  void add(SavedOptimizer& to, const std::string& name, const PlainData& state,
           const TrainingFile& file, const fs::path& path) const {
    const auto updates = updates_of(*file, state, name);
    if (!updates) refuse(path, "has no step of " + name);
    const TensorView first = moment_of(*file, state, "exp_avg", name),
                     second = moment_of(*file, state, "exp_avg_sq", name);
    if (first.shape != second.shape) refuse(path, "the moments of " + name + " differ in shape");
    for (const OlmoPart& part : olmo_parts(name, first.shape, norms_have_gains_, path.string())) {
      assembled_moments().add(rows_of(first, part, ".exp_avg"));
      assembled_moments().add(rows_of(second, part, ".exp_avg_sq"));
      to.moments.push_back({.name = part.name,
                            .first = {},
                            .second = {},
                            .updates = *updates,
                            .group = to.groups.size()});
    }
  }

  /// The schedule must give the rate of the last step that is saved; then it gives the next one's.
  [[nodiscard]] double next_rate(double saved, const TorchData& file) const {
    const std::string where = (folder_ / "config.yaml").string();
    const auto whole = [&](const char* key) -> std::optional<int64_t> {
      const PlainData* value = file.root().find(key);
      const auto* number = value == nullptr ? nullptr : value->as<int64_t>();
      return number == nullptr ? std::nullopt : std::optional(*number);
    };
    const auto step = whole("global_step");
    if (!step) refuse(folder_ / "train.pt", "does not say global_step");
    const OlmoProgress progress{.step = *step,
                                .tokens = whole("global_train_tokens_seen").value_or(0)};
    const double last = olmo_learning_rate(settings_, progress, *step, where);
    constexpr double same = 1e-9;
    if (!(std::abs(last - saved) <= same * std::abs(saved))) {
      refuse(where, fmt::format("its schedule gives the learning rate {} at step {}, and optim.pt "
                                "has {}",
                                last, *step, saved));
    }
    return olmo_learning_rate(settings_, progress, *step + 1, where);
  }

  fs::path folder_;
  std::shared_ptr<const WeightFile> model_;
  bool norms_have_gains_ = false;
  nlohmann::json settings_ = nlohmann::json::object();
};

bool holds_olmo(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "model.pt", ignored) &&
         (fs::exists(folder / "config.yaml", ignored) || fs::exists(folder / "optim.pt", ignored) ||
          fs::exists(folder / "train.pt", ignored));
}

std::unique_ptr<SavedState> open_olmo(const fs::path& folder) {
  return std::make_unique<OlmoState>(folder);
}

}  // namespace

const Layout& olmo_unsharded() {
  static constexpr Layout layout{.holds = holds_olmo, .open = open_olmo};
  return layout;
}

}  // namespace explaind
