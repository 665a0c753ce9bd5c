#include "checkpoint/tensor_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace explaind {
namespace {

/// Without the parts that a wrapper puts between two modules; adds to `found` those it met.
std::string without_wrappers(std::string name, std::set<std::string>& found) {
  for (const char* part :
       {"_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "_forward_module."}) {
    const std::string wrapper(part);
    for (size_t at = 0; (at = name.find(wrapper, at)) != std::string::npos;) {
      if (at > 0 && name[at - 1] != '.') {
        ++at;
        continue;
      }
      name.erase(at, wrapper.size());
      found.insert(wrapper);
    }
  }
  return name;
}

/// What stands before the embedding's name, `model.embed_tokens.weight`, or before
/// `embed_tokens.weight` where the inner model was saved alone.
struct Beginning {
  std::string text;
  bool inner = false;  ///< "model." is missing after it
};

Beginning beginning_of(const std::map<std::string, std::string>& own_names,
                       const DecoderNames& names) {
  const std::string& inner_model = names.base;
  const std::string first_tensor = names.embedding.substr(inner_model.size()) + ".weight";
  for (const auto& [name, was] : own_names) {
    if (!name.ends_with(first_tensor)) continue;
    const std::string before = name.substr(0, name.size() - first_tensor.size());
    if (!before.empty() && before.back() != '.') continue;
    if (before.ends_with(inner_model) && (before.size() == inner_model.size() ||
                                          before[before.size() - inner_model.size() - 1] == '.')) {
      return {before.substr(0, before.size() - inner_model.size()), false};
    }
    return {before, true};
  }
  return {};
}

/// New name → the one that it has in the file.
class Renaming {
 public:
  Renaming(const std::vector<std::string>& names, std::string where) : where_(std::move(where)) {
    for (const std::string& name : names) was_.emplace(name, name);
  }
  void rename(const std::function<std::string(const std::string&)>& name_of) {
    std::map<std::string, std::string> renamed;
    for (auto& [name, was] : was_) {
      const std::string now = name_of(name);
      if (!renamed.emplace(now, was).second) {
        throw DataError(
            where_,
            fmt::format("two tensors are called \"{}\" once what wrappers add to names is "
                        "taken off (one is \"{}\")",
                        now, name),
            "Save the state of one of them: model.state_dict() of the unwrapped model");
      }
    }
    was_ = std::move(renamed);
  }
  [[nodiscard]] const std::map<std::string, std::string>& was() const { return was_; }

 private:
  std::map<std::string, std::string> was_;
  std::string where_;
};

}  // namespace

std::string unwrapped(const std::string& name) {
  std::set<std::string> found;
  const std::string own = without_wrappers(name, found);
  constexpr std::string_view parallel = "module.";
  return own.starts_with(parallel) ? own.substr(parallel.size()) : own;
}

UnwrappedNames unwrap_names(const std::vector<std::string>& given, const DecoderNames& names,
                            const std::string& where) {
  std::set<std::string> wrappers;
  for (const std::string& name : given) without_wrappers(name, wrappers);
  Renaming renaming(given, where);
  if (!wrappers.empty()) {
    renaming.rename([&](const std::string& name) { return without_wrappers(name, wrappers); });
  }
  const Beginning beginning = beginning_of(renaming.was(), names);
  const bool shared =
      std::all_of(renaming.was().begin(), renaming.was().end(),
                  [&](const auto& name) { return name.first.starts_with(beginning.text); });
  const bool change = shared && (!beginning.text.empty() || beginning.inner);
  if (change) {
    renaming.rename([&](const std::string& name) {
      const std::string own = name.substr(beginning.text.size());
      const bool outside = own.starts_with(names.unembedding + ".") || own.starts_with(names.base);
      return beginning.inner && !outside ? names.base + own : own;
    });
    if (!beginning.text.empty()) wrappers.insert(beginning.text);
  }
  std::string done;
  if (!wrappers.empty()) {
    done = fmt::format("\"{}\" was taken off", fmt::join(wrappers, "\", \""));
  }
  if (change && beginning.inner) {
    done += fmt::format("{}\"{}\" was put before them", done.empty() ? "" : " and ", names.base);
  }
  UnwrappedNames result{.now = {}, .done = done.empty() ? "" : "tensor names: " + done};
  for (const auto& [now, was] : renaming.was()) result.now.emplace(was, now);
  return result;
}

std::string unwrap_names(std::map<std::string, TensorView>& tensors, const DecoderNames& names,
                         const std::string& where) {
  std::vector<std::string> given;
  for (const auto& [name, view] : tensors) given.push_back(name);
  const UnwrappedNames unwrapped = unwrap_names(given, names, where);
  if (unwrapped.done.empty()) return "";
  std::map<std::string, TensorView> renamed;
  for (auto& [name, view] : tensors) {
    view.name = unwrapped.now.at(name);
    std::string now = view.name;
    renamed.emplace(std::move(now), std::move(view));
  }
  tensors = std::move(renamed);
  return unwrapped.done;
}

}  // namespace explaind
