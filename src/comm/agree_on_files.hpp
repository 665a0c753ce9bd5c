#pragma once

#include <functional>

#include "comm/communicator.hpp"

namespace explaind {

/// As agree(), for an action in which every rank opens the same files: where one fails and one on
/// another host does not, the message names both. @collective
void agree_on_files(const Communicator& world, const std::function<void()>& action);

}  // namespace explaind
