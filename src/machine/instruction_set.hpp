#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "machine/environment.hpp"

namespace explaind {

/// What decides the order in which this processor adds: its maker and its vector instructions, and
/// the variables by which LibTorch, MKL and oneDNN are told to use fewer (ATEN_CPU_CAPABILITY, …).
/// Two processes of which it is equal compute the same bits. For people too: "GenuineIntel with
/// avx2, avx512f, fma". Empty where /proc/cpuinfo does not say.
std::string instruction_set(const Environment& environment = std::getenv,
                            const std::filesystem::path& root = "/");

}  // namespace explaind
