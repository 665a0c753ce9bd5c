#pragma once

#include <string>
#include <vector>

namespace explaind {

/// A network of this machine that is up.
struct NetworkInterface {
  std::string name;                    ///< "eth0"
  std::vector<std::string> addresses;  ///< "192.0.2.2/24"
  bool bridge = false;  ///< to containers or virtual machines on this machine, not to others
};

/// All but the machine's way to itself (lo), in the system's order; those with an IPv4 address.
std::vector<NetworkInterface> network_interfaces();

}  // namespace explaind
