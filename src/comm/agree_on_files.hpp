#pragma once

#include <functional>
#include <string>

#include "comm/communicator.hpp"

namespace explaind {

/// As agree(), for an action in which every rank opens the same files: where one fails and one on
/// another host does not, the message names both. @collective
void agree_on_files(const Communicator& world, const std::function<void()>& action);

/// seen: what this rank sees at `where`, as text. Throws DataError on all ranks, with both hosts'
/// names, where one sees something else than rank 0. @collective
void require_same_sight(const Communicator& world, const std::string& where,
                        const std::string& seen);

}  // namespace explaind
