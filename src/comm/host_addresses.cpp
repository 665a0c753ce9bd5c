#include "comm/host_addresses.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/system/error_code.hpp>
#include <cstring>
#include <memory>
#include <sstream>
#include <string_view>

namespace explaind {
namespace {

namespace ip = boost::asio::ip;

/// Empty for what is no address that others can be told: link-local ones are of one host's
/// interface.
std::string text_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return ip::address_v4(ntohl(v4.sin_addr.s_addr)).to_string();
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    ip::address_v6::bytes_type bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    const ip::address_v6 found(bytes);
    return found.is_link_local() ? "" : found.to_string();
  }
  return "";
}

/// Whether a list of names and networks, between commas, has this address.
bool names(const char* list, const HostAddress& each) {
  if (list == nullptr) return false;
  std::istringstream in(list);
  for (std::string item; std::getline(in, item, ',');) {
    if (item == each.interface) return true;
    boost::system::error_code unlike, no_v4;
    const ip::network_v4 network = ip::make_network_v4(item, unlike);
    const ip::address_v4 address = ip::make_address_v4(each.address, no_v4);
    if (unlike || no_v4) continue;
    if ((address.to_uint() & network.netmask().to_uint()) == network.network().to_uint()) {
      return true;
    }
  }
  return false;
}

bool is_bridge_of_containers(std::string_view interface) {
  constexpr std::array<std::string_view, 7> begins{"docker", "br-",    "veth", "virbr",
                                                   "cni",    "podman", "lxc"};
  return std::any_of(begins.begin(), begins.end(),
                     [&](std::string_view begin) { return interface.starts_with(begin); });
}

}  // namespace

std::vector<HostAddress> host_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  std::vector<HostAddress> found;
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || (each->ifa_flags & IFF_UP) == 0) continue;
    const std::string address = text_of(*each->ifa_addr);
    if (!address.empty()) found.push_back({each->ifa_name, address});
  }
  return found;
}

std::vector<std::string> in_order_of_trial(const std::vector<HostAddress>& addresses,
                                           const Environment& environment) {
  const auto told = [&](const char* which) {
    for (const char* layer : {"btl", "oob"}) {
      const std::string name = std::string("OMPI_MCA_") + layer + "_tcp_if_" + which;
      if (const char* value = environment(name.c_str())) return value;
    }
    return static_cast<const char*>(nullptr);
  };
  const char *included = told("include"), *excluded = told("exclude");
  const auto place = [&](const HostAddress& each) {
    boost::system::error_code unlike;
    if (ip::make_address(each.address, unlike).is_loopback()) return 3;
    if (names(included, each)) return 0;
    return names(excluded, each) || is_bridge_of_containers(each.interface) ? 2 : 1;
  };
  std::vector<HostAddress> sorted = addresses;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
  std::vector<std::string> order;
  for (const HostAddress& each : sorted) order.push_back(each.address);
  return order;
}

}  // namespace explaind
