#include "figures/palette.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

namespace explaind {
namespace {

using Rgb = std::array<double, 3>;

/// Between neighbouring stops, which lie evenly on 0 … 1.
std::string between(const std::vector<Rgb>& stops, double place) {
  const double at = std::clamp(place, 0.0, 1.0) * static_cast<double>(stops.size() - 1);
  const auto low = std::min(static_cast<size_t>(at), stops.size() - 2);
  const double part = at - static_cast<double>(low);
  std::array<int, 3> mixed{};
  for (size_t c = 0; c < 3; ++c) {
    mixed[c] = static_cast<int>(std::lround(stops[low][c] * (1 - part) + stops[low + 1][c] * part));
  }
  return fmt::format("#{:02x}{:02x}{:02x}", mixed[0], mixed[1], mixed[2]);
}

}  // namespace

std::string kind_colour(const std::string& kind, size_t place) {
  // After Okabe and Ito.
  static const std::map<std::string, std::string> own{
      {"attention", "#0072b2"}, {"mlp", "#e69f00"},         {"norm", "#cc79a7"},
      {"embedding", "#009e73"}, {"unembedding", "#d55e00"}, {"position", "#7a5195"},
      {"bias", "#8c8c8c"},      {"convolution", "#56b4e9"}};
  static const std::array<std::string, 4> spare{"#56b4e9", "#b3a100", "#7a5195", "#8c8c8c"};
  const auto known = own.find(kind);
  return known != own.end() ? known->second : spare.at(place % spare.size());
}

std::string layer_colour(size_t place, size_t count) {
  // Viridis without its palest end.
  static const std::vector<Rgb> stops{
      {68, 1, 84}, {65, 68, 135}, {42, 120, 142}, {34, 168, 132}, {122, 209, 81}};
  return between(stops,
                 count < 2 ? 0.4 : static_cast<double>(place) / static_cast<double>(count - 1));
}

std::string curve_colour(size_t place) {
  static const std::array<std::string, 8> colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                  "#b3a100", "#56b4e9", "#7a5195", "#8c8c8c"};
  return colours.at(place % colours.size());
}

std::string signed_colour(double share) {
  static const std::vector<Rgb> stops{{10, 44, 90},    {31, 95, 153},   {74, 144, 194},
                                      {169, 203, 224}, {246, 243, 238}, {243, 195, 155},
                                      {221, 128, 64},  {168, 70, 15},   {92, 30, 5}};
  return between(stops, (share + 1) / 2);
}

}  // namespace explaind
