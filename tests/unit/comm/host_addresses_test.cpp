#include "comm/host_addresses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace explaind {
namespace {

using ::testing::ElementsAre;

const std::vector<HostAddress> node{{"lo", "127.0.0.1"},       {"docker0", "172.17.0.1"},
                                    {"eth0", "192.168.1.7"},   {"lo", "::1"},
                                    {"ib0", "10.20.3.7"},      {"eth0", "2001:db8::7"},
                                    {"br-12ab", "172.18.0.1"}, {"eth1", "10.200.0.7"}};

std::vector<std::string> order(std::map<std::string, std::string> variables) {
  return in_order_of_trial(node, [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(HostAddresses, BridgesAndLoopbackComeLast) {
  EXPECT_THAT(order({}), ElementsAre("192.168.1.7", "10.20.3.7", "2001:db8::7", "10.200.0.7",
                                     "172.17.0.1", "172.18.0.1", "127.0.0.1", "::1"));
}

TEST(HostAddresses, WhatMpiUsesComesFirst) {
  EXPECT_EQ(order({{"OMPI_MCA_btl_tcp_if_include", "ib0"}}).front(), "10.20.3.7");
  EXPECT_EQ(order({{"OMPI_MCA_btl_tcp_if_include", "10.200.0.0/16"}}).front(), "10.200.0.7");
  EXPECT_EQ(order({{"OMPI_MCA_oob_tcp_if_include", "eth1,eth9"}}).front(), "10.200.0.7");
  EXPECT_EQ(order({{"OMPI_MCA_btl_tcp_if_include", "docker0"}}).front(), "172.17.0.1");
  EXPECT_EQ(order({{"OMPI_MCA_btl_tcp_if_exclude", "lo,eth0"}}).front(), "10.20.3.7");
}

TEST(HostAddresses, ThisMachineHasSome) {
  const std::vector<HostAddress> here = host_addresses();
  EXPECT_THAT(here, ::testing::Contains(::testing::Field(&HostAddress::address, "127.0.0.1")));
}

}  // namespace
}  // namespace explaind
