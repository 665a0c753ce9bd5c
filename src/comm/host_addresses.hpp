#pragma once
// Where other ranks may reach this host.

#include <string>
#include <vector>

#include "machine/environment.hpp"

namespace explaind {

/// An address of a network interface that is up.
struct HostAddress {
  std::string interface;  ///< "eth0"
  std::string address;    ///< "10.0.0.2", "2001:db8::2"
};

/// Of all interfaces that are up, in the system's order; loopback too.
std::vector<HostAddress> host_addresses();

/// In the order in which they are to be tried: those of the networks that MPI was told to use
/// (OMPI_MCA_btl_tcp_if_include, else OMPI_MCA_oob_tcp_if_include: names, or networks as
/// 10.0.0.0/8) first, bridges of containers (docker0, virbr0 …) and those that MPI was told to
/// leave out (…_if_exclude) after all others, loopback last. None is dropped: one that leads
/// nowhere costs a try, one that is missing the connection.
std::vector<std::string> in_order_of_trial(const std::vector<HostAddress>& addresses,
                                           const Environment& environment);

}  // namespace explaind
