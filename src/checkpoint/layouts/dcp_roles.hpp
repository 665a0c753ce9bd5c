#pragma once
// What the entries of a checkpoint of torch.distributed.checkpoint are of a training's state.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "checkpoint/layouts/dcp_files.hpp"

namespace explaind {

/// An entry and where it lies.
struct DcpItem {
  const DcpFiles* files = nullptr;
  const DcpEntry* entry = nullptr;
};

/// Entries by what they are. Programs nest their state under names of their own (`model`,
/// `optimizer`, `optim`, `app`), and keep an optimizer's state as dicts or flattened.
struct DcpRoles {
  std::map<std::string, DcpItem> weights;  ///< by the model's own names, wrappers taken off
  /// exp_avg, exp_avg_sq, step … by a parameter's name.
  std::map<std::string, std::map<std::string, DcpItem>> states;
  /// lr, betas … of a group by its number, or of each parameter by its name.
  std::map<std::string, std::map<std::string, DcpItem>> numbered_groups, parameter_groups;
  std::vector<DcpItem> group_lists;  ///< all groups in one object
  std::set<std::string> left;        ///< names of what is none of it, up to their first dots

  /// Throws DataError for states of two models or optimizers, and names that are one once wrappers
  /// are taken off.
  void add(const DcpFiles& files);

 private:
  void add_optimizer(const std::string& rest, const DcpItem& item);
  void put(std::map<std::string, DcpItem>& into, const std::string& name, const DcpItem& item);
  std::string model_root_, optimizer_root_;
};

}  // namespace explaind
