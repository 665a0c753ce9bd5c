#include "machine/network_interfaces.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <bit>
#include <filesystem>

namespace explaind {
namespace {

/// "192.0.2.2/24"
std::string text_of(const ifaddrs& entry) {
  const auto number = [](const sockaddr* address) {
    return reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
  };
  std::array<char, INET_ADDRSTRLEN> text{};
  const in_addr address = number(entry.ifa_addr);
  inet_ntop(AF_INET, &address, text.data(), text.size());
  if (entry.ifa_netmask == nullptr) return text.data();
  return fmt::format("{}/{}", text.data(), std::popcount(number(entry.ifa_netmask).s_addr));
}

/// The kernel's bridges, and names that container engines give to networks of one machine.
bool leads_nowhere(const std::string& name) {
  std::error_code none;
  if (std::filesystem::exists("/sys/class/net/" + name + "/bridge", none)) return true;
  const auto begins = [&](const char* word) { return name.rfind(word, 0) == 0; };
  return begins("docker") || begins("br-") || begins("virbr") || begins("lxcbr") ||
         begins("podman") || begins("cni");
}

}  // namespace

std::vector<NetworkInterface> network_interfaces() {
  std::vector<NetworkInterface> found;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    const bool up = (entry->ifa_flags & IFF_UP) != 0 && (entry->ifa_flags & IFF_LOOPBACK) == 0;
    if (!up || entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    const std::string name = entry->ifa_name;
    auto place = std::find_if(found.begin(), found.end(),
                              [&](const NetworkInterface& each) { return each.name == name; });
    if (place == found.end()) {
      place = found.insert(place, {.name = name, .addresses = {}, .bridge = leads_nowhere(name)});
    }
    place->addresses.push_back(text_of(*entry));
  }
  freeifaddrs(list);
  return found;
}

}  // namespace explaind
