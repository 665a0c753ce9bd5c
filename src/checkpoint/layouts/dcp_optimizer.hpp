#pragma once
// AdamW's groups and updates in a checkpoint of torch.distributed.checkpoint.

#include <map>
#include <string>
#include <vector>

#include "checkpoint/layouts/dcp_roles.hpp"
#include "checkpoint/layouts/saved_state.hpp"

namespace explaind {

/// The hyper-parameters, and whose they are.
struct DcpGroups {
  std::vector<AdamWGroup> groups;
  std::map<std::string, size_t> group_of;  ///< by a parameter's name
};

/// rates: of each group's next step as a scheduler beside the checkpoint has them; empty: none.
/// Throws DataError naming group and key: one that is missing or no number, parameters by number, a
/// parameter in two groups, an optimizer that is not AdamW, rates that contradict.
DcpGroups read_dcp_groups(const DcpRoles& roles, const std::vector<double>& rates);

/// The number of updates so far in a parameter's state. Throws DataError where there is none.
int64_t read_dcp_updates(const std::string& parameter, const std::map<std::string, DcpItem>& state);

}  // namespace explaind
